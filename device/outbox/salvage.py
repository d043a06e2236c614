"""Salvage: what can still be read of a damaged outbox, row by row, and what is known of the records that are lost.

A row is taken only if its seal, over all that was stored, fits: it may lie on several pages, and where newer pages of
the log are lost, one of them may have served another row since. Rows of former versions have no seal; of them digest,
size and pictures must fit.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import sqlcipher3

from platepost.common.errors import RecordError
from platepost.device.outbox import rows
from platepost.device.outbox.database import Connection, read_form
from platepost.device.outbox.log import CHAIN_ROOT, frames, log_file, lost_appends
from platepost.device.outbox.overlay import Overlay
from platepost.device.outbox.pages import PageCheck
from platepost.wire.records import ChainHead
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.records.parts import pictures_match

_INDEXES = ("sqlite_autoindex_record_1", "record_order")
_RECORDS_ON_A_PAGE = 9
"""At most: a row takes a tenth of its first page or more."""
_GROUPS_ON_A_PAGE = 4
"""Of so many covert chains it is sure that all lie on the first page of their table."""


def log_is_damaged(path: Path, *, key: bytes) -> bool:
    """Return whether the log of the database at `path` has lost what was synchronized.

    Covert appends move the end of another chain than the post's; where that is, the database itself has to be asked.
    """
    if not log_file(path).exists() or not path.exists():
        return False
    check = PageCheck(key, *read_form(path, key=key))
    lost = lost_appends(frames(path, check), {CHAIN_ROOT})
    if lost is None:
        try:
            with DamagedOutbox(path, key=key) as outbox:
                lost = lost_appends(frames(path, check), {CHAIN_ROOT, outbox.root("covert_chain")})
        except UnreadableError:
            return False
    return bool(lost)


class UnreadableError(Exception):
    """A page on the way is damaged, or what is there makes no sense."""


@dataclass(frozen=True, slots=True)
class SalvagedRecord:
    """One record as it was stored."""

    chain: str
    number: int
    previous: str
    place: int
    """Its `sequence` in the table: its number, or a negative one if it is of a former or a covert chain."""
    values: tuple[Any, ...]
    """Of `id` to `has_pictures`."""
    sent: bool
    """Whether a broker acknowledged it; not sealed, for if it is wrong the record is only sent again."""

    @property
    def digest(self) -> str:
        """Digest of the record."""
        return str(self.values[4])


@dataclass(slots=True)
class Accounts:
    """What a damaged outbox has beside its records."""

    complete: bool
    """Whether all gaps and losses before this are here."""
    covert_heads: list[tuple[Any, ...]] | None
    """The ends of the covert chains, as their table has them; None if they are not certain."""
    dropped: tuple[int, int, int, int]
    """Reads and pictures dropped, and of both what was not yet in the audit trail."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    losses: list[tuple[Any, ...]] = field(default_factory=list)
    """Losses before this that were not yet in the audit trail: chain, records, ranges, complete."""
    kept: list[tuple[Any, ...]] = field(default_factory=list)
    """What custodians have signed for: chain, custodian, first, last. None of it unless all of it is certain."""
    released: list[tuple[Any, ...]] = field(default_factory=list)
    """Digests of records that are gone: chain, number, digest."""


