"""A new outbox from what can be read of a damaged one.

It is made beside the damaged file and put in its place when it is whole, so that a power cut on the way costs nothing:
`adopt` finishes what was begun. Records go over one by one: what it takes of memory does not grow with the file.
"""

import json
import logging
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlcipher3

from platepost.common.errors import OutboxError
from platepost.common.files import flush_folder, write_durably
from platepost.device.outbox import rows
from platepost.device.outbox.database import Connection, database_files, key_check_file, named_errors, open_database
from platepost.device.outbox.salvage import Forest, ReadableRecord, Salvaged, salvage
from platepost.wire.records import SequenceRange

log = logging.getLogger(__name__)

_TOGETHER = 8 * 1024 * 1024
"""Bytes of records that are committed at a time: all at once, they would take the room twice, in the log too."""
MOST_RANGES = 1000
"""Ranges of lost numbers in one account; more are told as not complete."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a new outbox has of the damaged one."""

    path: Path
    """Where it is until `put_in_place`."""
    kept: int
    same_chain: bool
    nothing_left: bool
    """Whether all that the damaged one held was taken over, for certain."""


def rebuild(path: Path, *, key: bytes, meanwhile: Callable[[], None] = lambda: None) -> Rebuilt | None:
    """Make a new outbox of what can be read of the one at `path`; None if nothing can.

    `meanwhile` is called again and again, as long as it goes on.

    Raises:
        OutboxError: the new one cannot be written; the damaged one is as it was.

    """
    target = _beside(path)
    discard(path)
    try:
        with Forest(path, key=key, meanwhile=meanwhile) as forest:
            rebuilt = _rebuild(target, forest, key)
    except OutboxError:
        discard(path)
        raise
    except (OSError, struct.error, ValueError, IndexError) as error:
        log.error("nothing can be read of the damaged outbox: %s", error)  # noqa: TRY400 - it says all
        rebuilt = None
    if rebuilt is None:
        discard(path)
    return rebuilt


def discard(path: Path) -> None:
    """Remove a new outbox that was begun beside the one at `path`."""
    target = _beside(path)
    for file in [*database_files(target), key_check_file(target)]:
        file.unlink(missing_ok=True)


def _rebuild(target: Path, forest: Forest, key: bytes) -> Rebuilt | None:
    connection = open_database(target, key=key)
    try:
        with named_errors():
            connection.execute("BEGIN IMMEDIATE")
            found = salvage(forest, connection)
            if not found.finds.count() and found.head is None:
                return None
            kept = _fill(connection, found)
            nothing_left = found.complete and not found.lost and found.finds.are_all() and forest.log_is_clean
            found.finds.forget()
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # what is in its log alone stays behind
    finally:
        connection.close()
    key_check_file(target).unlink(missing_ok=True)
    return Rebuilt(target, kept, found.head is not None, nothing_left)


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
        discard(path)


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


def _fill(connection: Connection, found: Salvaged) -> int:
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
    last_former: ReadableRecord | None = None
    kept = size = 0
    for find, place in _places(found, chain, covert=covert_kept):
        row = found.read(find)
        if place < 0 and find.place > rows.COVERT:
            last_former = find
        if row is None:
            continue
        former = rows.COVERT < place < 0
        rows.insert_values(
            connection,
            place,
            row.values,
            number=row.number if former else None,
            standing=(row.chain, row.number),
            sent=row.sent,
        )
        kept, size = kept + 1, size + len(row.values[7])
        if size > _TOGETHER:
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            size = 0
    with suppress(sqlcipher3.IntegrityError):
        connection.execute(
            "UPDATE dropped SET reads = ?, pictures = ?, reads_pending = ?, pictures_pending = ?", found.dropped
        )
    connection.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", found.kept)
    connection.executemany("INSERT OR IGNORE INTO released VALUES (?, ?, ?)", found.released)
    _account(connection, found, last_former)
    return kept


def _places(found: Salvaged, chain: str | None, *, covert: bool) -> Iterator[tuple[ReadableRecord, int]]:
    """Say where each record goes: in front those whose chain does not go on, under numbers below 0."""
    finds = found.finds
    first = -finds.former_count(chain, covert=covert)
    yield from zip(finds.former(chain, covert=covert), range(first, 0), strict=True)
    yield from (
        (find, find.number if find.chain == chain else find.place) for find in finds.present(chain, covert=covert)
    )


def _account(connection: Connection, found: Salvaged, last_former: ReadableRecord | None) -> None:
    for loss in found.losses:
        connection.execute("INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)", loss)
    numbers = dict(found.lost)
    if found.head is not None:
        for gap in found.gaps:
            connection.execute("INSERT OR IGNORE INTO gap (first, last) VALUES (?, ?)", gap)
    elif last_former is not None:
        # The chain ended: what the quota took from it can only be told as lost, in the chain that follows.
        dropped = {number for first, last in found.gaps for number in range(first, last + 1)}
        numbers[last_former.chain] = [*numbers.get(last_former.chain, []), *dropped]
        connection.execute("UPDATE dropped SET reads_pending = 0")
    if not numbers and not found.complete:
        known = found.head or last_former
        if known is not None:
            numbers[known.chain] = []
    for name, gone in numbers.items():
        ranges = ranges_of(sorted(set(gone)))
        told = [[gap.first, gap.last] for gap in ranges[:MOST_RANGES]]
        complete = found.complete and len(ranges) <= MOST_RANGES
        connection.execute(
            "INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)",
            (name, len(set(gone)), json.dumps(told), complete),
        )


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


MOST_ATTEMPTS = 2
"""Salvages that may be begun without an end: one may have met a power cut."""


class SalvageAttempts:
    """How often a salvage was begun and did not end: what killed the post in it once would at every start.

    Counted in a file beside the outbox, once a start, until a salvage ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.tries")
        self._counted = False

    def begin(self) -> bool:
        """Count one more, once in this process; return whether it should be tried."""
        if self._counted:
            return True
        before = self._read()
        if before >= MOST_ATTEMPTS:
            return False
        with suppress(OSError):
            write_durably(self._path, f"{before + 1}\n".encode())
        self._counted = True
        return True

    def end(self) -> None:
        """Forget them: a salvage has ended, or nothing was to be salvaged."""
        self._counted = False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> int:
        try:
            return int(self._path.read_bytes())
        except (OSError, ValueError):
            return 0
