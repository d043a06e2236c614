"""A new outbox from what can be read of a damaged one.

It is made beside the damaged file and put in its place when it is whole, so that a power cut on the way costs nothing:
`adopt` finishes what was begun.
"""

import json
import logging
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlcipher3

from device.durable import flush_folder
from device.errors import OutboxError
from device.outbox import rows
from device.outbox.database import Connection, database_files, key_check_file, named_errors, open_database
from device.outbox.salvage import Row, Salvaged, salvage
from device.records import SequenceRange

log = logging.getLogger(__name__)

MOST_RANGES = 1000
"""Ranges of lost numbers in one account; more are told as not complete."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a new outbox has of the damaged one."""

    path: Path
    """Where it is until `put_in_place`."""
    kept: int
    lost: int
    complete: bool
    same_chain: bool


def rebuild(path: Path, *, key: bytes) -> Rebuilt | None:
    """Make a new outbox of what can be read of the one at `path`; None if nothing can.

    Raises:
        OutboxError: the new one cannot be written; the damaged one is as it was.

    """
    try:
        found = salvage(path, key=key)
    except (OSError, struct.error, ValueError, IndexError) as error:
        log.error("nothing can be read of the damaged outbox: %s", error)  # noqa: TRY400 - it says all
        return None
    if not found.rows and found.head is None:
        return None
    target = _beside(path)
    _discard(target)
    connection = open_database(target, key=key)
    try:
        with named_errors():
            connection.execute("BEGIN IMMEDIATE")
            _fill(connection, found)
            connection.execute("COMMIT")
    finally:
        connection.close()
    key_check_file(target).unlink(missing_ok=True)
    lost = sum(len(numbers) for numbers in found.lost.values())
    return Rebuilt(target, len(found.rows), lost, found.complete, found.head is not None)


def put_in_place(path: Path) -> None:
    """Give the new outbox the name of the old one, which must be out of the way."""
    _beside(path).rename(path)
    flush_folder(path.parent)


def adopt(path: Path) -> None:
    """Finish or undo what a power cut interrupted."""
    target = _beside(path)
    if target.exists() and not path.exists():
        log.warning("the outbox that was rebuilt before the power failed takes its place")
        put_in_place(path)
    else:
        _discard(target)


@contextmanager
def log_kept(path: Path) -> Iterator[None]:
    """Keep the write-ahead log over the end of a connection, which removes it, if damage is what ended it."""
    log_file = path.with_name(f"{path.name}-wal")
    kept = log_file.with_name(f"{log_file.name}.kept")
    with suppress(OSError):
        kept.unlink(missing_ok=True)
        os.link(log_file, kept)
    try:
        yield
    except OutboxError:
        with suppress(OSError):
            kept.rename(log_file)
        raise
    finally:
        with suppress(OSError):
            kept.unlink(missing_ok=True)


def ranges_of(numbers: Iterable[int]) -> list[SequenceRange]:
    """Return ascending numbers as ranges."""
    ranges: list[SequenceRange] = []
    for number in numbers:
        if ranges and ranges[-1].last == number - 1:
            ranges[-1] = SequenceRange(first=ranges[-1].first, last=number)
        else:
            ranges.append(SequenceRange(first=number, last=number))
    return ranges


def _fill(connection: Connection, found: Salvaged) -> None:
    if found.head is None:
        rows.begin_chain(connection)
    else:
        rows.write_head(connection, found.head)
    chain = found.head.chain if found.head else None
    covert_kept = found.covert_heads is not None
    for covert_head in found.covert_heads or ():
        connection.execute(
            "INSERT INTO covert_chain (name, id, sequence, digest, key, time) VALUES (?, ?, ?, ?, ?, ?)", covert_head
        )
    covert = [row for row in found.rows if row.place <= rows.COVERT and covert_kept]
    for row in covert:
        rows.insert_values(connection, row.place, row.values)
    former = [row for row in found.rows if row.chain != chain and row not in covert]
    for place, row in enumerate(former, start=-len(former)):
        rows.insert_values(connection, place, row.values, number=row.number)
    for row in found.rows:
        if row.chain == chain:
            rows.insert_values(connection, row.number, row.values)
    with suppress(sqlcipher3.IntegrityError):
        connection.execute(
            "UPDATE dropped SET reads = ?, pictures = ?, reads_pending = ?, pictures_pending = ?", found.dropped
        )
    _account(connection, found, former)


def _account(connection: Connection, found: Salvaged, former: list[Row]) -> None:
    for loss in found.losses:
        connection.execute("INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)", loss)
    numbers = dict(found.lost)
    if found.head is not None:
        for gap in found.gaps:
            connection.execute("INSERT OR IGNORE INTO gap (first, last) VALUES (?, ?)", gap)
    elif former:
        # The chain ended: what the quota took from it can only be told as lost, in the chain that follows.
        chain = next((row.chain for row in reversed(former) if row.place > rows.COVERT), former[-1].chain)
        dropped = {number for first, last in found.gaps for number in range(first, last + 1)}
        numbers[chain] = sorted({*numbers.get(chain, []), *dropped})
        connection.execute("UPDATE dropped SET reads_pending = 0")
    if not numbers and not found.complete:
        known = found.head or next((row for row in reversed(former) if row.place > rows.COVERT), None)
        if known is not None:
            numbers[known.chain] = []
    for name, gone in numbers.items():
        ranges = ranges_of(gone)
        told = [[gap.first, gap.last] for gap in ranges[:MOST_RANGES]]
        complete = found.complete and len(ranges) <= MOST_RANGES
        connection.execute(
            "INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)",
            (name, len(gone), json.dumps(told), complete),
        )


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _discard(target: Path) -> None:
    for file in [*database_files(target), key_check_file(target)]:
        file.unlink(missing_ok=True)
