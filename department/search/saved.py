"""Searches that someone saved for a case: what was asked, never what was found. Each person sees their own."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import entering


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A saved search."""

    id: UUID
    work: str
    """The case, or the purpose where there is none."""
    at: datetime
    fields: Mapping[str, Sequence[str]]
    """The form's, by name."""


def save_search(person: str, work: str, fields: Iterable[tuple[str, str]]) -> None:
    """Save a search of someone: what stood in the form, each value with the name of its field.

    Raises:
        LedgerError: it cannot be entered.

    """
    form_fields: dict[str, list[str]] = {}
    for name, value in fields:
        form_fields.setdefault(name, []).append(value)
    entered = {"person": person, "case": work, "what": "a search"}
    with entering(LedgerEvent.WORK_SAVED, entered), connection.cursor() as cursor:
        values = [person, work, json.dumps(form_fields)]
        cursor.execute("INSERT INTO search_saved (person, work, fields) VALUES (%s, %s, %s)", values)


def saved_searches(person: str, *, only: UUID | None = None) -> list[SavedSearch]:
    """Return what someone saved, by work, the latest first; only one of them where its id is given."""
    fetched = rows(
        "SELECT id, work, at, fields::text FROM search_saved WHERE person = %s AND (%s::uuid IS NULL OR id = %s)"
        " ORDER BY work, at DESC LIMIT 200",
        [person, only, only],
    )
    return [SavedSearch(id_, work, at, json.loads(fields)) for id_, work, at, fields in fetched]


def discard_search(person: str, saved: UUID) -> None:
    """Forget a search that someone saved. Raises LedgerError: it cannot be entered."""
    entered = {"person": person, "what": str(saved)}
    with entering(LedgerEvent.WORK_DISCARDED, entered), connection.cursor() as cursor:
        cursor.execute("SELECT search_discard(%s, %s)", [saved, person])