class DamagedOutbox:
    """A damaged outbox, read with SQL. Close it, or use it as a context manager.

    Args:
        path: the database, which nothing has open.
        key: the 32 bytes of the outbox's key.
        meanwhile: called again and again, as long as it goes on.

    Raises:
        OSError: the disk cannot read the file at all.
        UnreadableError: it is no outbox.

    """

    def __init__(self, path: Path, *, key: bytes, on_wait: Callable[[], None] = lambda: None) -> None:
        self._overlay = Overlay(path, key=key, on_wait=on_wait)
        self._connection: Connection | None = None
        self._shown = 0
        try:
            self._schema = dict(self._select("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
            self._roots = dict(self._select("SELECT name, rootpage FROM sqlite_schema"))
            columns = [name for _, name, *_ in self._select("PRAGMA table_info(record)")]
        except BaseException:
            self.close()
            raise
        later = ("number", "seal", "sent")
        self._columns = ", ".join(
            ["sequence", "id", "rank", "type", "topic", "digest", "time", "expires", "body", "size", "has_pictures"]
            + [name if name in columns else f"NULL AS {name}" for name in later]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; the damaged file is as it was."""
        self._disconnect()
        self._overlay.close()

    @property
    def log_is_clean(self) -> bool:
        """Whether the log was all of one piece, with nothing behind its end."""
        return self._overlay.log_is_clean

    @property
    def doubtful(self) -> bool:
        """Whether newer images of pages may have been lost."""
        return self._overlay.doubtful

    def root(self, table: str) -> int:
        """Return the first page of a table, 0 if there is none."""
        return int(self._roots.get(table, 0))

    def head(self) -> ChainHead | None:
        """Return the end of the chain as its table has it, or None if it is not certain."""
        head_rows, whole = self._table("chain", (int, str, int, str), "*")
        if not (whole and head_rows and self._overlay.certain(CHAIN_ROOT)):
            return None
        _, chain, number, digest, key, time = (*head_rows[0], None, None)[:6]
        return ChainHead(chain, number, digest, key, None if time is None else datetime.fromtimestamp(time, UTC))

    def places(self, note: Callable[[int], object]) -> bool:
        """Note the places of records that the indexes know; return whether these are certainly all.

        Each index would know alone.
        """
        whole = False
        for index in _INDEXES:
            with suppress(UnreadableError):
                for (place,) in self._select(f"SELECT sequence FROM record INDEXED BY {index}"):
                    if not isinstance(place, int):
                        raise UnreadableError(index)
                    note(place)
                whole = True
        return whole and not self._overlay.doubtful

    def records(self, known: Callable[[int], list[int]], note: Callable[[int], object]) -> Iterator[SalvagedRecord]:
        """Yield records in order of their places; raise UnreadableError if some may be left.

        Args:
            known: returns places after one of which is known that there are records.
            note: notes that there is a record at a place.

        """
        following = f"SELECT {self._columns} FROM record WHERE sequence > ? ORDER BY sequence"
        after = -(2**62)
        while True:
            try:
                for row in self._select(following, after):
                    after = max(after, row[0])  # pages of different times may be out of order
                    if (record := _record(row)) is not None:
                        yield record
                    else:
                        note(row[0])
            except UnreadableError:
                following_place = self._next_place(after, known)
                if following_place <= after:  # out of order: this would never end
                    raise
                after = following_place
                note(after)  # a page behind its first one may be what is damaged
                if (record := self.record(after)) is not None:
                    yield record
            else:
                return

    def record(self, place: int) -> SalvagedRecord | None:
        """Return the record at a place, or None if it cannot be read."""
        try:
            row = next(self._select(f"SELECT {self._columns} FROM record WHERE sequence = ?", place), None)
        except UnreadableError:
            return None
        return None if row is None else _record(row)

    def scattered_records(self, wanted: Callable[[int], bool]) -> Iterator[SalvagedRecord]:
        """Yield records of every page that reads as one of rows, whether or not the table's inner pages lead to it.

        Of damage to such a page: what is deleted may be there still.
        """
        for page in self._overlay.with_rows():
            with suppress(UnreadableError):
                self._show_as_table(page)
                for (place,) in list(self._select("SELECT sequence FROM record NOT INDEXED")):
                    if isinstance(place, int) and wanted(place):
                        self._show_as_table(page)
                        if (record := self.record(place)) is not None:
                            yield record
        self._disconnect()

    def number_of(self, place: int) -> tuple[str, int] | None:
        """Return chain and number of the record at a place of a former chain, or None if they cannot be read."""
        if "standing" not in self._schema:
            return None
        with suppress(UnreadableError):
            for chain, number in self._select("SELECT chain, number FROM standing WHERE sequence = ?", place):
                if isinstance(chain, str) and isinstance(number, int):
                    return chain, number
        return None

    def accounts(self) -> Accounts:
        """Read the small tables; none has a seal, so nothing is taken that may have been replaced since."""
        certain = not self._overlay.doubtful
        covert, covert_whole = self._table(
            "covert_chain", (str, str, int, str), "name, id, sequence, digest, key, time"
        )
        one_page = len(covert) <= _GROUPS_ON_A_PAGE and self._overlay.certain(self.root("covert_chain"))
        dropped, _ = self._table("dropped", (int, int, int, int), "reads, pictures, reads_pending, pictures_pending")
        gaps, gaps_whole = self._table("gap", (int, int), "first, last")
        losses, losses_whole = self._table("loss", (str, int, str, int), "chain, records, ranges, complete")
        receipt_rows, kept_whole = self._table("kept", (str, str, int, int), "chain, custodian, first, last")
        released, _ = self._table("released", (str, int, str), "chain, number, digest")
        return Accounts(
            complete=certain and gaps_whole and losses_whole,
            covert_heads=covert if covert_whole and (certain or one_page) else None,
            dropped=dropped[0] if dropped else (0, 0, 0, 0),
            gaps=gaps,
            losses=losses,
            kept=receipt_rows if kept_whole and certain else [],
            released=released,
        )

    def _next_place(self, after: int, known: Callable[[int], list[int]]) -> int:
        """Return the next place that there is behind what cannot be read.

        Raises UnreadableError if the way to it is damaged.
        """
        following = "SELECT sequence FROM record NOT INDEXED WHERE sequence > ?"
        with suppress(UnreadableError):
            for (place,) in self._select(f"{following} LIMIT 1", after):
                return int(place)
        for candidate in known(after)[: _RECORDS_ON_A_PAGE + 1]:
            with suppress(UnreadableError):
                for (place,) in self._select(
                    "SELECT sequence FROM record NOT INDEXED WHERE sequence >= ? LIMIT 1", candidate
                ):
                    return int(place)
        raise UnreadableError

    def _show_as_table(self, page: int) -> None:
        """Have SQLite take a page for the only one of the table `record`, until the database is opened again.

        Nothing of that is ever committed.
        """
        if page == self._shown and self._connection is not None:
            return
        try:
            connection = self._connected()
            if not connection.in_transaction:
                connection.execute("BEGIN")
            connection.execute("PRAGMA writable_schema = ON")  # which the reset below turns off
            connection.execute("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'record'", (page,))
            connection.execute("PRAGMA writable_schema = RESET")
        except sqlcipher3.Error as error:
            self._disconnect()
            raise UnreadableError(str(error)) from error
        self._shown = page

    def _table(self, name: str, types: tuple[type, ...], columns: str) -> tuple[list[tuple[Any, ...]], bool]:
        """Return the rows of a small table, and whether they are all; rows that begin with other types are not its."""
        rows: list[tuple[Any, ...]] = []
        if name not in self._schema:
            return rows, True
        try:
            for row in self._select(f"SELECT {columns} FROM {name}"):
                if not all(isinstance(value, kind) for value, kind in zip(row, types, strict=False)):
                    return rows, False
                # SQLCipher gives zeros for a damaged page behind a row's first one, and the error only afterwards.
                if any(isinstance(value, str) and "\0" in value for value in row):
                    return rows, False
                rows.append(row)
        except UnreadableError:
            return rows, False
        return rows, True

    def _select(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Yield rows; after an error SQLCipher reads nothing more, so that the database is opened again."""
        try:
            yield from self._connected().execute(sql, values)
        except (sqlcipher3.DatabaseError, UnicodeDecodeError, OverflowError) as error:
            self._disconnect()
            raise UnreadableError(str(error)) from error

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._overlay.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._overlay.disconnect(connection)


def _record(row: tuple[Any, ...]) -> SalvagedRecord | None:
    """Return a row as a record, or None if it is not as it was stored."""
    place, *columns, seal, sent = row
    values = tuple(columns)
    body = values[7]
    if not isinstance(place, int) or not isinstance(body, bytes):
        return None
    try:
        event = parse(body)
        digest = digest_of(canonical_bytes(event))
    except RecordError:
        return None
    chain, number, previous = event.get("chain"), event.get("sequence"), event.get("previous")
    if digest != values[4] or not (isinstance(chain, str) and isinstance(number, int) and isinstance(previous, str)):
        return None
    if seal is None:
        whole = len(body) == values[8] and event.get("id") == values[0] and pictures_match(event)
    else:
        whole = _seal(place, values) == seal
    return SalvagedRecord(chain, number, previous, place, values[:10], sent == 1) if whole else None


def _seal(place: int, values: tuple[Any, ...]) -> bytes | None:
    try:
        return rows.seal(place, values)
    except (TypeError, ValueError, OverflowError):
        return None
