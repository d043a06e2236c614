"""Records as rows: what goes into the outbox's tables, and what comes out."""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from platepost.device.outbox.database import Connection
from platepost.device.outbox.places import place_of
from platepost.wire.records import (
    TYPES,
    Audit,
    ChainHead,
    Envelope,
    Hit,
    HitWithdrawn,
    Lost,
    SequenceRange,
    Status,
    new_identifier,
)
from platepost.wire.records.canonical import GENESIS

RANKS = {TYPES[Hit]: 0, TYPES[HitWithdrawn]: 0, TYPES[Audit]: 1, TYPES[Status]: 2}
"""The order in which records are sent, lowest first."""
READS = 3
"""The rank of every other kind."""

COVERT = -(2**40) - 1
"""Number of the first covert record; later ones are below it."""
_COVERT = "sequence < 0 AND topic GLOB '*/covert/*'"
"""Covert records, those too that damage left of a covert chain: they have numbers of former chains."""

_COLUMNS = "id, type, topic, time, body, digest, sequence, expires, has_pictures, record.number"


def seal(place: int, values: tuple[Any, ...]) -> bytes:
    """Return SHA-256 over a whole row, so that parts of two are never taken for one.

    Args:
        place: where it stands, `sequence` in the table.
        values: of `id` to `number`, in the table's order.

    """
    name, rank, kind, topic, digest, time, expires, body, size, has_pictures, number = values
    bare = [place, name, rank, kind, topic, digest, _real(time), _real(expires), size, int(has_pictures), number]
    return hashlib.sha256(json.dumps(bare).encode() + body).digest()


def _real(value: float | None) -> float | None:
    """SQLite stores a whole number as an integer, in a column of reals too."""
    return None if value is None else float(value)


def begin_chain(connection: Connection, identify: Callable[[], str] = new_identifier) -> None:
    """Begin a chain of a new name, unless there is one."""
    connection.execute(
        "INSERT INTO chain (only_row, id, sequence, digest) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING",
        (identify(), GENESIS),
    )


def read_head(connection: Connection, group: str | None = None) -> ChainHead:
    """Return the end of the chain, or of a group's covert chain, which begins here if there is none yet."""
    if group is None:
        row = connection.execute("SELECT id, sequence, digest, key, time FROM chain").fetchone()
    else:
        connection.execute(
            "INSERT INTO covert_chain (name, id, sequence, digest) VALUES (?, ?, 0, ?) ON CONFLICT DO NOTHING",
            (group, new_identifier(), GENESIS),
        )
        sql = "SELECT id, sequence, digest, key, time FROM covert_chain WHERE name = ?"
        row = connection.execute(sql, (group,)).fetchone()
    chain, sequence, digest, key, time = row
    last = None if time is None else datetime.fromtimestamp(time, UTC)
    return ChainHead(chain=chain, sequence=sequence, digest=digest, key=key, time=last)


def covert_heads(connection: Connection) -> tuple[ChainHead, ...]:
    """Return the ends of all covert chains."""
    groups = connection.execute("SELECT name FROM covert_chain").fetchall()
    return tuple(read_head(connection, str(group)) for (group,) in groups)


def write_head(connection: Connection, head: ChainHead) -> None:
    """Begin with the end of a chain that goes on."""
    connection.execute(
        "INSERT INTO chain (only_row, id, sequence, digest, key, time) VALUES (1, ?, ?, ?, ?, ?)",
        (head.chain, head.sequence, head.digest, head.key, None if head.time is None else head.time.timestamp()),
    )


def insert_values(
    connection: Connection,
    place: int,
    values: tuple[Any, ...],
    *,
    number: int | None = None,
    standing: tuple[str, int],
    sent: bool = False,
) -> None:
    """Store a row at `place`.

    Args:
        connection: the database.
        place: where it stands, `sequence` in the table.
        values: of `id` to `has_pictures`, in the table's order.
        number: the record's own in a former chain; None of all others.
        standing: its chain, and its number there.
        sent: whether a broker acknowledged it.

    """
    row = (*values, number)
    connection.execute(
        "INSERT INTO record"
        " (sequence, id, rank, type, topic, digest, time, expires, body, size, has_pictures, number, seal, sent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (place, *row, seal(place, row), int(sent)),
    )
    if place < 0:
        connection.execute("INSERT INTO standing (sequence, chain, number) VALUES (?, ?, ?)", (place, *standing))


