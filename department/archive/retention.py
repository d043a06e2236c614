"""How long each class of records is kept, between what the law asks at least and what it allows at most."""

from collections.abc import Sequence
from typing import NamedTuple

from department.archive.acts import act, rows
from department.archive.errors import ArchiveRefusedError
from department.archive.models import RetentionTerm
from department.ledger.catalog import LedgerEvent


class DuePartition(NamedTuple):
    """A partition of records whose term is over."""

    retention: str
    begins: str
    """In the database's form of a time, UTC."""
    ends: str
    overdue: bool
    """Whether its oldest records are older than the law allows."""


def establish(law: str) -> bool:
    """Have a law bind the department, as the owner; return whether anything changed. Terms stay where it allows."""
    ((changed,),) = rows("SELECT archive_establish(%s)", law)
    return bool(changed)


def set_term(person: str, retention: str, days: int) -> None:
    """Keep a class of records for some days.

    Raises:
        ArchiveRefusedError: the law's floor or ceiling forbids it, or no law binds the department yet.

    """
    before = RetentionTerm.objects.filter(retention=retention).first()
    if before is None:
        raise ArchiveRefusedError(f"{retention} is no class of records that has a term", "archive_lawful")
    said = {"before": before.kept_days, "after": days}
    with act(LedgerEvent.RETENTION_SET, person=person, what=retention, **said):
        RetentionTerm.objects.filter(retention=retention).update(kept_days=days)


def due() -> list[DuePartition]:
    """Return the partitions whose term is over, the oldest first."""
    found = rows(
        "SELECT class, (begins AT TIME ZONE 'UTC')::text || '+00', (ends AT TIME ZONE 'UTC')::text || '+00', overdue"
        " FROM archive_due ORDER BY begins, class"
    )
    return [DuePartition(*row) for row in found]


def became_hits(records: Sequence[int]) -> int:
    """Have reads that became hits lie with the hits, where the hits' term holds; return how many were moved.

    A hit that is found later, in reads that are kept, calls this.
    """
    ((moved,),) = rows("SELECT archive_became_hit(%s)", list(records))
    return int(moved)
