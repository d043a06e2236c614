"""The outbox: every record waits here, encrypted, until a broker has acknowledged it and its custodians have it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from platepost.common.errors import OutboxError
from platepost.common.systemd import Notifier
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.device.outbox import custody, resending, rows
from platepost.device.outbox.custody import EVERYTHING, Custody, Requirements, Span
from platepost.device.outbox.database import Connection, read_key_file
from platepost.device.outbox.file import OutboxFile, Reserve
from platepost.device.outbox.places import Excluded, number_of, place_of
from platepost.device.outbox.quarantine import Quarantined
from platepost.device.outbox.quota import MIB, Quota
from platepost.device.outbox.settings import OutboxSettings
from platepost.wire.records import ChainHead, Dropped, Envelope, Lost, new_identifier
from platepost.wire.records.receipt import KeptRange

RELEASED_TOGETHER = 32
"""Records that go in one transaction: a hit must not wait behind one that deletes hundreds."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is in the outbox, and what its quota has cost since the outbox was made.

    Covert records are in none of it: anyone who counts what came would know by the difference that there were some.
    """

    depth: int
    """Records that wait for a broker's acknowledgment."""
    sent: int
    """Records that have it and lack a required receipt."""
    size_bytes: int
    """Bytes of both."""
    quota_bytes: int
    """How many all records may have, covert ones too."""
    oldest_age_seconds: float | None
    """Age of the oldest that waits; None if there is none."""
    oldest_unreleased_age_seconds: float | None
    """Age of the oldest of all; None if there is none."""
    reads_dropped: int
    pictures_dropped: int


