"""Exigent searches: a supervisor, not the one who searched, reviews each within a day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

from django.db import connection, transaction

from department.ledger.catalog import LedgerEvent
from department.ledger.writing import enter

WITHIN = timedelta(hours=24)
"""How soon an exigent search is reviewed."""


class ReviewOutcome(Enum):
    """What a supervisor found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


@dataclass(frozen=True, slots=True)
class OpenReview:
    """An exigent search that nobody has reviewed. What was asked is read by `department.ledger.reading`."""

    entry: UUID
    """Of its intent."""
    at: datetime
    person: str
    purpose: str
    reason: str

    def is_overdue(self, at: datetime | None = None) -> bool:
        """Tell whether it should have been reviewed by now."""
        return (at or datetime.now(UTC)) > self.at + WITHIN


def open_reviews() -> list[OpenReview]:
    """Return the exigent searches that wait for a review, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry, at, person, purpose, reason FROM ledger_open_reviews()")
        return [OpenReview(*row) for row in cursor]


def review_exigent(entry: UUID, *, person: str, outcome: ReviewOutcome, note: str) -> None:
    """Enter what a supervisor found of an exigent search.

    Args:
        entry: of its intent.
        person: the supervisor, whose right to it the caller has checked.
        outcome: what was found.
        note: why.

    Raises:
        LedgerError: it is not exigent, was reviewed, or is the supervisor's own.

    """
    fields = {"person": person, "outcome": outcome.value, "note": note}
    with transaction.atomic():
        enter(LedgerEvent.EXIGENT_REVIEWED, fields, refers_to=entry)
