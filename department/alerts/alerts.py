"""Alerts as they stand. None has a plate: what was read and listed is the hit's."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from platepost.department.alerts.states import AlertState
from platepost.department.custody.reading import under
from platepost.department.database.queries import rows
from platepost.department.ledger.entries import OpenEntry
from platepost.department.policy.policy import policy_in_force

REVIEW_WITHIN = timedelta(hours=24)
"""How soon a supervisor reviews what stood in for a second person."""
LATE = timedelta(hours=1)
"""A hit that arrives so long after its capture tells where a vehicle was, and hardly where it is."""
_MOST_REVIEWS = 500
"""Reviews that are listed at once."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What the department has made of a hit so far. Persons by their log-ins."""

    record_id: int
    """Of the hit, by which its record and pictures are read, and the alert's own name."""
    revision: int
    """Each step names the one that was seen; when another step was sooner, it is refused."""
    state: AlertState
    post: str
    covert_group: str | None
    hit: str
    captured_at: datetime
    """By the post's clock."""
    arrived_at: datetime
    changed_at: datetime
    category: str
    priority: int
    """1 is the most urgent."""
    match: str
    """`exact`, `look_alike`, `near` or `partial`."""
    list_version: int | None
    list_age: float | None
    """Seconds, when the hit was made."""
    hotlist_stale: bool
    held: bool
    second_needed: bool
    """Not exact, held, or the state that was read contradicts: one person alone does not confirm it."""
    holder: str | None
    """Who has taken it."""
    offered_to: str | None
    """Who is to take it over."""
    eye_by: str | None
    eye_at: datetime | None
    second_by: str | None
    substitute: str | None
    """What stood in for the second person, as the policy states it."""
    substitute_at: datetime | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    reject_reason: str | None
    upheld_by: str | None
    """The supervisor who checked the rejection, or the disputed withdrawal."""
    upheld_at: datetime | None
    system: str | None
    """`active`, `cleared` or `not_practical`."""
    system_at: datetime | None
    outcome: str | None
    withdrawn_because: str | None
    withdrawn_at: datetime | None
    withdrawn_from: str | None
    """How far it had come when it was withdrawn."""
    meanwhile: str | None
    """What had been done by then."""
    disputed_by: str | None
    """Who found the listed plate in the picture, though the post withdrew the hit because it reads another one now."""
    disputed_at: datetime | None
    previous_id: int | None
    """The alert before it of the same text, entry and group, within a day."""
    answered_with: int | None
    """The alert whose decision answered this repeat, too."""
    answered_as: str | None
    """What that had come to: `rejected` or `closed`."""

    def repeats(self, former: "Alert") -> bool:
        """Tell whether it came soon enough, by the policy, after an alert of the same vehicle."""
        within = timedelta(minutes=policy_in_force().alerts.repeat_minutes)
        return bool(within) and abs(self.captured_at - former.captured_at) <= within

    @property
    def is_confirmed(self) -> bool:
        """Whether everyone who must compare it has found in the picture what is listed, until it was withdrawn."""
        confirmed = {AlertState.CONFIRMED, AlertState.ACTIONABLE, AlertState.CLOSED}
        return bool({self.state, self.withdrawn_from, self.answered_as} & confirmed)

    @property
    def stands_as_listed(self) -> bool:
        """Whether the plate that stands for it is the listed one, not the one that was read: people have found it."""
        return self.is_confirmed and self.match != "partial"

    @property
    def category_words(self) -> str:
        """The category as people write it."""
        return self.category.replace("_", " ")

    @property
    def review_due(self) -> datetime | None:
        """By when a supervisor must have reviewed what stood in for a second person; None where nothing waits."""
        return self.substitute_at and self.substitute_at + REVIEW_WITHIN if self.reviewed_by is None else None

    @property
    def is_late(self) -> bool:
        """Whether it arrived too long after its capture to raise an alarm."""
        return self.arrived_at - self.captured_at > LATE

    @property
    def escalates_at(self) -> datetime | None:
        """When it escalates, or has: no one has taken it by then, or said what was done before it was withdrawn."""
        waiting = {AlertState.NEW: self.arrived_at, AlertState.WITHDRAWN: self.withdrawn_at}.get(self.state)
        return waiting and waiting + timedelta(seconds=policy_in_force().alerts.escalate_seconds)

    def is_escalated(self, at: datetime | None = None) -> bool:
        """Tell whether it is escalated."""
        end = self.escalates_at
        return end is not None and (at or datetime.now(UTC)) >= end


_COLUMNS = ", ".join(field.name for field in fields(Alert))
_WAITING = """
SELECT count(*) FILTER (WHERE state = 'withdrawn' AND (%(on_shift)s OR withdrawn_at < %(overdue)s)),
    count(*) FILTER (WHERE state = 'waiting' AND eye_by <> %(me)s),
    count(*) FILTER (WHERE state = 'new' AND (%(on_shift)s OR arrived_at < %(overdue)s))
FROM alerts_alert WHERE state IN ('withdrawn', 'waiting', 'new') AND covert_group IS NULL
    AND arrived_at - captured_at <= %(late)s
"""
OPEN = "state NOT IN ('rejected', 'closed', 'accounted', 'repeated')"
"""SQL of `AlertState.is_open`."""


