"""A new outbox from what can be read of a damaged one.

It is made beside the damaged file and put in its place when it is whole, so that a power cut on the way costs nothing:
`adopt` finishes what was begun. Records go over one by one: what it takes of memory does not grow with the file.
"""

import errno
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import sqlcipher3

from platepost.common.errors import OutboxError
from platepost.common.files import flush_folder, write_durably
from platepost.device.outbox import rows
from platepost.device.outbox.database import Connection, companions, database_files, named_errors, open_database
from platepost.device.outbox.errors import OutboxFullError
from platepost.device.outbox.overlay import remove_overlay
from platepost.device.outbox.salvage import Accounts, DamagedOutbox, SalvagedRecord, UnreadableError
from platepost.wire.records import ChainHead, SequenceRange

log = logging.getLogger(__name__)

_TOGETHER = 8 * 1024 * 1024
"""Bytes of records that are committed at a time: all at once, they would take the room twice, in the log too."""
_FORMER = -(2**39)
_MOVED = 4096
"""Bytes that a record counts for which is only moved."""
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


def rebuild(path: Path, *, key: bytes, on_wait: Callable[[], None] = lambda: None) -> Rebuilt | None:
    """Make a new outbox of what can be read of the one at `path`; None if nothing can.

    `meanwhile` is called again and again, as long as it goes on.

    Raises:
        OutboxError: the new one cannot be written; the damaged one is as it was.

    """
    target = _beside(path)
    discard(path)
    try:
        with DamagedOutbox(path, key=key, on_wait=on_wait) as damaged:
            rebuilt = _rebuild(target, damaged, key)
    except OutboxError:
        discard(path)
        raise
    except (OSError, UnreadableError, sqlcipher3.Error) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            discard(path)
            raise OutboxFullError(f"outbox: no room to salvage it: {error.strerror}") from error
        log.error("nothing can be read of the damaged outbox: %s", error)
        rebuilt = None
    if rebuilt is None:
        discard(path)
    return rebuilt


def discard(path: Path) -> None:
    """Remove a new outbox that was begun beside the one at `path`."""
    target = _beside(path)
    for file in [*database_files(target), *companions(target)]:
        file.unlink(missing_ok=True)
    remove_overlay(path)


def _rebuild(target: Path, damaged: DamagedOutbox, key: bytes) -> Rebuilt | None:
    connection = open_database(target, key=key)
    try:
        with named_errors():
            rebuilt = _Rebuilding(connection, damaged).run()
            if rebuilt is None:
                return None
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # what is in its log alone stays behind
    finally:
        connection.close()
    for file in companions(target):
        file.unlink(missing_ok=True)
    return replace(rebuilt, path=target)


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
    backup_file = log_file.with_name(f"{log_file.name}.kept")
    with suppress(OSError):
        backup_file.unlink(missing_ok=True)
        os.link(log_file, backup_file)
    try:
        yield
    except OutboxError:
        with suppress(OSError):
            backup_file.rename(log_file)
        raise
    finally:
        with suppress(OSError):
            backup_file.unlink(missing_ok=True)


def ranges_of(numbers: Iterable[int]) -> list[SequenceRange]:
    """Return ascending numbers as ranges."""
    ranges: list[SequenceRange] = []
    for number in numbers:
        if ranges and ranges[-1].last == number - 1:
            ranges[-1] = SequenceRange(first=ranges[-1].first, last=number)
        else:
            ranges.append(SequenceRange(first=number, last=number))
    return ranges


