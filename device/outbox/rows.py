"""Records as rows: what goes into the outbox's tables, and what comes out."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from device.outbox.database import Connection
from device.records import TYPES, Audit, ChainHead, Envelope, Hit, HitWithdrawn, Status, new_identifier
from device.records.canonical import GENESIS

RANKS = {TYPES[Hit]: 0, TYPES[HitWithdrawn]: 0, TYPES[Audit]: 1, TYPES[Status]: 2}
"""Who goes first; every other kind comes after them."""
READS = 3

_COLUMNS = "id, type, topic, time, body, digest, sequence, expires, has_pictures"


def begin_chain(connection: Connection) -> None:
    """Begin a chain of a new name, unless there is one."""
    connection.execute(
        "INSERT INTO chain (only_row, id, sequence, digest) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
        (new_identifier(), GENESIS),
    )


def read_head(connection: Connection) -> ChainHead:
    """Return the end of the chain."""
    sql = "SELECT id, sequence, digest, key, time FROM chain"
    chain, sequence, digest, key, time = connection.execute(sql).fetchone()
    last = None if time is None else datetime.fromtimestamp(time, UTC)
    return ChainHead(chain=chain, sequence=sequence, digest=digest, key=key, time=last)


def insert(connection: Connection, envelope: Envelope) -> None:
    """Store a record as the new end of the chain, within the caller's transaction."""
    connection.execute(
        "INSERT INTO record (sequence, id, rank, type, topic, digest, time, expires, body, size, has_pictures)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            envelope.sequence,
            envelope.id,
            RANKS.get(envelope.type, READS),
            envelope.type,
            envelope.topic,
            envelope.digest,
            envelope.time.timestamp(),
            None if envelope.expires is None else envelope.expires.timestamp(),
            envelope.body,
            len(envelope.body),
            envelope.illustrated,
        ),
    )
    connection.execute(
        "UPDATE chain SET sequence = ?, digest = ?, key = ?, time = ?",
        (envelope.sequence, envelope.digest, envelope.chain_key, envelope.time.timestamp()),
    )


def select(
    connection: Connection, limit: int, *, excluding: Collection[int], holding: Collection[str]
) -> tuple[Envelope, ...]:
    """Return records in the order in which they leave, but for sequence numbers `excluding` and topics `holding`."""
    sql = (
        f"SELECT {_COLUMNS} FROM record"  # noqa: S608 - only question marks are put together
        f" WHERE sequence NOT IN ({_marks(excluding)}) AND topic NOT IN ({_marks(holding)})"
        " ORDER BY rank, sequence LIMIT ?"
    )
    return tuple(_envelope(row) for row in connection.execute(sql, (*excluding, *holding, limit)))


def delete(connection: Connection, sequence: int) -> int | None:
    """Delete a record; return the bytes of its body, or None if there was none of this number."""
    row = connection.execute("DELETE FROM record WHERE sequence = ? RETURNING size", (sequence,)).fetchone()
    return None if row is None else int(row[0])


def _envelope(row: tuple[Any, ...]) -> Envelope:
    identifier, kind, topic, time, body, digest, sequence, expires, has_pictures = row
    return Envelope(
        id=identifier,
        type=kind,
        topic=topic,
        time=datetime.fromtimestamp(time, UTC),
        body=bytes(body),
        digest=digest,
        sequence=sequence,
        expires=None if expires is None else datetime.fromtimestamp(expires, UTC),
        illustrated=bool(has_pictures),
    )


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
