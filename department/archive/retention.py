"""How long each class of records is kept, between what the law asks at least and what it allows at most."""

from typing import NamedTuple

from django.db.models.functions import Now

from platepost.department.archive.errors import ArchiveRefusedError
from platepost.department.archive.models import BackupRecord, RetentionTerm
from platepost.department.archive.operations import operation
from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent

FIRST = "-infinity"
"""When a class begins that has no partitions by time."""


class DuePartition(NamedTuple):
    """A partition of records whose term is over; or of a class without partitions, all whose term is over."""

    retention: str
    begins: str
    """In the database's form of a time, UTC; or `FIRST`."""
    ends: str
    overdue: bool
    """Whether its oldest records are older than the law allows."""


def set_term(person: str, retention: str, days: int) -> None:
    """Keep a class of records for some days.

    Raises:
        ArchiveRefusedError: the law's floor or ceiling forbids it, or no law binds the department yet.

    """
    with operation(LedgerEvent.RETENTION_SET, person=person, what=retention, after=days) as entry:
        before = RetentionTerm.objects.filter(retention=retention).first()
        if before is None:
            raise ArchiveRefusedError(f"{retention} is not a class of records with a term", "archive_lawful")
        RetentionTerm.objects.filter(retention=retention).update(kept_days=days)
        entry["before"] = before.kept_days


def note_destroyed(person: str, name: str) -> None:
    """Note that a backup was destroyed elsewhere. Raises ArchiveRefusedError: its term goes on, or there is none."""
    with operation(LedgerEvent.BACKUP_REMOVED, person=person, what=name) as entry:
        record = BackupRecord.objects.filter(name=name, removed_at=None).first()
        if record is None:
            raise ArchiveRefusedError(f"no backup {name} is kept", "archive_no_part")
        BackupRecord.objects.filter(pk=record.pk).update(removed_at=Now())
        entry["digest"] = record.sha256


def due() -> list[DuePartition]:
    """Return what is due, the oldest first."""
    fetched = rows(
        "SELECT class, CASE WHEN isfinite(begins) THEN (begins AT TIME ZONE 'UTC')::text || '+00'"
        " ELSE begins::text END, (ends AT TIME ZONE 'UTC')::text || '+00', overdue FROM archive_due"
        " ORDER BY begins, class"
    )
    return [DuePartition(*row) for row in fetched]


def due_rows() -> list[tuple[str, str]]:
    """Return the classes that are deleted row by row and have rows past their term, each with the earliest end."""
    return [(retention, ends) for retention, ends in rows("SELECT class, ends::text FROM archive_due_rows()")]
