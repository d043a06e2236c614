"""Reviews by supervisors: of each exigent search within a day and, where the law asks it, of each search beforehand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import transaction

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import enter
from platepost.department.policy.policy import AccessPurpose

WITHIN = timedelta(hours=24)
"""How soon an exigent search is reviewed."""


class ReviewOutcome(Enum):
    """What a supervisor found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


@dataclass(frozen=True, slots=True)
class OpenReview:
    """An exigent search that no one has reviewed. What was asked is read by `platepost.department.ledger.reading`."""

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
    return [OpenReview(*row) for row in rows("SELECT entry, at, person, purpose, reason FROM ledger_open_reviews()")]


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


SEARCHES = frozenset({"plate", "scenes", "posts", "picture"})
"""What a query has, any of these, that is a search, and not the console's, an audit's or an export's."""


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """A search that waits for a supervisor's approval."""

    entry: UUID
    """Of its refusal until then."""
    at: datetime
    person: str
    purpose: str
    case: str
    reason: str


def open_approvals() -> list[OpenApproval]:
    """Return the searches of the last day that no one has decided about, the oldest first."""
    return [OpenApproval(*row) for row in rows("SELECT * FROM ledger_open_approvals()")]


def decide_search(entry: UUID, *, person: str, approved: bool, note: str) -> None:
    """Enter what a supervisor decided about a search; one's own approval lets no one search.

    Args:
        entry: of the search, as it was refused until then.
        person: the supervisor, whose right to it the caller has checked.
        approved: whether it may be made, for a day.
        note: why.

    Raises:
        LedgerError: it waits for none, or was decided.

    """
    with transaction.atomic():
        enter(LedgerEvent.SEARCH_APPROVED, {"person": person, "approved": approved, "note": note}, refers_to=entry)


def is_approved(person: str, purpose: AccessPurpose, query: Mapping[str, Any]) -> bool:
    """Tell whether someone else approved within a day that a person looks for this, or for what this narrows."""
    parameters = [person, purpose.purpose, purpose.case, json.dumps(query)]
    ((approved,),) = rows("SELECT ledger_approved(%s, %s, %s, %s)", parameters)
    return bool(approved)