def strip(connection: Connection, place: int, body: bytes) -> None:
    """Give a record the `body` that is left of it without its pictures."""
    columns = "id, rank, type, topic, digest, time, expires, number"
    *before, number = connection.execute(
        f"SELECT {columns} FROM record WHERE sequence = ?",
        (place,),
    ).fetchone()
    whole = (*before, body, len(body), 0, number)
    connection.execute(
        "UPDATE record SET body = ?, size = ?, has_pictures = 0, seal = ? WHERE sequence = ?",
        (body, len(body), seal(place, whole), place),
    )


def move(connection: Connection, identifier: str, place: int) -> None:
    """Give a record another `place`."""
    before, *values = connection.execute(
        "SELECT sequence, id, rank, type, topic, digest, time, expires, body, size, has_pictures, number"
        " FROM record WHERE id = ?",
        (identifier,),
    ).fetchone()
    connection.execute(
        "UPDATE record SET sequence = ?, seal = ? WHERE sequence = ?", (place, seal(place, tuple(values)), before)
    )
    connection.execute("UPDATE standing SET sequence = ? WHERE sequence = ?", (place, before))


def insert(connection: Connection, envelope: Envelope, chain: str, group: str | None = None) -> None:
    """Store a record as the new end of its chain, within the caller's transaction."""
    number = own = envelope.sequence or 0  # there is one: the caller has compared it with the chain's end
    if group is not None:
        # Chains only grow: how many covert records there were so far makes a number that was never given.
        (before,) = connection.execute("SELECT sum(sequence) FROM covert_chain").fetchone()
        number = COVERT - int(before)
    values = (
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
    )
    insert_values(connection, number, values, standing=(chain, own))
    moved = (envelope.sequence, envelope.digest, envelope.chain_key, envelope.time.timestamp())
    if group is None:
        connection.execute("UPDATE chain SET sequence = ?, digest = ?, key = ?, time = ?", moved)
    else:
        sql = "UPDATE covert_chain SET sequence = ?, digest = ?, key = ?, time = ? WHERE name = ?"
        connection.execute(sql, (*moved, group))


def select(
    connection: Connection, limit: int, *, holding: Collection[str], opening: int, repeated: bool = False
) -> tuple[Envelope, ...]:
    """Return records that wait, or that are to be `repeated`, in the order in which they leave.

    Those in the table `excluded` are left out, and topics `holding`. Places are of the file's `opening`. A covert
    record's `sequence` is its number here, and not that in its own chain, which its body says.
    """
    of = "temp.again CROSS JOIN record USING (rank, sequence)" if repeated else "record"
    sql = (
        f"SELECT {_COLUMNS} FROM {of}"
        f" WHERE sent = ? AND sequence NOT IN (SELECT sequence FROM excluded) AND topic NOT IN ({_marks(holding)})"
        " ORDER BY rank, sequence LIMIT ?"
    )
    cursor = connection.execute(sql, (int(repeated), *holding, limit))
    return tuple(_envelope(row, opening, repeated=repeated) for row in cursor)


def oldest(connection: Connection, *, waiting: bool) -> float | None:
    """Return the time of the oldest record, or of the oldest that waits, seconds since 1970; covert ones are left out.

    Of a long queue an index is gone through, and the first row of the chain read: where a clock was ahead when that was
    made, the time is too late until it has gone.
    """
    those = "sent = 0" if waiting else "TRUE"
    through = "INDEXED BY record_order" if waiting else ""
    first = f"SELECT min(sequence) FROM record {through} WHERE {those} AND sequence >= 0"
    former = f"sequence < 0 AND NOT ({_COVERT})"  # whatever damage left of other chains
    sql = f"SELECT min(time) FROM record WHERE {those} AND (sequence = ({first}) OR {former})"
    (time,) = connection.execute(sql).fetchone()
    return None if time is None else float(time)


