"""The records under way: which may be sent next, which are, and what an answer to one means."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from device.records import Envelope
from device.uplink.link import Link
from device.uplink.reasons import NOBODY, SUSPICIOUS, TOO_LARGE, TOPIC, WHOLE_BROKER
from device.uplink.refusals import EVERYTHING, Refusals
from device.uplink.settling import Settling

log = logging.getLogger(__name__)

PACKET_OVERHEAD = 256
"""Bound of an MQTT 5 PUBLISH's bytes beside topic and body, with the properties used here."""
LEAST_EXPIRY_SECONDS = 3600
"""A hit that waited in the outbox past its expiry still gets so long at the broker, for record keepers."""
STRIKES = 3
"""Connections that ended with the same record under way before it, or its topic, is held responsible."""
RECORD = " record "
"""Stands between topic and sequence number where a refusal is of one record."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    sequence: int
    topic: str
    size: int

    @property
    def name(self) -> str:
        """How a refusal names this record and no other of its topic."""
        return f"{self.topic}{RECORD}{self.sequence}"


class Waiting(Protocol):
    """What there is to send: the outbox."""

    def next(
        self, limit: int, *, excluding: Collection[int] = (), holding: Collection[str] = ()
    ) -> tuple[Envelope, ...]:
        """Return up to `limit` records in order, but for those `excluding` names and topics `holding`."""
        ...

    def acknowledge(self, places: Collection[int]) -> int:
        """Delete records that the broker has taken; return how many there were."""
        ...


class Flight:
    """Sends from the outbox within a window and settles the answers. One thread drives it.

    Window: one record at first, doubling with acknowledgements; after a connection that was lost with records under way
    it stays at one for a while, so that a record which makes a broker hang up is known. Status goes one at a time: the
    last one sent must be the one retained.
    """

    def __init__(
        self,
        outbox: Waiting,
        refusals: Refusals,
        *,
        window: int,
        settling: Settling,
        may_go_unheard: Collection[str] = (),
    ) -> None:
        self.refusals = refusals
        self.settling = settling
        self.acknowledged = 0
        self.last_acknowledged: float | None = None
        self.pictures_left_out = 0
        self._outbox = outbox
        self._window = window
        self._may_go_unheard = frozenset(may_go_unheard)
        self._allowed = 1
        self._under_way: dict[int, _UnderWay] = {}
        self._too_large: set[int] = set()
        self._learned_limit: int | None = None
        self._strikes: dict[int, tuple[int, bool]] = {}
        self._careful = 0
        self._heard: set[str] = set()
        self._answered = False

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def too_large(self) -> int:
        """How many records no broker so far would take for their size."""
        return len(self._too_large)

    @property
    def answered(self) -> bool:
        """Whether the present connection has acknowledged anything."""
        return self._answered

    def begin(self) -> None:
        """Start a new connection: nothing is under way, sizes are judged anew."""
        self._under_way.clear()
        self.settling.begin()
        self._too_large.clear()
        self._allowed = 1
        self._answered = False
        self._heard.clear()

    def end(self) -> None:
        """Leave a connection that is over: what it had under way, or had not settled, waits like the rest."""
        self._under_way.clear()
        self.settling.begin()

    def fill(self, link: Link) -> None:
        """Send what the window allows."""
        held = self.refusals.held()
        room = min(self._allowed, self._window, link.receive_maximum) - len(self._under_way)
        if room <= 0 or EVERYTHING in held or link.end is not None or self.settling.full:
            return
        topics = {item.topic for item in self._under_way.values()}
        alone = {topic for topic in topics if self._alone(topic)}
        excluding = self._too_large.union(
            (item.sequence for item in self._under_way.values()), self.settling.sequences, self._suspects(held)
        )
        for waiting in self._outbox.next(room, excluding=excluding, holding=held | alone):
            if self._alone(waiting.topic) and waiting.topic in topics:
                continue
            fitting = self._fit(waiting, link)
            if fitting is None:
                continue
            mid = link.publish(fitting, expiry_seconds=expiry_seconds(fitting))
            if mid is None:
                return
            self._under_way[mid] = _UnderWay(_sequence(fitting), fitting.topic, packet_size(fitting))
            topics.add(waiting.topic)

    def settle(self, link: Link) -> None:
        """Take the broker's answers: hold what it refused, delete what it has had for long enough."""
        taken: list[int] = []
        while link.answers:
            mid, refused = link.answers.popleft()
            item = self._under_way.pop(mid, None)
            if item is None:
                continue
            if refused is None or (refused == NOBODY and kind(item.topic) in self._may_go_unheard):
                taken.append(item.sequence)
                self._accepted(item)
            else:
                self._refused(item, refused)
        if taken:
            self._answered = True
            self.acknowledged += len(taken)
            self.last_acknowledged = time.monotonic()
            self.settling.acknowledged(taken)
        if settled := self.settling.settle(link):
            self._outbox.acknowledge(settled)

    def lost(self, reason: str) -> None:
        """Judge a connection that ended, for `reason`, with records under way."""
        items = list(self._under_way.values())
        self._under_way.clear()
        if not items:
            return
        if reason == TOO_LARGE:
            self._learned_limit = max(item.size for item in items) - 1
        elif reason in TOPIC | WHOLE_BROKER:
            self._refused(items[0], reason)
        elif reason in SUSPICIOUS:
            self._careful = 2 * self._window
            self._strike(items[0], f"{reason}_on_publish")

    def _accepted(self, item: _UnderWay) -> None:
        self.refusals.accepted(item.topic)
        self.refusals.accepted(item.name)
        self._strikes.pop(item.sequence, None)
        self._heard.add(item.topic)
        if self._careful:
            self._careful -= 1
        else:
            self._allowed = min(self._allowed * 2, self._window)

    def _strike(self, item: _UnderWay, reason: str) -> None:
        """Count a connection that ended while `item` was under way; hold it, or its topic, after several."""
        count, heard = self._strikes.get(item.sequence, (0, False))
        count, heard = count + 1, heard or item.topic in self._heard
        self._strikes[item.sequence] = (count, heard)
        if count < STRIKES:
            return
        del self._strikes[item.sequence]
        # A topic of which records were taken is not what the broker minds. One that was held and fails again may be
        # held up by its oldest record: then the next one is tried, but no more than one.
        others = any(hold.topic.startswith(f"{item.topic}{RECORD}") for hold in self.refusals.all())
        alone = heard or (self.refusals.on_trial(item.topic) and not others)
        name = item.name if alone else item.topic
        if self.refusals.refuse(name, reason):
            log.warning("the broker hangs up at %s", name)

    def _suspects(self, held: frozenset[str]) -> set[int]:
        return {int(number) for _, mark, number in (name.rpartition(RECORD) for name in held) if mark}

    def _alone(self, topic: str) -> bool:
        return topic.endswith("/status") or self.refusals.on_trial(topic)

    def _refused(self, item: _UnderWay, reason: str) -> None:
        if reason == TOO_LARGE:
            self._learned_limit = item.size - 1
            return
        if self.refusals.refuse(EVERYTHING if reason in WHOLE_BROKER else item.topic, reason):
            log.warning("the broker does not deliver %s: %s", item.topic, reason)

    def _fit(self, envelope: Envelope, link: Link) -> Envelope | None:
        limits = [limit for limit in (link.maximum_packet_size, self._learned_limit) if limit is not None]
        if not limits or packet_size(envelope) <= min(limits):
            return envelope
        for kinds in (frozenset({"overview"}), None):
            smaller = envelope.stripped(kinds=kinds)
            if packet_size(smaller) <= min(limits):
                self.pictures_left_out += 1
                return smaller
        log.error("a record of %d bytes is larger than the broker takes", len(envelope.body))
        self._too_large.add(_sequence(envelope))
        return None


def kind(topic: str) -> str:
    """Return the kind of records on a topic: `alpr/v1/demo/post-1/hit/felony` -> `hit`."""
    return topic.split("/")[4]


def packet_size(envelope: Envelope) -> int:
    """Return a bound of the bytes that a record's PUBLISH packet has."""
    return len(envelope.body) + len(envelope.topic) + PACKET_OVERHEAD


def expiry_seconds(envelope: Envelope, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int | None:
    """Return how long the broker may keep a record for absent subscribers; None is for ever."""
    if envelope.expires is None:
        return None
    return max(LEAST_EXPIRY_SECONDS, int((envelope.expires - now()).total_seconds()))


def _sequence(envelope: Envelope) -> int:
    if envelope.place is not None:
        return envelope.place
    if envelope.sequence is None:
        raise ValueError("only chained records wait in the outbox")
    return envelope.sequence
