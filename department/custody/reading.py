"""The only way to records for whoever shows them to people.

Each function takes an open entry of the ledger, and what it fetches is noted there. The database checks it again: row
security shows nothing without an entry that is open, and nothing of a covert group that the entry does not name.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from department.custody.codec import decode
from department.custody.pictures import DatabasePictures
from department.custody.projections import HIT, READ, Projection
from department.custody.record import PictureBytes
from department.ledger.entries import OpenEntry
from department.ledger.errors import ClosedEntryError

MOST_ROWS = 1000
"""Rows that one call returns."""
TIMEOUT_SECONDS = 10
"""After which the database gives a statement up."""
ShownRow: TypeAlias = Mapping[str, Any]
"""A row of a projection, by column; `department.custody.projections` names these."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which reads or hits are wanted: all conditions that are given hold."""

    plate: str | None = None
    """Whole plate with O as 0 and I as 1, as in `plate_fold`."""
    posts: Sequence[str] = ()
    """Any of these; every post if empty."""
    since: datetime | None = None
    """Captured at this time or later."""
    until: datetime | None = None
    """Captured before this time."""


@dataclass(frozen=True, slots=True)
class VerbatimRecord:
    """A record as the post signed it."""

    id: int
    topic: str
    kept_at: datetime
    verdict: str
    """The latest."""
    reason: str
    """Why it is not genuine."""
    body: bytes
    """The event without its pictures' bytes: `canonical_bytes(parse(body))` are those that were signed, and the
    signature stands beside them. What cannot be read, as it came."""


def reads(entry: OpenEntry, sought: Sought, *, limit: int = MOST_ROWS) -> list[ShownRow]:
    """Return reads, the latest first.

    Args:
        entry: under which they are fetched.
        sought: which ones.
        limit: rows at most; no more than `MOST_ROWS`.

    Raises:
        ClosedEntryError: the entry is not open.
        django.db.OperationalError: it takes too long.

    """
    return _rows(entry, READ, sought, limit)


def hits(entry: OpenEntry, sought: Sought, *, limit: int = MOST_ROWS) -> list[ShownRow]:
    """Return hits, the latest first; arguments and errors are those of `reads`."""
    return _rows(entry, HIT, sought, limit)


def record(entry: OpenEntry, record_id: int) -> VerbatimRecord | None:
    """Return one record; None if there is none, or none that the entry may see. Errors are those of `reads`."""
    columns = "id, topic, kept_at, verdict, reason, codec, body"
    with _under(entry) as cursor:
        cursor.execute(f"SELECT {columns} FROM custody_judged WHERE id = %s", [record_id])  # noqa: S608
        found = cursor.fetchone()
    if found is None:
        return None
    entry.fetched(records=[record_id])
    number, topic, kept_at, verdict, reason, codec, body = found
    return VerbatimRecord(number, topic, kept_at, verdict, reason, decode(codec, body))


def picture(entry: OpenEntry, record_id: int, kind: str) -> PictureBytes | None:
    """Return a picture of a record, `patch` or `overview`; None as in `record`.

    Raises:
        CustodyError: its bytes are not those that were kept.

    The other errors are those of `reads`.
    """
    with _under(entry):
        pictures = DatabasePictures(connection.connection).get(record_id)
    found = next((picture for picture in pictures if picture.kind == kind), None)
    if found is not None:
        entry.fetched(pictures=[(record_id, kind)])
    return found


def _rows(entry: OpenEntry, projection: Projection, sought: Sought, limit: int) -> list[ShownRow]:
    conditions: dict[str, Any] = {
        "plate_fold = %s": sought.plate,
        "post = ANY (%s)": list(sought.posts) or None,
        "captured_at >= %s": sought.since,
        "captured_at < %s": sought.until,
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    select = f"SELECT {', '.join(projection.all_columns)} FROM {projection.table} WHERE {where}"  # noqa: S608
    with _under(entry) as cursor:
        cursor.execute(
            f"{select} ORDER BY captured_at DESC, record_id DESC LIMIT %s", [*given.values(), min(limit, MOST_ROWS)]
        )
        found: list[ShownRow] = [dict(zip(projection.all_columns, row, strict=True)) for row in cursor]
    entry.fetched(records=[row["record_id"] for row in found])
    return found


@contextmanager
def _under(entry: OpenEntry) -> Iterator[CursorWrapper]:
    """Open a transaction in which the database shows what the entry may see."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        settings = "SELECT set_config('platepost.entry', %s, true), set_config('statement_timeout', %s, true)"
        cursor.execute(settings, [str(entry.entry), f"{TIMEOUT_SECONDS}s"])
        cursor.execute("SELECT ledger_open()")
        if cursor.fetchone() != (True,):
            raise ClosedEntryError("the entry is closed, or too old")
        yield cursor