class RecordCount(NamedTuple):
    """How many records there are."""

    waiting: int
    sent: int
    size: int
    """Bytes of all."""


def covert(connection: Connection) -> RecordCount:
    """Count the covert records: few, even of a long queue."""
    counts = "count(*) FILTER (WHERE sent = 0), count(*) FILTER (WHERE sent = 1), coalesce(sum(size), 0)"
    sql = f"SELECT {counts} FROM record WHERE {_COVERT}"
    return RecordCount(*connection.execute(sql).fetchone())


def count(connection: Connection, *, sent: bool) -> int:
    """Count all records that wait, or that a broker acknowledged."""
    return int(connection.execute("SELECT count(*) FROM record WHERE sent = ?", (int(sent),)).fetchone()[0])


def has(connection: Connection, sequence: int) -> bool:
    """Tell whether there is a record of this number."""
    return connection.execute("SELECT 1 FROM record WHERE sequence = ?", (sequence,)).fetchone() is not None


def holds(connection: Connection, chain: str, sequence: int) -> bool:
    """Tell whether there is a record of this number in a chain, the present one or a former one."""
    sql = (
        "SELECT 1 FROM record WHERE sequence = :sequence AND EXISTS (SELECT 1 FROM chain WHERE id = :chain)"
        " UNION ALL SELECT 1 FROM standing WHERE chain = :chain AND number = :sequence"
    )
    return connection.execute(sql, {"chain": chain, "sequence": sequence}).fetchone() is not None


def delete(connection: Connection, sequence: int) -> int | None:
    """Delete a record; return the bytes of its body, or None if there was none of this number."""
    row = connection.execute("DELETE FROM record WHERE sequence = ? RETURNING size", (sequence,)).fetchone()
    return None if row is None else int(row[0])


def mark_sent(connection: Connection, sequence: int) -> bool:
    """Note that a broker acknowledged a record; return whether there is one of this number."""
    return bool(connection.execute("UPDATE record SET sent = 1 WHERE sequence = ?", (sequence,)).rowcount)


def _envelope(row: tuple[Any, ...], opening: int, *, repeated: bool) -> Envelope:
    identifier, kind, topic, time, body, digest, here, expires, has_pictures, number = row
    return Envelope(
        id=identifier,
        type=kind,
        topic=topic,
        time=datetime.fromtimestamp(time, UTC),
        body=bytes(body),
        digest=digest,
        sequence=here if number is None else number,
        place=place_of(here, opening),
        expires=None if expires is None else datetime.fromtimestamp(expires, UTC),
        illustrated=bool(has_pictures),
        repeated=repeated,
    )


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))


def take_loss(connection: Connection) -> Lost | None:
    """Return the oldest loss that is not accounted for and mark it as accounted, within the caller's transaction."""
    row = connection.execute(
        "SELECT place, chain, records, ranges, complete FROM loss ORDER BY place LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    place, chain, records, ranges, complete = row
    connection.execute("DELETE FROM loss WHERE place = ?", (place,))
    return Lost(
        chain=chain,
        records=records,
        sequences=tuple(SequenceRange(first=first, last=last) for first, last in json.loads(ranges)),
        complete=bool(complete),
    )


def add_loss(connection: Connection, chain: str, number: int) -> None:
    """Note that a record of a former chain is given up; those of one chain are told together."""
    row = connection.execute("SELECT place, ranges FROM loss WHERE chain = ?", (chain,)).fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO loss (chain, records, ranges, complete) VALUES (?, 1, ?, 1)",
            (chain, json.dumps([[number, number]])),
        )
        return
    place, ranges = row[0], json.loads(row[1])
    if ranges and ranges[-1][1] == number - 1:
        ranges[-1][1] = number
    else:
        ranges.append([number, number])
    connection.execute("UPDATE loss SET records = records + 1, ranges = ? WHERE place = ?", (json.dumps(ranges), place))
