"""How somebody reads the ledger: under an entry of its own, made by `open_log`, that notes which entries were shown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import ClosedEntryError

MOST_ENTRIES = 500
"""Entries that one call returns."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted: all conditions that are given hold."""

    person: str | None = None
    """Entered about this person's doing; log-ins have small letters, however it is written."""
    events: Sequence[LedgerEvent] = ()
    since: datetime | None = None
    until: datetime | None = None
    """Entered before this time."""
    refers_to: UUID | None = None
    before: int | None = None
    """Below this number: that of the last entry that was shown."""


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """One entry of the ledger."""

    number: int
    entry: UUID
    at: datetime
    event: LedgerEvent
    refers_to: UUID | None
    fields: Mapping[str, Any]
    """What is kept of it and may be seen, by name."""


@contextmanager
def reading(log: OpenEntry) -> Iterator[CursorWrapper]:
    """Open a transaction in which the database shows the ledger. Raises ClosedEntryError: the entry is not open."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('platepost.entry', %s, true)", [str(log.entry)])
        cursor.execute("SELECT ledger_log_open()")
        if cursor.fetchone() != (True,):
            raise ClosedEntryError("the entry is closed, too old, or opens no ledger")
        yield cursor


def logged(entry: OpenEntry, entry_filter: EntryFilter, *, limit: int = MOST_ENTRIES) -> list[ShownEntry]:
    """Return entries of the ledger, the latest first.

    Args:
        entry: made by `open_log`.
        entry_filter: which ones.
        limit: entries at most; no more than `MOST_ENTRIES`.

    Raises:
        ClosedEntryError: the entry is not open, or does not open the ledger.

    """
    conditions: dict[str, Any] = {
        "EXISTS (SELECT FROM ledger_body AS fields WHERE fields.entry = line.entry AND fields.field = 'person'"
        " AND fields.value = ANY (%s))": entry_filter.person
        and [*map(json.dumps, {entry_filter.person, entry_filter.person.lower()})],
        "line.event = ANY (%s)": [event.value for event in entry_filter.events],
        "line.at >= %s": entry_filter.since,
        "line.at < %s": entry_filter.until,
        "line.refers_to = %s": entry_filter.refers_to,
        "line.number < %s": entry_filter.before,
    }
    given = {condition: value for condition, value in conditions.items() if value}
    with reading(entry) as cursor:
        cursor.execute(
            "SELECT line.number, line.entry, line.at, line.event, line.refers_to, ("  # noqa: S608 - our own conditions
            "SELECT coalesce(json_object_agg(body.field, body.value::json), '{}')::text"
            " FROM ledger_body AS body WHERE body.entry = line.entry)"
            f" FROM ledger_entry AS line WHERE {' AND '.join(given) or 'true'} ORDER BY line.number DESC LIMIT %s",
            [*given.values(), min(limit, MOST_ENTRIES)],
        )
        lines = [
            ShownEntry(number, uuid, at, LedgerEvent(event), refers_to, json.loads(fields))
            for number, uuid, at, event, refers_to, fields in cursor
        ]
    entry.fetched(entries=[line.number for line in lines])
    return lines
