"""Reports of a month: for what was searched, on whose behalf, and how old the reads were. No person and no plate."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from django.utils import timezone

from platepost.department.audits.log import auditing
from platepost.department.database.queries import rows
from platepost.department.ledger.reading import reading

AGES = ((1, "up to a day"), (7, "up to 7 days"), (30, "up to 30 days"), (90, "up to 90 days"), (366, "up to a year"))
"""Days, and how people say it."""
OLDER, GONE = "older", "not kept any more"


@dataclass(frozen=True, slots=True)
class SearchCount:
    """Searches of one purpose, of one agency's people, for one agency."""

    purpose: str | None
    """None: the bodies were erased, as their time was over."""
    agency: str | None
    on_behalf_of: str | None
    searches: int
    people: int
    exigent: int
    refused: int


@dataclass(frozen=True, slots=True)
class PostAccesses:
    """How often someone looked at posts themselves, in one way."""

    kind: str
    times: int
    strangers: int
    """Of these, by names that no one of the department has who may log in."""
    failed: int


@dataclass(frozen=True, slots=True)
class MonthReport:
    """What a month's searches were for, and how old the reads were that they showed."""

    month: date
    searches: tuple[SearchCount, ...]
    ages: Mapping[str, int]
    """Reads that were shown, by their age then."""

    def summary(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return {**asdict(self), "month": f"{self.month:%Y-%m}"}


def post_accesses(since: datetime) -> list[PostAccesses]:
    """Count stills, recordings and technicians' sessions since a time: no person, and nothing of a covert group."""
    return [PostAccesses(*row) for row in rows("SELECT * FROM audits_post_accesses(%s)", [since])]


def month_times(month: date) -> list[datetime]:
    """Return when a month begins and when it ends, where the department is."""
    first = month.replace(day=1)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return [timezone.make_aware(datetime.combine(day, time())) for day in (first, after)]


def month_report(month: date, *, person: str, agency: str) -> MonthReport:
    """Count a month's searches, under an entry of the ledger in the name of a person.

    Raises:
        PurposeError: the policy has no purpose for it.
        LedgerError: it cannot be entered.

    """
    first = month.replace(day=1)
    times = month_times(month)
    with auditing(person, agency, {"report": f"{first:%Y-%m}"}) as log, reading(log) as cursor:
        cursor.execute("SELECT * FROM audits_searches(%s, %s)", times)
        searches = tuple(SearchCount(*row) for row in cursor.fetchall())
        cursor.execute("SELECT days, records FROM audits_ages(%s, %s)", times)
        ages = dict.fromkeys((*(name for _, name in AGES), OLDER, GONE), 0)
        for days, records in cursor.fetchall():
            name = GONE if days is None else next((name for most, name in AGES if days < most), OLDER)
            ages[name] += records
    return MonthReport(first, searches, ages)
