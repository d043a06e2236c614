"""Which hits there were, and what was decided about each: alerts by post, category, outcome and person.

An alert has no plate. Whoever shows the plates reads them under an open entry of the ledger.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from platepost.department.alerts.alerts import OPEN, Alert, alerts_where
from platepost.department.alerts.console_feed import PURPOSE
from platepost.department.alerts.states import AlertOutcome, AlertStep, RejectReason
from platepost.department.custody.reading import HitPlate, hit_plates
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.ledger.writing import append
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.services import covert_groups

PAGE = 50
"""Hits of a page."""
MOST_EXPORTED = 5000
"""Hits of a file; for more, narrow the time."""
_AT_ONCE = 1000
"""Hits whose plates one entry of the ledger opens: see `ledger_cover_asked`."""
_OUTCOMES = {
    "open": OPEN,
    "rejected": "(state = 'rejected' OR answered_as = 'rejected')",
    "closed": "(state = 'closed' OR answered_as = 'closed')",
    "withdrawn": "state IN ('withdrawn', 'accounted')",
    "repeated": "state = 'repeated'",
}
OUTCOMES = (*_OUTCOMES, *(reason.value for reason in RejectReason), *(outcome.value for outcome in AlertOutcome))
"""What hits can be narrowed by: how they ended, or exactly why."""
UNCHECKED = "upheld_by IS NULL AND (state = 'rejected' AND priority = 1 OR disputed_by IS NOT NULL)"
"""Rejections of the highest priority, and disputed withdrawals, that no supervisor has checked."""


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which hits to list: those that meet all conditions."""

    since: datetime
    """Captured at this time or later."""
    until: datetime
    """Captured before this time."""
    post: str = ""
    category: str = ""
    outcome: str = ""
    """One of `OUTCOMES`."""
    person: str = ""
    """Took, compared, decided, or reopened it."""
    before: tuple[datetime, int] | None = None
    """What comes behind this time of capture and record: those of the last row of the page before."""

    def asked(self) -> dict[str, Any]:
        """Return what is asked as the ledger has it: JSON's types."""
        named = {"post": self.post, "category": self.category, "outcome": self.outcome, "person": self.person}
        times = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        return times | {name: value for name, value in named.items() if value}

    def condition(self) -> tuple[str, list[Any]]:
        """Return it as SQL, with its values."""
        conditions = ["captured_at >= %s", "captured_at < %s"]
        values: list[Any] = [self.since, self.until]
        if self.post:
            conditions.append("post = %s")
            values.append(self.post)
        if self.category:
            conditions.append("category = %s")
            values.append(self.category)
        if self.person:
            conditions.append(
                "EXISTS (SELECT FROM alerts_step AS own WHERE own.record_id = alert.record_id AND own.person = %s)"
            )
            values.append(self.person)
        if self.before:
            conditions.append("(captured_at, record_id) < (%s, %s)")
            values += self.before
        if self.outcome in _OUTCOMES:
            conditions.append(_OUTCOMES[self.outcome])
        elif self.outcome:
            conditions.append("%s IN (coalesce(reject_reason, ''), coalesce(outcome, ''))")
            values.append(self.outcome)
        return " AND ".join(conditions), values


@dataclass(frozen=True, slots=True)
class PastHit:
    """A hit, and what it came to."""

    alert: Alert
    plate: HitPlate | None
    """None where its record was deleted or cannot be shown."""

    @property
    def is_listed(self) -> bool:
        """Whether the plate that stands for it is the listed one: people have found it in the picture."""
        return self.alert.stands_as_listed


