"""The outbox: every record waits here, encrypted, until the broker has acknowledged it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from device.clock.clock import SYSTEM, Clock
from device.errors import OutboxError
from device.outbox import rows
from device.outbox.database import Connection, read_key_file
from device.outbox.file import OutboxFile
from device.outbox.places import Excluded, number_of
from device.outbox.quarantine import Quarantined
from device.outbox.quota import MIB, Quota
from device.outbox.reserve import Reserve
from device.outbox.settings import OutboxSettings
from device.records import TYPES, ChainHead, Dropped, Envelope, Lost, Status, new_identifier
from device.systemd import Notifier


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox, and what its quota has cost since the outbox was made.

    Covert records are in none of it: whoever counts what came would know by the difference that there were some.
    """

    depth: int
    """Records that nobody has acknowledged."""
    settling: int
    """Records that the broker has acknowledged and may yet forget, so that they are kept for a while."""
    size_bytes: int
    """Bytes of both."""
    quota_bytes: int
    """How many all records may have, covert ones too."""
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

    Args:
        path: the file.
        key: its 32 bytes.
        quota_bytes: what its records may take.
        meanwhile: called again and again while a damaged file is salvaged, which may take minutes; from any thread.
        clock: by which records grow old, and a disk that was full is remembered.
        identify: names a new chain.
        reserve: the room kept back on the disk; a file beside the outbox where None.

    Raises:
        OutboxKeyError: the key is not 32 bytes long.
        OutboxBusyError: another process has the file open.
        OutboxFullError: the disk is full.
        OutboxError: the file's folder cannot be used.

    """

    def __init__(
        self,
        path: Path,
        *,
        key: bytes,
        quota_bytes: int = 256 * MIB,
        meanwhile: Callable[[], None] = lambda: None,
        clock: Clock = SYSTEM,
        identify: Callable[[], str] = new_identifier,
        reserve: Reserve | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._quota = Quota(quota_bytes)
        self._excluded = Excluded()
        self._listeners: list[Callable[[], None]] = []
        self._file = OutboxFile(
            path,
            key=key,
            quota=self._quota,
            meanwhile=meanwhile,
            clock=clock,
            identify=identify,
            reserve=reserve,
        )

    @classmethod
    def of(
        cls,
        settings: OutboxSettings,
        *,
        clock: Clock = SYSTEM,
        identify: Callable[[], str] = new_identifier,
        reserve: Reserve | None = None,
    ) -> Self:
        """Open a post's outbox; systemd is told to wait while that takes long.

        Raises:
            OutboxError: it cannot be opened.

        """
        return cls(
            settings.path,
            key=read_key_file(settings.key_file),
            quota_bytes=round(settings.quota_megabytes * MIB),
            meanwhile=Notifier().busy,
            clock=clock,
            identify=identify,
            reserve=reserve,
        )

    def __repr__(self) -> str:
        if self._file.closed:
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

        return self._told(self._file.transaction(work))

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Store the account of the oldest loss to damage that is not told yet, if there is one.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """

        def work(connection: Connection) -> Envelope | None:
            lost = rows.take_loss(connection)
            return self._insert(connection, lambda head: make(head, lost)) if lost else None

        return self._told(self._file.transaction(work))

    def on_append(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every append, in the thread that appended; it must be quick and not raise."""
        self._listeners.append(listener)

    # --- out

    def next(
        self, limit: int, *, excluding: Collection[int] = (), holding: Collection[str] = ()
    ) -> tuple[Envelope, ...]:
        """Return up to `limit` records in order, but for the places `excluding` and the topics `holding`."""

        def work(connection: Connection) -> tuple[Envelope, ...]:
            self._excluded.put(connection, excluding, self._file.opening)
            return rows.select(connection, limit, holding=holding, opening=self._file.opening)

        return self._file.run(work)

    def acknowledge(self, places: Collection[int]) -> int:
        """Delete records that the broker has taken, by their places; return how many there were.

        A place that was given before the file was set aside is of no record here: what it was of is sent again.
        Alone of all changes this one may be undone by a power cut: the records are then sent again.
        """

        def work(connection: Connection) -> int:
            deleted = 0
            for place in places:
                number = number_of(place, self._file.opening)
                size = None if number is None else rows.delete(connection, number)
                if size is not None:
                    deleted += 1
                    self._quota.size -= size
            return deleted

        return self._file.transaction(work, durable=False) if places else 0

    def present(self, places: Collection[int]) -> frozenset[int]:
        """Return those of the places whose records are here yet: not delivered, dropped, or left behind by damage."""

        def work(connection: Connection) -> frozenset[int]:
            numbers = ((place, number_of(place, self._file.opening)) for place in places)
            return frozenset(place for place, number in numbers if number is not None and rows.has(connection, number))

        return self._file.run(work)

    # --- state

    @property
    def disk_full(self) -> bool:
        """Whether the disk was found full within the last minute; takes the reserve again if there is room for it."""
        return self._file.disk_full

    @property
    def set_aside(self) -> tuple[Quarantined, ...]:
        """The files that could not be used, the oldest first."""
        return self._file.set_aside

    @property
    def head(self) -> ChainHead:
        """The end of the chain."""
        return self._file.run(rows.read_head)

    def depth(self, *, status_only: bool = False) -> int:
        """Return how many records wait; with `status_only`, how many of them are status."""
        ranks = (rows.RANKS[TYPES[Status]],) * 2 if status_only else (0, rows.READS)
        sql = "SELECT count(*) FROM record WHERE rank BETWEEN ? AND ?"
        return int(self._file.run(lambda connection: connection.execute(sql, ranks).fetchone()[0]))

    def oldest_age(self, *, now: datetime | None = None, settling: Collection[int] = ()) -> float | None:
        """Return the age of the oldest record in seconds, or None if nothing waits; 0 if the clock went back.

        Covert records are left out, as in `backlog`.
        """
        return self._age(self._oldest(settling)[0], now)

    def undelivered(self, *, settling: Collection[int] = ()) -> int:
        """Return how many records nobody has acknowledged, covert ones too: for nobody but this unit itself."""
        with self._file.lock:
            return self._oldest(settling)[1] + self._file.run(rows.covert).waiting

    def backlog(self, *, now: datetime | None = None, settling: Collection[int] = ()) -> Backlog:
        """Return all of the state at once, for health and status; `settling` are told apart from what waits."""
        with self._file.lock:
            reads, pictures = self._file.run(self._quota.totals)
            oldest, depth = self._oldest(settling)
            covert = self._file.run(rows.covert)
            return Backlog(
                depth=depth,
                settling=self.depth() - covert.records - depth,
                size_bytes=self._quota.size - covert.size,
                quota_bytes=self._quota.limit,
                oldest_age_seconds=self._age(oldest, now),
                reads_dropped=reads,
                pictures_dropped=pictures,
            )

    def _oldest(self, settling: Collection[int]) -> tuple[float | None, int]:
        def work(connection: Connection) -> tuple[float | None, int]:
            self._excluded.put(connection, settling, self._file.opening)
            return rows.oldest(connection)

        return self._file.run(work)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- inside

    def _append(self, make: Callable[[ChainHead], Envelope], *, group: str | None) -> Envelope:
        envelope = self._file.transaction(lambda connection: self._insert(connection, make, group))
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

    def _age(self, time: float | None, now: datetime | None) -> float | None:
        return None if time is None else max(0.0, (now or self._clock.utc()).timestamp() - time)

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