def open_alerts(entry: OpenEntry | None = None) -> list[Alert]:
    """Return all alerts about which someone has something to do, the most urgent first, then the newest.

    Args:
        entry: an open one, where those of its covert groups are wanted too; that they were shown is noted there.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    return alerts_where(f"{OPEN} ORDER BY priority, arrived_at DESC, record_id DESC", [], entry)


def open_revisions(entry: OpenEntry | None = None) -> dict[int, int | None]:
    """Return the revision of each open alert, by its record: cheap, though thousands are open. See `open_alerts`."""
    return _revisions(f"SELECT record_id, revision FROM alerts_alert WHERE {OPEN}", entry)  # noqa: S608 - our own text


def changed_revisions(entry: OpenEntry | None = None) -> dict[int, int | None]:
    """Return the revision of each alert that changed in the last half minute, None of those that are not open."""
    query = f"SELECT record_id, CASE WHEN {OPEN} THEN revision END FROM alerts_alert"  # noqa: S608 - our own text
    return _revisions(f"{query} WHERE changed_at > clock_timestamp() - interval '30 seconds'", entry)


def _revisions(query: str, entry: OpenEntry | None) -> dict[int, int | None]:
    with looking(entry) if entry else connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())


def alerts_of(records: Collection[int], entry: OpenEntry | None = None) -> list[Alert]:
    """Return alerts by their records, those that these eyes may see, by ascending record. See `open_alerts`."""
    return alerts_where("record_id = ANY (%s) ORDER BY record_id", [[*records]], entry) if records else []


def unanswered(at: datetime | None = None) -> tuple[int, datetime | None]:
    """Return how many hits no one has taken though they are overdue, and when the first of them arrived.

    Hits of covert groups are not counted.
    """
    late = (at or datetime.now(UTC)) - timedelta(seconds=policy_in_force().alerts.escalate_seconds)
    query = "SELECT count(*), min(arrived_at) FROM alerts_alert WHERE state = 'new' AND covert_group IS NULL"
    ((count, oldest),) = rows(f"{query} AND arrived_at < %s", [late])
    return int(count), oldest


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many hits wait for a person, of covert groups none."""

    withdrawn: int
    second: int
    """For a second person to compare them."""
    take: int
    """For someone to take them."""


def waiting_for(login: str, *, on_shift: bool, at: datetime | None = None) -> Waiting:
    """Return which hits wait for a person, who does not look at the console.

    Args:
        login: theirs.
        on_shift: whether they have begun a shift: others are asked for no hit before it is overdue.
        at: the time; now if None.

    """
    at = at or datetime.now(UTC)
    overdue = at - timedelta(seconds=policy_in_force().alerts.escalate_seconds)
    ((withdrawn, second, take),) = rows(_WAITING, {"on_shift": on_shift, "overdue": overdue, "late": LATE, "me": login})
    return Waiting(withdrawn, second, take)


def alert_of(record_id: int, entry: OpenEntry | None = None) -> Alert | None:
    """Return one alert; None if there is none, or none for these eyes. See `open_alerts`."""
    return next(iter(alerts_where("record_id = %s", [record_id], entry)), None)


def step_times(record_id: int) -> dict[str, datetime]:
    """Return when each kind of step about an alert was done last, by its name; none of a covert group."""
    return dict(rows("SELECT step, max(at) FROM alerts_step WHERE record_id = %s GROUP BY step", [record_id]))


def misread_pairs(record_id: int) -> list[str]:
    """Return what the last rejection found misread: each what was read and what it is; none of a covert group."""
    query = "SELECT pairs FROM alerts_step WHERE record_id = %s AND step = 'reject' ORDER BY revision DESC LIMIT 1"
    return [pair for (pairs,) in rows(query, [record_id]) for pair in pairs]


def open_substitutes() -> list[Alert]:
    """Return what stood in for a second person and no one has reviewed, the oldest first. Of covert groups none."""
    return alerts_where(
        f"substitute IS NOT NULL AND reviewed_by IS NULL ORDER BY substitute_at LIMIT {_MOST_REVIEWS}", [], None
    )


def alerts_where(condition: str, values: Sequence[Any], entry: OpenEntry | None) -> list[Alert]:
    """Return alerts by a condition of SQL on `alerts_alert AS alert`, our own text alone. See `open_alerts`."""
    with looking(entry) if entry else connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS} FROM alerts_alert AS alert WHERE {condition}", values)  # noqa: S608 - our own names
        fetched = cursor.fetchall()
    alerts = [Alert(number, revision, AlertState(state), *rest) for number, revision, state, *rest in fetched]
    for alert in alerts:
        if entry is not None and alert.covert_group is not None:
            entry.fetched(records=[alert.record_id], group=alert.covert_group)
    return alerts


@contextmanager
def looking(entry: OpenEntry | None) -> Iterator[CursorWrapper]:
    """Open a transaction in which alerts are seen: those of covert groups under an entry alone.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    if entry is not None:
        with under(entry) as cursor:
            yield cursor
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            yield cursor