class Outbox:
    """A durable queue of signed records, and the end of their chain.

    `append` returns when the record is on the disk. Order out: hits, audit, status, reads; oldest first within. When
    the records exceed `quota_bytes`, pictures of reads go first, then the oldest reads; hits, audit and status never.

    A record waits until a broker acknowledges it. It is then sent, and stays until every custodian that `require`
    names has signed for it; without any, it goes at once.

    A file that cannot be used (wrong key, damaged, written by newer software, emptied) is renamed, `set_aside` says so,
    and a new one takes its place, at the start and at any later moment: a post never stops for it. Of a damaged file
    everything that can be read is taken over, the chain too if its end is certain; otherwise a new chain begins.

    May be used from several threads. Close it, or use it as a context manager.

    Args:
        path: the file.
        key: its 32 bytes.
        quota_bytes: what its records may take.
        meanwhile: called again and again while a file is opened, or a damaged one salvaged, which may take minutes;
            from any thread.
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
        on_wait: Callable[[], None] = lambda: None,
        clock: Clock = SYSTEM,
        identify: Callable[[], str] = new_identifier,
        reserve: Reserve | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._quota = Quota(quota_bytes)
        self._excluded = Excluded()
        self._requirements = Requirements()
        self._heard: set[tuple[str, str]] = set()
        self._reached: dict[tuple[str, str], int] = {}
        """By custodian and chain: the highest number that was signed for when left-out records were looked for."""
        self._listeners: list[Callable[[], None]] = []
        self._file = OutboxFile(
            path,
            key=key,
            quota=self._quota,
            on_wait=on_wait,
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
            on_wait=Notifier().busy,
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
        """Do the same in the chain of a distribution group, of which no one else learns.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """
        return self._append(make, group=group)

    def covert_heads(self) -> tuple[ChainHead, ...]:
        """Return the ends of the chains of distribution groups."""
        return self._file.run(rows.covert_heads)

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Store the account of what was dropped since the last one, if anything was.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """

        def work(connection: Connection) -> Envelope | None:
            dropped = self._quota.take_pending(connection)
            return self._insert(connection, lambda head: make(head, dropped)) if dropped else None

        return self._notified(self._file.transaction(work))

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Store the account of the oldest loss to damage that is not told yet, if there is one.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the record cannot be stored.

        """

        def work(connection: Connection) -> Envelope | None:
            lost = rows.take_loss(connection)
            return self._insert(connection, lambda head: make(head, lost)) if lost else None

        return self._notified(self._file.transaction(work))

    def on_append(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every append, in the thread that appended; it must be quick and not raise."""
        self._listeners.append(listener)

    # --- out

    def next(
        self,
        limit: int,
        *,
        excluding: Collection[int] = (),
        holding: Collection[str] = (),
        repeating: bool = False,
    ) -> tuple[Envelope, ...]:
        """Return up to `limit` records that wait, in order; after them, if `repeating`, those to send again.

        The places `excluding` and the topics `holding` are left out.
        """

        def work(connection: Connection) -> tuple[Envelope, ...]:
            self._excluded.put(connection, excluding, self._file.opening)
            selected = rows.select(connection, limit, holding=holding, opening=self._file.opening)
            if repeating and len(selected) < limit:
                left = limit - len(selected)
                selected += rows.select(connection, left, holding=holding, opening=self._file.opening, repeated=True)
            return selected

        return self._file.run(work)

    def acknowledge(self, places: Collection[int]) -> int:
        """Note that a broker has taken records, by their places; return how many there were.

        They are sent from now on; those that need no receipt, or no other, go.

        A place that was given before the file was set aside is of no record here: what it was of is sent again.
        This is written with the next record or some seconds later. A power cut or a kill before that undoes it, as it
        undoes what a receipt brought about: the records are then sent again.
        """

        def work(connection: Connection) -> int:
            numbers = [number_of(place, self._file.opening) for place in places]
            known = [number for number in numbers if number is not None]
            free = custody.may_go(connection, known, self._requirements)
            return sum(self._acknowledge(connection, number, goes=number in free) for number in known)

        return self._file.transaction(work, durable=False, stores=False) if places else 0

    def _acknowledge(self, connection: Connection, sequence: int, *, goes: bool) -> bool:
        if not goes:
            resending.acknowledged(connection, sequence)
            return rows.mark_sent(connection, sequence)
        size = rows.delete(connection, sequence)
        self._quota.size -= size or 0
        return size is not None

    def present(self, places: Collection[int]) -> frozenset[int]:
        """Return those of the places whose records are here yet: not released, dropped, or left behind by damage."""

        def work(connection: Connection) -> frozenset[int]:
            numbers = ((place, number_of(place, self._file.opening)) for place in places)
            return frozenset(place for place, number in numbers if number is not None and rows.has(connection, number))

        return self._file.run(work)

    def holds(self, chain: str, sequence: int) -> bool:
        """Tell whether a record is here yet, by its number in the post's open chain, the present one or a former."""
        return self._file.run(lambda connection: rows.holds(connection, chain, sequence))

    # --- custody

    def require(self, requirements: Requirements) -> None:
        """Have these custodians' receipts required; call it before the first acknowledgment, and at each change.

        Where each custodian starts is kept on the disk. Records that lack no receipt any more go.
        """

        def work(connection: Connection) -> tuple[str, ...]:
            return custody.require(connection, requirements)

        with self._file.lock:
            self._requirements = requirements
            names = self._file.transaction(work, stores=False)
        for name in names:
            self._release(name)

    @property
    def requirements(self) -> Requirements:
        """Whose receipts are required at present."""
        return self._requirements

    def take_receipt(self, custodian: str, chain: str, ranges: Sequence[KeptRange]) -> Custody:
        """Take what a custodian has signed for; records that lack nothing else go.

        What it signs for before a broker's acknowledgment counts when that comes. The caller has checked the
        signature. A receipt for an unknown chain, or of a custodian that is not required, releases nothing.
        """

        def work(connection: Connection) -> Sequence[Span] | None:
            return custody.take(connection, custodian, chain, ranges, self._requirements)

        signed = self._file.transaction(work, durable=False, stores=False)
        if signed is None:
            return Custody(released=0, forked=True)
        with self._file.lock:
            self._heard.add((custodian, chain))
        return Custody(self._release(chain, within=signed), forked=False)

    def covert(self, chain: str) -> bool:
        """Tell whether a chain is a distribution group's, of which no one else may learn."""
        return self._file.run(lambda connection: custody.covert(connection, chain))

    def forget_receipts(self, custodian: str) -> None:
        """Have a custodian sign again for all that is here: it was restored from a backup."""
        self._file.transaction(lambda connection: custody.forget(connection, custodian), stores=False)

    def with_reserve(self, write: Callable[[], None]) -> None:
        """Write a little beside the outbox by which records may go; on a full disk, in the room kept back for that.

        Raises:
            OSError: the disk does not take it.

        """
        self._file.with_reserve(write)

    def oldest_sent(self) -> dict[str, int]:
        """Return of each chain the place of the oldest record that a broker acknowledged, by the chain's name."""

        def work(connection: Connection) -> dict[str, int]:
            oldest = custody.oldest_sent(connection).items()
            return {name: place_of(sequence, self._file.opening) for name, sequence in oldest}

        return self._file.run(work)

    def send_again(self, places: Collection[int]) -> None:
        """Have records that a broker acknowledged sent again, by their places."""

        def work(connection: Connection) -> None:
            numbers = (number_of(place, self._file.opening) for place in places)
            resending.add(connection, (number for number in numbers if number is not None))

        self._file.run(work)

    def send_left_out(self) -> int:
        """Have what receipts leave out sent again; return how many records that is.

        Of receipts, those count that came since the last call; of records, those that were acknowledged before it, and
        do not wait in a broker's queue any more.
        """

        def work(connection: Connection) -> tuple[int, dict[tuple[str, str], int]]:
            fresh = resending.end_round(connection)
            positions = {
                key: custody.left_out(connection, *key, self._requirements, reached=self._reached.get(key, 0))
                for key in receipts
            }
            missing = {sequence for left in positions.values() for sequence in left.sequences} - fresh
            resending.add(connection, missing - resending.waiting(connection))
            return len(missing), {key: left.reached for key, left in positions.items()}

        with self._file.lock:
            receipts, self._heard = self._heard, set()
            count, reached = self._file.run(work)
            self._reached |= reached
            return count

    def _release(self, chain: str, *, within: Sequence[Span] = EVERYTHING) -> int:
        def work(connection: Connection) -> int:
            released = custody.release(connection, chain, self._requirements, within=within, most=RELEASED_TOGETHER)
            self._quota.size -= released.size
            return released.records

        released = 0
        while gone := self._file.transaction(work, durable=False, stores=False):
            released += gone
        return released

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

    def depth(self) -> int:
        """Return how many records wait for a broker, covert ones too: for no one but this unit itself."""
        return self._file.run(lambda connection: rows.count(connection, sent=False))

    def unreleased(self) -> int:
        """Return how many records are here, those that a broker acknowledged and covert ones too, as `depth` does."""
        return self._file.run(lambda connection: sum(rows.count(connection, sent=sent) for sent in (False, True)))

    def oldest_age(self, *, now: datetime | None = None) -> float | None:
        """Return the age of the oldest record that waits, in seconds, or None if none does; 0 if the clock went back.

        Covert records are left out, as in `backlog`.
        """
        return self._age(self._file.run(lambda connection: rows.oldest(connection, waiting=True)), now)

    def backlog(self, *, now: datetime | None = None) -> Backlog:
        """Return all of the state at once, for health and status."""

        def work(connection: Connection) -> Backlog:
            covert = rows.covert(connection)
            reads, pictures = self._quota.totals(connection)
            return Backlog(
                depth=rows.count(connection, sent=False) - covert.waiting,
                sent=rows.count(connection, sent=True) - covert.sent,
                size_bytes=self._quota.size - covert.size,
                quota_bytes=self._quota.limit,
                oldest_age_seconds=self._age(rows.oldest(connection, waiting=True), now),
                oldest_unreleased_age_seconds=self._age(rows.oldest(connection, waiting=False), now),
                reads_dropped=reads,
                pictures_dropped=pictures,
            )

        return self._file.run(work)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        rows.insert(connection, envelope, head.chain, group)
        if head.sequence == 0:
            custody.enroll(connection, head.chain, self._requirements)
        self._quota.size += len(envelope.body)
        self._quota.enforce(connection)
        return envelope

    def _notified(self, envelope: Envelope | None) -> Envelope | None:
        if envelope is not None:
            self._notify()
        return envelope

    def _age(self, time: float | None, now: datetime | None) -> float | None:
        return None if time is None else max(0.0, (now or self._clock.utc()).timestamp() - time)

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
