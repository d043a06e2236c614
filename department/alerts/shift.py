"""The start of a shift: which list each post has and how old it is, what is wrong, and which hits are open."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from platepost.department.alerts.alerts import Alert, open_alerts
from platepost.department.alerts.errors import AlertError, refusals
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering
from platepost.department.people.currency import currency_of
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission

SHIFT = timedelta(hours=12)
"""How long an acknowledgment of the lists counts: as long as a session lasts at most. The database enforces it, too."""
SILENT = timedelta(minutes=30)
"""A post that said nothing for so long says nothing about its list."""
_SAYS = """
SELECT DISTINCT ON (post) post, at, state, reasons, list_version, list_age FROM custody_status
WHERE covert_group IS NULL AND class = 'log' AND retained_from > %s - interval '31 days'
AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone) ORDER BY post, at DESC
"""


@dataclass(frozen=True, slots=True)
class ShiftPost:
    """What a post said last."""

    post: str
    at: datetime
    state: str
    faults: tuple[str, ...]
    list_version: int | None
    """None: it has no list."""
    list_age: timedelta | None
    """How old its list is now."""
    is_behind: bool
    """Whether another post has a newer list, or this one has none."""
    is_silent: bool

    @property
    def faults_in_words(self) -> list[str]:
        """Name its faults for people."""
        return [fault.replace("_", " ").replace("synchronised", "synchronized") for fault in self.faults]

    @property
    def age(self) -> str:
        """How old its list is now, for people."""
        return "unknown" if self.list_age is None else span(self.list_age)


@dataclass(frozen=True, slots=True)
class ShiftStart:
    """What somebody looks at before they take the first hit."""

    at: datetime
    newest: int | None
    """The newest list that any post has: what `acknowledge` is given."""
    posts: tuple[ShiftPost, ...]
    alerts: tuple[Alert, ...]
    """Those that are open."""


def span(given: timedelta) -> str:
    """Return a span in hours and minutes, for people."""
    minutes = int(given.total_seconds() // 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else "less than a minute"


def shift_start(*, at: datetime | None = None) -> ShiftStart:
    """Return it as it is at a time; now if None."""
    at = at or datetime.now(UTC)
    says = rows(_SAYS, [at])
    newest = max((version for *_, version, _ in says if version is not None), default=None)
    posts = tuple(
        ShiftPost(
            post,
            said_at,
            state,
            tuple(reasons),
            version,
            None if age is None else timedelta(seconds=round(age + max((at - said_at).total_seconds(), 0))),
            is_behind=version is None or (newest is not None and version < newest),
            is_silent=at - said_at > SILENT,
        )
        for post, said_at, state, reasons, version, age in says
    )
    return ShiftStart(at, newest, posts, tuple(open_alerts()))


def acknowledge(person: DepartmentPerson, start: ShiftStart) -> None:
    """Note that somebody has looked at the start of their shift; from now on they may take alerts.

    Raises:
        AlertError: there is a newer list by now, or they may not answer hits.
        LedgerError: it cannot be entered.

    """
    lacks = currency_of(DepartmentPerson.objects.get(pk=person.pk)).lacks(Permission.ANSWER_HITS)
    if lacks:
        raise AlertError(" ".join(lack.what for lack in lacks), "alerts_lapsed")
    fields = {
        "person": person.login,
        "newest": start.newest,
        "posts": len(start.posts),
        "stale": sum(post.is_behind for post in start.posts),
        "faults": sum(len(post.faults) for post in start.posts),
        "open": sum(alert.covert_group is None for alert in start.alerts),
    }
    with refusals(), entering(LedgerEvent.LISTS_SEEN, fields), connection.cursor() as cursor:
        said = [person.login, start.newest]
        cursor.execute("INSERT INTO alerts_acknowledgment (person, list_version) VALUES (%s, %s)", said)


def acknowledged_until(person: DepartmentPerson) -> datetime | None:
    """Return until when somebody may take alerts by what they have looked at; None where they may not now."""
    ((last,),) = rows("SELECT max(at) FROM alerts_acknowledgment WHERE person = %s", [person.login])
    return last + SHIFT if last is not None and datetime.now(UTC) < last + SHIFT else None


def withdraw_listed(listed: Iterable[str], *, group: str | None, person: str) -> list[int]:
    """Take back the open alerts of entries that left the list, as part of the caller's transaction; return which.

    Args:
        listed: as the list spells the plates, or patterns.
        group: the covert group of the entries.
        person: who took them off.

    """
    ((found,),) = rows("SELECT alerts_withdraw_listed(%s, %s, %s)", [[*listed], group, person])
    return list(found)