class _Rebuilding:
    """Fills a new outbox from a damaged one.

    What is known of the damaged one is noted in the new file until it is done, so that no memory is taken: the places
    of which is known that there was a record (`known`), and those of the records that were taken over (`taken`).
    """

    def __init__(self, connection: Connection, damaged: DamagedOutbox) -> None:
        self._connection = connection
        self._damaged = damaged
        self._head: ChainHead | None = None
        self._covert_goes_on = False
        self._kept = self._size = 0

    def run(self) -> Rebuilt | None:
        """Return what could be taken over, or None if that is nothing."""
        execute = self._connection.execute
        execute("CREATE TABLE known (place INTEGER PRIMARY KEY) STRICT")
        execute("CREATE TABLE taken (place INTEGER PRIMARY KEY) STRICT")
        execute("BEGIN IMMEDIATE")
        indexed = self._damaged.places(self._note)
        accounts = self._damaged.accounts()
        self._head = self._find_head()
        self._covert_goes_on = accounts.covert_heads is not None
        listed = self._take_all(indexed=indexed)
        if not self._kept and self._head is None:
            return None
        complete = (indexed or listed) and accounts.complete
        lost, complete = self._lost(complete=complete)
        nothing_left = complete and not lost and self._missing() == [] and self._damaged.log_is_clean
        self._order_former()
        self._write_heads(accounts)
        self._write_accounts(accounts, lost, complete=complete)
        execute("DROP TABLE known")
        execute("DROP TABLE taken")
        execute("COMMIT")
        return Rebuilt(Path(), self._kept, self._head is not None, nothing_left)

    def _note(self, place: int) -> None:
        self._connection.execute("INSERT OR IGNORE INTO known VALUES (?)", (place,))

    def _known_after(self, place: int) -> list[int]:
        sql = "SELECT place FROM known WHERE place > ? ORDER BY place LIMIT 20"
        return [value for (value,) in self._connection.execute(sql, (place,))]

    def _find_head(self) -> ChainHead | None:
        """Return the end of the chain, or None if it cannot go on."""
        head = self._damaged.head()
        while head is not None and (later := self._known_after(head.sequence)):
            # A power cut beside the damage may have kept the record and not the chain's end.
            record = self._damaged.record(later[0])
            if record is None or record.number != head.sequence + 1 or record.previous != head.digest:
                return None
            head = ChainHead(head.chain, record.number, record.digest, head.key, head.time)
        return head

    def _take_all(self, *, indexed: bool) -> bool:
        """Take the records over; return whether the table itself has listed them all."""
        try:
            for record in self._damaged.records(self._known_after, self._note):
                self._note(record.place)
                self._take(record)
        except UnreadableError:
            for record in self._damaged.scattered_records(self._is_missing if indexed else self._is_new):
                self._take(record)
            return False
        return not self._damaged.doubtful

    def _is_missing(self, place: int) -> bool:
        sql = "SELECT 1 FROM known WHERE place = ? EXCEPT SELECT 1 FROM taken WHERE place = ?"
        return self._connection.execute(sql, (place, place)).fetchone() is not None

    def _is_new(self, place: int) -> bool:
        return self._connection.execute("SELECT 1 FROM taken WHERE place = ?", (place,)).fetchone() is None

    def _take(self, record: SalvagedRecord) -> None:
        goes_on = self._covert_goes_on if record.place <= rows.COVERT else self._goes_on(record)
        # Under numbers that no other record has, until all are there and can be put into the order of their making.
        place = record.place if goes_on else _FORMER - self._kept
        number = record.number if not goes_on or rows.COVERT < place < 0 else None
        try:
            rows.insert_values(
                self._connection,
                place,
                record.values,
                number=number,
                standing=(record.chain, record.number),
                sent=record.sent,
            )
        except sqlcipher3.IntegrityError:
            return  # an older image of one that is here
        self._connection.execute("INSERT OR IGNORE INTO taken VALUES (?)", (record.place,))
        self._kept += 1
        self._count(len(record.values[7]))

    def _goes_on(self, record: SalvagedRecord) -> bool:
        head = self._head
        return head is not None and record.chain == head.chain and record.place == record.number <= head.sequence

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _TOGETHER:
            self._connection.execute("COMMIT")
            self._connection.execute("BEGIN IMMEDIATE")
            self._size = 0

    def _missing(self) -> list[int]:
        sql = "SELECT place FROM known EXCEPT SELECT place FROM taken ORDER BY place"
        return [place for (place,) in self._connection.execute(sql)]

    def _lost(self, *, complete: bool) -> tuple[dict[str, list[int]], bool]:
        """Return by chain the numbers of records that there were and that cannot be read, and whether these are all.

        Of covert records no one learns here; their own chain shows it to those who may know.
        """
        lost: dict[str, list[int]] = {}
        chain = self._last_chain()
        for place in self._missing():
            if place <= rows.COVERT:
                continue
            of = (chain, place) if place > 0 and chain is not None else self._damaged.number_of(place)
            if of is None:
                complete = False
            else:
                lost.setdefault(of[0], []).append(of[1])
        if not lost and not complete and chain is not None:
            lost[chain] = []
        return lost, complete

    def _last_chain(self) -> str | None:
        """Return the chain that goes on or, if none does, that of the last record of no former one."""
        if self._head is not None:
            return self._head.chain
        sql = (
            "SELECT chain FROM standing JOIN record USING (sequence) JOIN taken ON taken.place = standing.number"
            " WHERE topic NOT GLOB '*/covert/*' ORDER BY id DESC LIMIT 1"
        )
        row = self._connection.execute(sql).fetchone()
        return None if row is None else str(row[0])

    def _order_former(self) -> None:
        """Give records of chains that do not go on the numbers below 0, in the order of their making."""
        sql = f"SELECT id FROM record WHERE sequence BETWEEN {rows.COVERT + 1} AND -1 ORDER BY id"
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM record WHERE sequence BETWEEN {rows.COVERT + 1} AND -1"
        ).fetchone()
        after = ""
        for place in range(-count, 0):
            (after,) = self._connection.execute(
                sql.replace("ORDER", "AND id > ? ORDER") + " LIMIT 1", (after,)
            ).fetchone()
            rows.move(self._connection, after, place)
            self._count(_MOVED)

    def _write_heads(self, accounts: Accounts) -> None:
        if self._head is None:
            rows.begin_chain(self._connection)
        else:
            rows.write_head(self._connection, self._head)
        self._connection.executemany(
            "INSERT INTO covert_chain (name, id, sequence, digest, key, time) VALUES (?, ?, ?, ?, ?, ?)",
            accounts.covert_heads or (),
        )

    def _write_accounts(self, accounts: Accounts, lost: dict[str, list[int]], *, complete: bool) -> None:
        execute, executemany = self._connection.execute, self._connection.executemany
        with suppress(sqlcipher3.IntegrityError):
            execute(
                "UPDATE dropped SET reads = ?, pictures = ?, reads_pending = ?, pictures_pending = ?", accounts.dropped
            )
        executemany("INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)", accounts.losses)
        chain = self._last_chain()
        if self._head is not None:
            executemany("INSERT OR IGNORE INTO gap (first, last) VALUES (?, ?)", accounts.gaps)
        elif chain is not None:
            # The chain ended: what the quota took from it can only be named as lost, in the chain that follows.
            dropped = [number for first, last in accounts.gaps for number in range(first, last + 1)]
            if dropped:
                lost = lost | {chain: [*lost.get(chain, []), *dropped]}
            execute("UPDATE dropped SET reads_pending = 0")
        for name, lost_rows in lost.items():
            ranges = ranges_of(sorted(set(lost_rows)))
            named = [[gap.first, gap.last] for gap in ranges[:MOST_RANGES]]
            execute(
                "INSERT INTO loss (chain, records, ranges, complete) VALUES (?, ?, ?, ?)",
                (name, len(set(lost_rows)), json.dumps(named), complete and len(ranges) <= MOST_RANGES),
            )
        executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", accounts.kept)
        executemany("INSERT OR IGNORE INTO released VALUES (?, ?, ?)", accounts.released)


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
