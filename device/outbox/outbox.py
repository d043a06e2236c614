"""The outbox: every record waits here, encrypted, until the broker has acknowledged it."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from device.errors import OutboxError
from device.outbox import rows
from device.outbox.aside import SetAside, set_aside
from device.outbox.database import KEY_BYTES, Connection, has_vanished, in_use, named_errors, open_database
from device.outbox.errors import OutboxDamagedError, OutboxFullError, OutboxKeyError, OutboxVersionError
from device.outbox.excluded import Excluded
from device.outbox.losses import take_loss
from device.outbox.quota import MIB, Quota
from device.outbox.rebuild import adopt, log_kept, put_in_place, rebuild
from device.outbox.reserve import Reserve
from device.outbox.salvage import wal_is_damaged
from device.records import TYPES, ChainHead, Dropped, Envelope, Lost, Status

T = TypeVar("T")
log = logging.getLogger(__name__)

ROOM_BYTES = 256 * 1024
"""How much of pictures and reads goes at a time when the disk is full, though the quota would allow more."""
REMEMBERED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox, and what its quota has cost since the outbox was made."""

    depth: int
    """Records that nobody has acknowledged."""
    settling: int
    """Records that the broker has acknowledged and may yet forget, so that they are kept for a while."""
    size_bytes: int
    """Bytes of both."""
    quota_bytes: int
    oldest_age_seconds: float | None
    """Age of the oldest that nobody has acknowledged; None if there is none."""
    reads_dropped: int
    pictures_dropped: int