def _time(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")


_EXPORTED: Final[Mapping[str, Callable[[PastHit], object]]] = {
    "hit": lambda past: past.alert.hit,
    "captured": lambda past: _time(past.alert.captured_at),
    "arrived": lambda past: _time(past.alert.arrived_at),
    "post": lambda past: past.alert.post,
    "category": lambda past: past.alert.category,
    "priority": lambda past: past.alert.priority,
    "match": lambda past: past.alert.match,
    "plate_read": lambda past: past.plate.read if past.plate else "",
    "plate_listed": lambda past: past.plate.listed if past.plate else "",
    "state": lambda past: past.alert.state.value,
    "reject_reason": lambda past: past.alert.reject_reason,
    "outcome": lambda past: past.alert.outcome,
    "holder": lambda past: past.alert.holder,
    "compared_by": lambda past: past.alert.eye_by,
    "second": lambda past: past.alert.second_by,
    "system": lambda past: past.alert.system,
    "withdrawn": lambda past: past.alert.withdrawn_because,
    "changed": lambda past: _time(past.alert.changed_at),
    "disputed_by": lambda past: past.alert.disputed_by,
    "upheld_by": lambda past: past.alert.upheld_by,
}
"""The columns of a file of hits, by their names."""


def past_alerts(chosen: HistoryFilter, entry: OpenEntry | None = None, *, limit: int = PAGE) -> list[Alert]:
    """Return alerts, the latest first; those of covert groups under an entry alone. Raises ClosedEntryError."""
    condition, values = chosen.condition()
    return alerts_where(f"{condition} ORDER BY captured_at DESC, record_id DESC LIMIT {int(limit)}", values, entry)


def past_hits(person: DepartmentPerson, chosen: HistoryFilter, *, limit: int = PAGE) -> list[PastHit]:
    """Return hits with their plates, under an entry of the ledger that has what was asked.

    Raises:
        PurposeError: the policy does not let the person see hits.
        LedgerError: it cannot be entered.

    """
    who: dict[str, Any] = {"person": person.login, "agency": person.agency, "groups": covert_groups(person)}
    filters = chosen.asked()
    if who["groups"]:
        with open_entry(purpose=PURPOSE, query={"console": [], "history": filters}, **who) as entry:
            alerts = past_alerts(chosen, entry, limit=limit)
    else:
        alerts = past_alerts(chosen, limit=limit)
    plates: dict[int, HitPlate] = {}
    for first in range(0, len(alerts), _AT_ONCE):
        records = [alert.record_id for alert in alerts[first : first + _AT_ONCE]]
        with open_entry(purpose=PURPOSE, query={"console": records, "history": filters}, **who) as entry:
            plates |= hit_plates(entry, records)
    return [PastHit(alert, plates.get(alert.record_id)) for alert in alerts]


def unchecked() -> list[Alert]:
    """Return what a supervisor has to check, the latest first: see `UNCHECKED`. Of covert groups none."""
    return alerts_where(f"{UNCHECKED} ORDER BY changed_at DESC LIMIT 200", [], None)


def count_unchecked() -> int:
    """Return how many hits `unchecked` has."""
    ((count,),) = rows(f"SELECT count(*) FROM alerts_alert WHERE {UNCHECKED} AND covert_group IS NULL")  # noqa: S608
    return int(count)


def count_disputed(login: str) -> int:
    """Return how many disputed withdrawals wait for a supervisor, without those that they dispute themselves."""
    query = "SELECT count(*) FROM alerts_alert WHERE upheld_by IS NULL AND disputed_by <> %s AND covert_group IS NULL"
    ((count,),) = rows(query, [login])
    return int(count)


def known_values() -> Mapping[str, Sequence[str]]:
    """Return which posts and categories hits of the last 31 days have, of covert groups none, and who is registered."""
    # One pass over a month of hits, and none over their steps: whoever acted is in the register.
    seen = rows(
        "SELECT DISTINCT post, category FROM alerts_alert"
        " WHERE captured_at > now() - interval '31 days' AND covert_group IS NULL"
    )
    posts, categories = (sorted({values[place] for values in seen}) for place in (0, 1))
    people = DepartmentPerson.objects.order_by("login").values_list("login", flat=True)
    return {"post": posts, "category": categories, "person": [*people]}


def exported_history(person: DepartmentPerson, chosen: HistoryFilter) -> str:
    """Return hits as CSV, and enter that someone took them along.

    Raises:
        PurposeError: the policy does not let the person see hits.
        LedgerError: it cannot be entered.

    """
    hits = past_hits(person, replace(chosen, before=None), limit=MOST_EXPORTED)
    append(
        LedgerEvent.HISTORY_EXPORTED,
        # Of a covert group not even how many.
        {
            "person": person.login,
            "what": chosen.asked(),
            "count": sum(hit.alert.covert_group is None for hit in hits),
        },
    )
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(_EXPORTED)
    lines.writerows([column(hit) for column in _EXPORTED.values()] for hit in hits)
    return written.getvalue()


@dataclass(frozen=True, slots=True)
class PastStep:
    """One step about a hit."""

    at: datetime
    person: str | None
    """None where the program withdrew it by what a post sent."""
    step: str
    state: str
    """What the alert was then."""
    reason: str | None
    note: str | None
    to_person: str | None


def rejecters(record_ids: Sequence[int]) -> dict[int, str]:
    """Return who rejected hits, or found them cleared, last, by the hit's record; with one query."""
    fetched = rows(
        "SELECT DISTINCT ON (record_id) record_id, person FROM alerts_step WHERE record_id = ANY (%s)"
        " AND covert_group IS NULL AND step = ANY (%s) ORDER BY record_id, revision DESC",
        [[*record_ids], [AlertStep.REJECT.value, AlertStep.CLEARED.value]],
    )
    return {record: person or "" for record, person in fetched}


def steps_of(record_id: int) -> list[PastStep]:
    """Return the steps about a hit, the first one first; none of a covert group."""
    fetched = rows(
        "SELECT at, person, step, state, reason, note, to_person FROM alerts_step WHERE record_id = %s"
        " AND covert_group IS NULL ORDER BY revision",
        [record_id],
    )
    return [PastStep(*row) for row in fetched]
