"""Holds: what nobody may purge until somebody has reviewed it.

A hold outlasts every purge, also one that is on its way: placing it waits for the part of the purge that is at hand,
and what is left then is held. What is gone by then, the hold refuses to name.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from django.db.models.functions import Now

from department.archive.acts import act
from department.archive.errors import ArchiveRefusedError, refusals
from department.archive.models import Hold
from department.ledger.catalog import LedgerEvent


@dataclass(frozen=True, slots=True)
class HeldScope:
    """What is held: records, or all that was or will be captured in a time, of posts or plates if any are given."""

    records: Sequence[int] = ()
    """By their ids. The reads, hits and withdrawals of the same passages are held with them."""
    posts: Sequence[str] = ()
    plates: Sequence[str] = ()
    """As in `plate_fold`. Without plates, what the posts said of themselves at that time is held too."""
    since: datetime | None = None
    until: datetime | None = None
    groups: Sequence[str] = field(default=())
    """The covert groups that the person is in: of others no record can be named."""


def place_hold(*, person: str, kind: str, case: str, reason: str, review_on: date, scope: HeldScope) -> Hold:
    """Place a hold; it is in force on return.

    Args:
        person: who places it.
        kind: one of `Hold.KINDS`.
        case: the number of the case, the request or the action.
        reason: why.
        review_on: when somebody is to look at it again; it does not end by itself.
        scope: what is held.

    Raises:
        ArchiveRefusedError: a record is not kept any more, or nothing is named.

    """
    said = {"case": case, "until": review_on, "what": kind, "count": len(scope.records)}
    with act(LedgerEvent.HOLD_PLACED, person=person, reason=reason, **said) as entry:
        given = {name: value if value is None else list(value) if isinstance(value, (list, tuple)) else value
                 for name, value in asdict(scope).items()}  # fmt: skip
        hold = Hold.objects.create(
            kind=kind, case_number=case, person=person, reason=reason, review_on=review_on, **given
        )
        entry["hold"] = hold.pk
    return hold


def lift_hold(*, person: str, hold: int, because: str) -> None:
    """Lift a hold. What it held goes with the next purge whose term is over.

    Raises:
        ArchiveRefusedError: there is no such hold in force, or no reason is given.

    """
    with act(LedgerEvent.HOLD_REMOVED, person=person, hold=hold, reason=because):
        changed = Hold.objects.filter(pk=hold, lifted_at=None).update(
            lifted_by=person, lifted_at=Now(), lifted_because=because
        )
        if not changed:
            raise ArchiveRefusedError(f"no hold {hold} is in force", "archive_hold_final")


def review_hold(*, person: str, hold: int, review_on: date) -> None:
    """Note that a hold was reviewed, and when it is to be again. Raises ArchiveRefusedError as `lift_hold` does."""
    with refusals():
        kept = Hold.objects.filter(pk=hold, lifted_at=None).first()
    if kept is None:
        raise ArchiveRefusedError(f"no hold {hold} is in force", "archive_hold_final")
    said = {"case": kept.case_number, "until": review_on, "what": "reviewed"}
    with act(LedgerEvent.HOLD_PLACED, person=person, hold=hold, reason=kept.reason, **said):
        Hold.objects.filter(pk=hold, lifted_at=None).update(review_on=review_on)
