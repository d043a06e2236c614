"""The recorder: turns what happened into signed, chained records, and hands them to the store in one transaction."""

import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from threading import Lock
from typing import Any, Protocol, Self, TypeVar

import uuid_utils

from platepost.common.errors import RecordError
from platepost.wire.records.audit import Audit, ChainMark, Dropped, KeyChange, Lost, mark_of
from platepost.wire.records.base import milliseconds, timestamp
from platepost.wire.records.canonical import GENESIS, canonical_bytes, digest_of, dump
from platepost.wire.records.command import Response
from platepost.wire.records.envelope import TYPES, Envelope, topic_of
from platepost.wire.records.health import Health
from platepost.wire.records.hit import Hit, HitWithdrawn
from platepost.wire.records.parts import ChainEnd, ClockQuality, RecordData
from platepost.wire.records.settings import RecordSettings
from platepost.wire.records.signing import Signer
from platepost.wire.records.status import Status
from platepost.wire.records.topics import Source

COUNTER_BITS = 12
_RANDOM_BITS = 62
STEP_MILLISECONDS = 1000
"""From which on time has stepped back; less was borrowed, or two threads overtook one another."""


class Identifiers:
    """Makes identifiers by the record's own time, not by the system's clock; while that goes on, they sort likewise.

    Within a millisecond, or where time stands still, a counter in `rand_a` orders them (RFC 9562, section 6.2, method
    1); where it is full, the next millisecond is borrowed. Where time steps back, so do they: their 62 random bits keep
    them unique, and `sequence` alone is the order of records. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._millisecond = 0
        self._counter = 0

    def at(self, moment: datetime) -> str:
        """Return an identifier of `moment`, or of the last one's millisecond if that is later by less than a step."""
        millisecond = int(moment.timestamp() * 1000)
        with self._lock:
            if millisecond > self._millisecond or millisecond <= self._millisecond - STEP_MILLISECONDS:
                # Half of the counter's range stays free for what follows within the millisecond.
                self._millisecond, self._counter = millisecond, secrets.randbits(COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> COUNTER_BITS:
                    self._millisecond, self._counter = self._millisecond + 1, 0
            high = self._millisecond << 16 | 0x7000 | self._counter
        low = 0b10 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return str(uuid.UUID(int=high << 64 | low))


T = TypeVar("T")

MARKS = 16
"""A `key_changed` names a multiple of so many chains: no one learns by it how many groups have covert hits."""
STEP_SECONDS = 1.0
"""A record that is earlier than the one before by less than this takes that one's time: a slewed clock runs back by
less between two records."""

HIT_EXPIRY = timedelta(hours=24)
"""How long a hit is worth delivering: a record keeper down overnight still gets it; a console judges by `time`."""


def new_identifier() -> str:
    """Make an identifier: UUID version 7, later ones sort after earlier ones."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The end of a chain: the next record continues it."""

    chain: str
    sequence: int = 0
    digest: str = GENESIS
    key: str | None = None
    """Thumbprint of the key that the chain goes on with; None before the first record, or where it is not known."""
    time: datetime | None = field(default=None, compare=False)
    """Time of the last record; None before the first, or where it is not known."""


def chain_end(head: ChainHead) -> ChainEnd | None:
    """Return a chain's end as records say it; None of one that has no record yet."""
    return ChainEnd(chain=head.chain, sequence=head.sequence, digest=head.digest) if head.sequence else None


class Store(Protocol):
    """What the recorder asks of the outbox."""

    @property
    def head(self) -> ChainHead:
        """The end of the chain."""
        ...

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Call `make` with the chain's end and keep what it returns as the new end, both or neither, durably."""
        ...

    def append_covert(self, make: Callable[[ChainHead], Envelope], *, group: str) -> Envelope:
        """Do the same in the chain of a distribution group."""
        ...

    def covert_heads(self) -> tuple[ChainHead, ...]:
        """Return the ends of the chains of distribution groups."""
        ...

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Do the same with what was dropped since the last account; None, and nothing done, if nothing was."""
        ...

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Do the same with what damage has cost and is not told yet."""
        ...


def _marks(heads: Iterable[ChainHead]) -> tuple[ChainMark, ...]:
    """Name ends of chains among made-up ones, so that neither their number nor their order tells anything."""
    named = [(mark_of(head.chain), head.digest) for head in heads if head.sequence]
    none = [(token_hex(32), token_hex(32)) for _ in range(-len(named) % MARKS if named else MARKS)]
    return tuple(ChainMark(chain=chain, digest=digest) for chain, digest in sorted(named + none))


def _stepped_back(data: RecordData, seconds: float) -> RecordData:
    """Return the data of a record that is earlier than the one before it."""
    return data.model_copy(update={"clock": data.clock.model_copy(update={"stepped_back_seconds": seconds})})


class _KeyChangedError(Exception):
    """The chain's last record was signed with another key: that is to be said first."""


class Recorder:
    """Makes the records of one post. Safe to use from several threads if its store is.

    Where the chain's last record was signed with another key, a `key_changed` comes before all else, signed with
    `former` if that is the key, so that anyone who trusts the former key can trust the new one.
    """

    def __init__(
        self,
        store: Store,
        signer: Signer,
        source: Source,
        *,
        former: Signer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        identify: Callable[[], str] | None = None,
    ) -> None:
        """Make a recorder.

        Args:
            store: keeps the records and the chain's end: the outbox.
            signer: has the post's record-signing key.
            source: the post.
            former: has the key before, as long as it is kept.
            now: the best known present. Where it goes back, the next record says so.
            identify: makes identifiers; by default ones that sort by the time of their records.

        """
        self.source = source
        self._store = store
        self._signer = signer
        self._former = former
        self._changing = Lock()
        self._now = now
        self._identify = identify
        self._identifiers = Identifiers()

    @classmethod
    def of(cls, settings: RecordSettings, store: Store, source: Source, *, now: Callable[[], datetime]) -> Self:
        """Make what signs a post's records; the former key is taken along as long as its file is there.

        Raises:
            RecordError: a key file is unreadable or no private key on P-256.

        """
        signer, *former = (Signer.from_file(path) for path in settings.key_files)
        return cls(store, signer, source, former=former[0] if former else None, now=now)

    def record(self, data: RecordData) -> Envelope:
        """Store one record, numbered, chained and signed; when this returns, it survives a power cut.

        Raises:
            RecordError: a health record, which is not chained, or values that have no canonical form.
            OutboxError: the store cannot keep it.

        """
        if isinstance(data, Health | Response):
            raise RecordError("health and answers are not chained: use unchained() and send it at once")
        if isinstance(data, Hit | HitWithdrawn) and data.distribution is not None:
            return self._store.append_covert(lambda head: self._seal(data, head), group=data.distribution)
        return self._after_key_change(lambda: self._store.append(lambda head: self._link(data, head)), data.clock)

    def unchained(self, data: Status | Health | Response) -> Envelope:
        """Sign one record that is no part of the chain: health, answers, repeats of the status, and the will.

        Each says how far the chain had come.

        Raises:
            RecordError: values that have no canonical form.
            OutboxError: the chain's end cannot be read.

        """
        return self._seal(data.model_copy(update={"chain_end": chain_end(self._store.head)}), None)

    def account_for_drops(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what the store dropped since the last time; None if nothing was.

        Raises:
            OutboxError: the store cannot keep it.

        """

        def seal(head: ChainHead, dropped: Dropped) -> Envelope:
            audit = self._audit(
                "records_dropped", clock, source="outbox", outcome="success", reason="quota", dropped=dropped
            )
            return self._link(audit, head)

        return self._after_key_change(lambda: self._store.append_account(seal), clock)

    def account_for_losses(self, *, clock: ClockQuality) -> Envelope | None:
        """Put into the audit trail what damage to the disk has cost; None if nothing was, or all is told.

        Raises:
            OutboxError: the store cannot keep it.

        """

        def seal(head: ChainHead, lost: Lost) -> Envelope:
            audit = self._audit("records_lost", clock, source="outbox", outcome="failure", reason="damaged", lost=lost)
            return self._link(audit, head)

        return self._after_key_change(lambda: self._store.append_loss(seal), clock)

    def _after_key_change(self, work: Callable[[], T], clock: ClockQuality) -> T:
        try:
            return work()
        except _KeyChangedError:
            with self._changing:
                if self._store.head.key != self._signer.kid:
                    marks = _marks(self._store.covert_heads())
                    self._store.append(lambda head: self._seal_key_change(head, clock, marks))
        return work()

    def _audit(self, action: str, clock: ClockQuality, **fields: Any) -> Audit:
        """Make a record of what the post itself did to its chain, now."""
        post = self.source.post
        return Audit(action=action, clock=clock, occurred=self._now(), where=post, identity=post, **fields)

    def _link(self, data: RecordData, head: ChainHead) -> Envelope:
        if head.key not in {None, self._signer.kid}:
            raise _KeyChangedError
        return self._seal(data, head)

    def _seal_key_change(self, head: ChainHead, clock: ClockQuality, marks: tuple[ChainMark, ...]) -> Envelope:
        vouched = self._former is not None and self._former.kid == head.key
        audit = self._audit(
            "key_changed",
            clock,
            source="post",
            outcome="success" if vouched else "failure",
            reason=None if vouched else "former_key_missing",
            key=KeyChange(
                former=head.key or "",
                thumbprint=self._signer.kid,
                public_key=self._signer.public_pem.decode("ascii"),
                ends=marks,
            ),
        )
        return self._seal(audit, head, signer=self._former if vouched else None)

    def _seal(self, data: RecordData, head: ChainHead | None, *, signer: Signer | None = None) -> Envelope:
        now = milliseconds(self._now())
        if head is not None and head.time is not None and now < (last := milliseconds(head.time)):
            back = (last - now).total_seconds()
            now, data = (last, data) if back < STEP_SECONDS else (now, _stepped_back(data, back))
        expires = now + HIT_EXPIRY if isinstance(data, Hit | HitWithdrawn) else None
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": self._identify() if self._identify else self._identifiers.at(now),
            "source": self.source.uri,
            "type": TYPES[type(data)],
            "time": timestamp(now),
            "datacontenttype": "application/json",
        }
        if expires is not None:
            event["expirytime"] = timestamp(expires)
        if head is not None:
            event |= {"chain": head.chain, "sequence": head.sequence + 1, "previous": head.digest}
        event["data"] = data.wire()
        canonical = canonical_bytes(event)
        event["signature"] = (signer or self._signer).sign(canonical)
        return Envelope(
            id=event["id"],
            type=event["type"],
            topic=topic_of(data, self.source),
            time=now,
            body=dump(event),
            digest=digest_of(canonical),
            sequence=event.get("sequence"),
            expires=expires,
            illustrated=bool(event["data"].get("pictures")),
            chain_key=None if head is None else self._signer.kid,
        )