class Outbox:
    """A durable queue of signed records, and the end of their chain.

    `append` returns when the record is on the disk. Order out: hits, audit, status, reads; oldest first within. When
    the records exceed `quota_bytes`, pictures of reads go first, then the oldest reads; hits, audit and status never.

    A file that cannot be used (wrong key, damaged, written by newer software, emptied) is renamed, `set_aside` says so,
    and a new one takes its place, at the start and at any later moment: a post never stops for it. Of a damaged file
    everything that can be read is taken over, the chain too if its end is certain; otherwise a new chain begins.

    May be used from several threads. Close it, or use it as a context manager.

    Raises:
        OutboxKeyError: the key is not 32 bytes long.
        OutboxBusyError: another process has the file open.
        OutboxFullError: the disk is full.
        OutboxError: the file's folder cannot be used.

    """

    def __init__(self, path: Path, *, key: bytes, quota_bytes: int = 256 * MIB) -> None:
        self.path = path
        self.set_aside: tuple[SetAside, ...] = ()
        self._key = key
        self._quota = Quota(quota_bytes)
        self._excluded = Excluded()
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"cannot make the folder of the outbox: {error.strerror}") from error
        self._closed = False
        self._full_at: float | None = None
        self._reserve = Reserve(path)
        self._connection: Connection | None = self._open()
        self._reserve.take()

    def __repr__(self) -> str:
        if self._closed:
            return f"<Outbox {self.path.name} closed>"
        return f"<Outbox {self.path.name} depth={self.depth()}>"

    # --- in

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Store what `make` returns for the chain's end; it becomes the new end. Durable on return.

        `make` may be called twice, if the file turns out to be damaged.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """
        return self._append(make, group=None)

    def append_covert(self, make: Callable[[ChainHead], Envelope], *, group: str) -> Envelope:
        """Do the same in the chain of a distribution group, of which nobody else learns.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """
        return self._append(make, group=group)

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Store the account of what was dropped since the last one, if anything was.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """

        def work(connection: Connection) -> Envelope | None:
            dropped = self._quota.take_pending(connection)
            return self._insert(connection, lambda head: make(head, dropped)) if dropped else None

        return self._told(self._transaction(work))

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Store the account of the oldest loss to damage that is not told yet, if there is one.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """

        def work(connection: Connection) -> Envelope | None:
            lost = take_loss(connection)
            return self._insert(connection, lambda head: make(head, lost)) if lost else None

        return self._told(self._transaction(work))

    def on_append(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every append, in the thread that appended; it must be quick and not raise."""
        self._listeners.append(listener)

    # --- out

    def next(
        self, limit: int, *, excluding: Collection[int] = (), holding: Collection[str] = ()
    ) -> tuple[Envelope, ...]:
        """Return up to `limit` records in order, but for those `excluding` names and topics `holding`."""

        def work(connection: Connection) -> tuple[Envelope, ...]:
            self._excluded.put(connection, excluding)
            return rows.select(connection, limit, holding=holding)

        return self._run(work)

    def acknowledge(self, sequences: Collection[int]) -> int:
        """Delete records that the broker has taken; return how many there were.

        Alone of all changes this one may be undone by a power cut: the records are then sent again.
        """

        def work(connection: Connection) -> int:
            deleted = 0
            for sequence in sequences:
                size = rows.delete(connection, sequence)
                if size is not None:
                    deleted += 1
                    self._quota.size -= size
            return deleted

        return self._transaction(work, durable=False) if sequences else 0

    # --- state

    @property
    def disk_full(self) -> bool:
        """Whether the disk was found full within the last minute; takes the reserve again if there is room for it."""
        full = self._full_at is not None and monotonic() - self._full_at < REMEMBERED_SECONDS
        return not self._reserve.take() or full

    @property
    def head(self) -> ChainHead:
        """The end of the chain."""
        return self._run(rows.read_head)

    def depth(self, *, status_only: bool = False) -> int:
        """Return how many records wait; with `status_only`, how many of them are status."""
        ranks = (rows.RANKS[TYPES[Status]],) * 2 if status_only else (0, rows.READS)
        sql = "SELECT count(*) FROM record WHERE rank BETWEEN ? AND ?"
        return int(self._run(lambda connection: connection.execute(sql, ranks).fetchone()[0]))

    def oldest_age(self, *, now: datetime | None = None, settling: Collection[int] = ()) -> float | None:
        """Return the age of the oldest record in seconds, or None if nothing waits; 0 if the clock went back."""
        oldest, _ = self._oldest(settling)
        return None if oldest is None else max(0.0, (now or datetime.now(UTC)).timestamp() - oldest)

    def backlog(self, *, now: datetime | None = None, settling: Collection[int] = ()) -> Backlog:
        """Return all of the state at once, for health and status; `settling` are told apart from what waits."""
        with self._lock:
            reads, pictures = self._run(self._quota.totals)
            _, depth = self._oldest(settling)
            return Backlog(
                depth=depth,
                settling=self.depth() - depth,
                size_bytes=self._quota.size,
                quota_bytes=self._quota.limit,
                oldest_age_seconds=self.oldest_age(now=now, settling=settling),
                reads_dropped=reads,
                pictures_dropped=pictures,
            )

    def _oldest(self, settling: Collection[int]) -> tuple[float | None, int]:
        def work(connection: Connection) -> tuple[float | None, int]:
            self._excluded.put(connection, settling)
            return rows.oldest(connection)

        return self._run(work)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside

    def _append(self, make: Callable[[ChainHead], Envelope], *, group: str | None) -> Envelope:
        envelope = self._transaction(lambda connection: self._insert(connection, make, group))
        self._notify()
        return envelope

    def _insert(
        self, connection: Connection, make: Callable[[ChainHead], Envelope], group: str | None = None
    ) -> Envelope:
        head = rows.read_head(connection, group)
        envelope = make(head)
        if envelope.sequence != head.sequence + 1:
            raise OutboxError(f"a record numbered {envelope.sequence} cannot follow number {head.sequence}")
        rows.insert(connection, envelope, group)
        self._quota.size += len(envelope.body)
        self._quota.enforce(connection)
        return envelope

    def _told(self, envelope: Envelope | None) -> Envelope | None:
        if envelope is not None:
            self._notify()
        return envelope

    def _open(self) -> Connection:
        adopt(self.path)
        if has_vanished(self.path):
            return self._begin_anew("vanished")
        if len(self._key) == KEY_BYTES and not in_use(self.path) and wal_is_damaged(self.path, self._key):
            return self._begin_anew("damaged")
        try:
            with log_kept(self.path):
                connection = open_database(self.path, key=self._key)
        except (OutboxDamagedError, OutboxVersionError) as error:
            return self._begin_anew(error.reason)
        except OutboxKeyError as error:
            if not self.path.exists():
                raise
            return self._begin_anew(error.reason)
        self._prepare(connection)
        return connection

    def _begin_anew(self, reason: str) -> Connection:
        rebuilt = rebuild(self.path, key=self._key) if reason == "damaged" else None
        aside = set_aside(self.path, reason=reason)
        if rebuilt is not None:
            put_in_place(self.path)
            aside = replace(aside, kept=rebuilt.kept, same_chain=rebuilt.same_chain)
        self.set_aside = (*self.set_aside, aside)
        connection = open_database(self.path, key=self._key)
        self._prepare(connection)
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OutboxError), named_errors():
                connection.close()

    def _prepare(self, connection: Connection) -> None:
        with named_errors():
            rows.begin_chain(connection)
            self._quota.measure(connection)

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            try:
                return self._once(work)
            except OutboxDamagedError as error:
                with suppress(OutboxDamagedError), log_kept(self.path):
                    self._disconnect()
                    raise
                self._connection = self._begin_anew(error.reason)
                return self._once(work)

    def _once(self, work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise OutboxError("the outbox is closed")
        if self._connection is None:  # the last attempt to begin anew failed
            self._connection = self._open()
        with named_errors():
            return work(self._connection)

    def _transaction(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        def guarded(connection: Connection) -> T:
            with _synchronised(connection, durable=durable), self._rollback_unless_done(connection):
                return work(connection)

        with self._lock:
            try:
                return self._run(guarded)
            except OutboxFullError:
                self._full_at = monotonic()
                self._make_room()
            # What is to be stored must not eat the room that is needed to delete what was delivered.
            if durable:
                self._reserve.take()
            result = self._run(guarded)
            self._empty_log()
            self._reserve.take()
            return result

    def _make_room(self) -> None:
        """Give up the reserve and, with the room that it leaves, pictures and reads."""
        log.warning("the disk is full: making room")
        self._reserve.give_up()

        def work(connection: Connection) -> None:
            with self._rollback_unless_done(connection):
                self._quota.give_up(connection, ROOM_BYTES)

        self._empty_log()
        with suppress(OutboxFullError):
            self._run(work)
        self._empty_log()

    def _empty_log(self) -> None:
        with suppress(OutboxFullError):
            self._run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    @contextmanager
    def _rollback_unless_done(self, connection: Connection) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with suppress(OutboxError), named_errors():
                connection.execute("ROLLBACK")
            with suppress(OutboxError), named_errors():
                self._quota.measure(connection)
            raise

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


@contextmanager
def _synchronised(connection: Connection, *, durable: bool) -> Iterator[None]:
    """Spare a change that may be lost the wait for the disk."""
    if durable:
        yield
        return
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        yield
    finally:
        connection.execute("PRAGMA synchronous = FULL")
