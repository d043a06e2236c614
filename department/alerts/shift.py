"""The start of a shift: which list each post has and how old it is, what is wrong, and which hits are open."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from platepost.department.alerts.alerts import Alert, open_alerts
from platepost.department.alerts.errors import AlertError, refusals
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering
from platepost.department.lists.posts import PostReport, post_reports
from platepost.department.people.authorization import authorization_of
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission

SHIFT = timedelta(hours=12)
"""How long an acknowledgment of the lists counts: as long as a session lasts at most. The database enforces it, too."""


@dataclass(frozen=True, slots=True)
class ShiftStart:
    """What someone looks at before they take the first hit."""

    at: datetime
    newest: int | None
    """The newest list that any post has: what `acknowledge` is given."""
    posts: tuple[PostReport, ...]
    alerts: tuple[Alert, ...]
    """Those that are open."""


def shift_start(*, at: datetime | None = None) -> ShiftStart:
    """Return it as it is at a time; now if None."""
    at = at or datetime.now(UTC)
    posts = post_reports(at)
    newest = max((post.list_version for post in posts if post.list_version is not None), default=None)
    return ShiftStart(at, newest, posts, tuple(open_alerts()))


def acknowledge(person: DepartmentPerson, start: ShiftStart) -> None:
    """Note that someone has looked at the start of their shift; from now on they may take alerts.

    Raises:
        AlertError: there is a newer list by now, or they may not answer hits.
        LedgerError: it cannot be entered.

    """
    lacks = authorization_of(DepartmentPerson.objects.get(pk=person.pk)).lacks(Permission.ANSWER_HITS)
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
        parameters = [person.login, start.newest]
        cursor.execute("INSERT INTO alerts_acknowledgment (person, list_version) VALUES (%s, %s)", parameters)


def acknowledged_until(person: DepartmentPerson) -> datetime | None:
    """Return until when someone may take alerts by what they have looked at; None where they may not now."""
    ((last,),) = rows("SELECT max(at) FROM alerts_acknowledgment WHERE person = %s", [person.login])
    return last + SHIFT if last is not None and datetime.now(UTC) < last + SHIFT else None
