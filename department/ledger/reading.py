"""How someone reads the ledger: under an entry of its own, made by `open_log`.

The database covers entries, shows these alone, and adds their numbers to what closes the entry.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper

from platepost.department.database.queries import rows
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import ClosedEntryError

MOST_ENTRIES = 500
"""Entries that one call returns."""
_COVERED = """
SELECT line.number, line.entry, line.at, line.event, line.refers_to, (
    SELECT coalesce(json_object_agg(body.field, body.value::json), '{}')::text
    FROM ledger_body AS body WHERE body.entry = line.entry
) FROM ledger_entry AS line WHERE line.entry = ANY ((SELECT ledger_covered_entries())::uuid[]) ORDER BY line.number DESC
"""


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

    def asked(self) -> dict[str, Any]:
        """Return the conditions as `ledger_cover_entries` has them."""
        names = self.person and {"person": [*map(json.dumps, {self.person, self.person.lower()})]}
        events = [event.value for event in self.events]
        parameters = {"since": self.since, "until": self.until, "refers_to": self.refers_to, "before": self.before}
        return {name: value for name, value in ({"fields": names, "events": events} | parameters).items() if value}


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


def cover_entries(log: OpenEntry, **asked: Any) -> None:
    """Have the database cover entries of the ledger, which `reading` shows from then on: see `ledger_cover_entries`.

    Raises:
        ClosedEntryError: the entry is not open, or does not open the ledger.

    """
    covering(log, "ledger_cover_entries(%s, %s)::text", [json.dumps(asked, default=str)])


def covering(log: OpenEntry, call: str, values: Sequence[Any]) -> Any:
    """Call a function that covers entries of the ledger, as `cover_entries` does; return what it returns."""
    try:
        return rows(f"SELECT {call}", [log.entry, *values])[0][0]
    except ProgrammingError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege):
            raise
        raise ClosedEntryError(str(error.__cause__.diag.message_primary)) from error


def logged(entry: OpenEntry, entry_filter: EntryFilter, *, limit: int = MOST_ENTRIES) -> list[ShownEntry]:
    """Return entries of the ledger, the latest first.

    Args:
        entry: made by `open_log`, for these alone.
        entry_filter: which ones.
        limit: entries at most; no more than `MOST_ENTRIES`.

    Raises:
        ClosedEntryError: the entry is not open, or does not open the ledger.

    """
    cover_entries(entry, **entry_filter.asked(), most=min(limit, MOST_ENTRIES))
    with reading(entry) as cursor:
        cursor.execute(_COVERED)
        return [
            ShownEntry(number, uuid, at, LedgerEvent(event), refers_to, json.loads(fields))
            for number, uuid, at, event, refers_to, fields in cursor
        ]
