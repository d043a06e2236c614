"""The records under way: which may be sent next, which are, and what an answer to one means."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from platepost.device.clock.clock import SYSTEM
from platepost.device.uplink.connection import BrokerConnection
from platepost.device.uplink.reasons import NOBODY, SUSPICIOUS, TOO_LARGE, TOPIC, WHOLE_BROKER
from platepost.device.uplink.refusals import EVERYTHING, Refusals
from platepost.device.uplink.sizes import DAY_SECONDS, Sizes
from platepost.wire.records import TYPES, Envelope, Read
from platepost.wire.records.recorder import HIT_EXPIRY

log = logging.getLogger(__name__)

PACKET_OVERHEAD = 256
"""Bound of an MQTT 5 PUBLISH's bytes beside topic and body, with the properties used here."""
LEAST_EXPIRY_SECONDS = 3600
"""A hit that waited in the outbox past its expiry still gets so long at the broker, for record keepers."""
MOST_EXPIRY_SECONDS = int(HIT_EXPIRY.total_seconds())
"""And no more than this, whatever a clock said that was ahead when the hit was made."""
STRIKES = 3
"""Connections that ended with the same record under way before it, or its topic, is held responsible."""
JUDGED_AT_ONCE = 100
"""How often at most others are looked for in place of records too large, before the connection is looked after."""
GONE_SECONDS = 10.0
"""How often what was noted of records is compared with what the outbox has."""
RECORD = " record "
"""Stands between topic and sequence number where a refusal is of one record."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    place: int
    number: int | None
    topic: str
    size: int

    @property
    def name(self) -> str:
        """How a refusal names this record and no other of its topic."""
        return f"{self.topic}{RECORD}{self.number}"


class Waiting(Protocol):
    """What there is to send: the outbox."""

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
        ...

    def acknowledge(self, places: Collection[int]) -> int:
        """Note that the broker has taken records, by their places; return how many there were."""
        ...

    def present(self, places: Collection[int]) -> frozenset[int]:
        """Return those of the places whose records are here yet."""
        ...


class InFlight:
    """Sends from the outbox within a window and takes the answers. One thread drives it.

    Window: one record at first, doubling with acknowledgments; after a connection that was lost with records under way
    it stays at one for a while, so that a record which makes a broker hang up is known. Status goes one at a time: the
    last one sent must be the one retained.
    """

    def __init__(
        self,
        outbox: Waiting,
        refusals: Refusals,
        *,
        window: int,
        optional_receivers: Collection[str] = (),
        read_expiry_seconds: int | None = None,
        now: Callable[[], float] = time.monotonic,
        utc: Callable[[], datetime] = SYSTEM.utc,
    ) -> None:
        self.refusals = refusals
        self.acknowledged = 0
        self.pictures_left_out = 0
        self._outbox = outbox
        self._window = window
        self._optional_receivers = frozenset(optional_receivers)
        self._read_expiry_seconds = read_expiry_seconds
        self._allowed = 1
        self._under_way: dict[int, _UnderWay] = {}
        self._answered_at = 0.0
        self._now, self._utc = now, utc
        self._sizes = Sizes(refusals.slower(DAY_SECONDS))
        # By place, as all that is noted of a record is. Too large: the bytes that it has without its pictures.
        self._too_large: dict[int, int] = {}
        self._strikes: dict[int, tuple[int, bool]] = {}
        self._suspects: dict[int, str] = {}
        self._compared = float("-inf")
        self._careful = 0
        self._taken: set[str] = set()
        self._answered = False

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def too_large(self) -> int:
        """How many records the present broker, or the last, would not take for their size."""
        return len(self._too_large)

    @property
    def answered(self) -> bool:
        """Whether the present connection has acknowledged anything."""
        return self._answered

    @property
    def unanswered_seconds(self) -> float:
        """For how long records have been under way and none was answered."""
        return self._now() - self._answered_at if self._under_way else 0.0

    def begin(self, broker: str = "") -> None:
        """Start a new connection, to the broker of this name: nothing is under way, sizes are judged again."""
        self._under_way.clear()
        self._sizes.begin(broker)
        self._compared = float("-inf")
        self._too_large.clear()
        self._allowed = 1
        self._answered = False
        self._taken.clear()

    def end(self) -> None:
        """Leave a connection that is over: what it had under way waits like the rest."""
        self._under_way.clear()

    def fill(self, connection: BrokerConnection) -> None:
        """Send what the window allows."""
        self._forget_gone()
        self._sizes.set_limit(connection.maximum_packet_size)
        for _ in range(JUDGED_AT_ONCE):
            if not self._send(connection):
                return

    def _send(self, connection: BrokerConnection) -> bool:
        """Send the next records; return whether some proved too large, so that others may go instead."""
        held = self.refusals.held()
        room = min(self._allowed, self._window, connection.receive_maximum) - len(self._under_way)
        if room <= 0 or EVERYTHING in held or connection.end is not None:
            return False
        topics = {item.topic for item in self._under_way.values()}
        alone = {topic for topic in topics if self._alone(topic)}
        trial, tried = self._trial()
        excluding = (self._too_large.keys() - {tried}).union(
            (item.place for item in self._under_way.values()),
            (place for place, name in self._suspects.items() if name in held),
        )
        judged = len(self._too_large)
        for waiting in self._outbox.next(room, excluding=excluding, holding=held | alone, repeating=True):
            if self._alone(waiting.topic) and waiting.topic in topics:
                continue
            place = _place(waiting)
            fitting = self._fit(waiting, trial=trial and tried in {None, place})
            if fitting is None:
                continue
            size = packet_size(fitting)
            trial = trial and not self._sizes.exceeds(size)
            now = self._utc()
            expiry = expiry_seconds(fitting, now=now, reads=self._read_expiry_seconds)
            retain = worth_retaining(fitting, now=now)
            mid = connection.publish(fitting, expiry_seconds=expiry, retain=retain)
            if mid is None:
                return False
            if not self._under_way:
                self._answered_at = self._now()
            self._under_way[mid] = _UnderWay(place, fitting.sequence, fitting.topic, size)
            topics.add(waiting.topic)
        return len(self._too_large) > judged

    def owes(self) -> bool:
        """Tell whether a record is under way, or waits without being held or too large; from any thread.

        Raises:
            OutboxError: the outbox cannot say.

        """
        if self._under_way:
            return True
        refused = {refusal.topic for refusal in self.refusals.all()}
        if EVERYTHING in refused:
            return False
        # Each copied in one step of the interpreter: nothing changes meanwhile.
        excluding = frozenset(self._too_large) | frozenset(self._suspects)
        return bool(self._outbox.next(1, excluding=excluding, holding=refused))

    def settle(self, connection: BrokerConnection) -> None:
        """Take the broker's answers: hold what it refused, tell the outbox what it took."""
        taken: list[int] = []
        while connection.answers:
            mid, refused = connection.answers.popleft()
            self._answered_at = self._now()
            item = self._under_way.pop(mid, None)
            if item is None:
                continue
            if refused is None or (refused == NOBODY and kind(item.topic) in self._optional_receivers):
                taken.append(item.place)
                self._accepted(item)
            else:
                self._refused(item, refused)
        if taken:
            self._answered = True
            self.acknowledged += len(taken)
            self._outbox.acknowledge(taken)

    def lost(self, reason: str) -> None:
        """Judge a connection that ended, for `reason`, with records under way."""
        items = list(self._under_way.values())
        self._under_way.clear()
        if not items:
            return
        if reason == TOO_LARGE:
            self._sizes.refused(max(item.size for item in items))
        elif reason in TOPIC | WHOLE_BROKER:
            self._refused(items[0], reason)
        elif reason in SUSPICIOUS:
            self._careful = 2 * self._window
            self._strike(items[0], f"{reason}_on_publish")

    def _accepted(self, item: _UnderWay) -> None:
        self.refusals.accepted(item.topic)
        self.refusals.accepted(item.name)
        self._strikes.pop(item.place, None)
        self._suspects.pop(item.place, None)
        self._too_large.pop(item.place, None)
        if self._sizes.taken(item.size):
            self._too_large.clear()
        self._taken.add(item.topic)
        if self._careful:
            self._careful -= 1
        else:
            self._allowed = min(self._allowed * 2, self._window)

    def _strike(self, item: _UnderWay, reason: str) -> None:
        """Count a connection that ended while `item` was under way; hold it, or its topic, after several."""
        count, taken = self._strikes.get(item.place, (0, False))
        count, taken = count + 1, taken or item.topic in self._taken
        self._strikes[item.place] = (count, taken)
        if count < STRIKES:
            return
        del self._strikes[item.place]
        # A topic of which records were taken is not what the broker minds. One that was held and fails again may be
        # held up by its oldest record: then the next one is tried, but no more than one.
        others = any(hold.topic.startswith(f"{item.topic}{RECORD}") for hold in self.refusals.all())
        alone = taken or (self.refusals.on_trial(item.topic) and not others)
        name = item.name if alone else item.topic
        if alone:
            self._suspects[item.place] = name
        if self.refusals.refuse(name, reason):
            log.warning("the broker hangs up at %s", name)

    def _forget_gone(self) -> None:
        """Forget what was noted of records that are gone: the quota dropped them, or their file was set aside."""
        noted = {*self._strikes, *self._suspects, *self._too_large}
        if not noted or self._now() - self._compared < GONE_SECONDS:
            return
        self._compared = self._now()
        for place in noted - self._outbox.present(noted):
            self._strikes.pop(place, None)
            self._too_large.pop(place, None)
            name = self._suspects.pop(place, None)
            if name is not None and name not in self._suspects.values():
                self.refusals.forget(name)

    def _alone(self, topic: str) -> bool:
        return topic.endswith("/status") or self.refusals.on_trial(topic)

    def _refused(self, item: _UnderWay, reason: str) -> None:
        if reason == TOO_LARGE:
            self._sizes.refused(item.size)
            return
        if self.refusals.refuse(EVERYTHING if reason in WHOLE_BROKER else item.topic, reason):
            log.warning("the broker does not deliver %s: %s", item.topic, reason)

    def _trial(self) -> tuple[bool, int | None]:
        """Return whether one record may go that is larger than was learned, and which it must be; None is any.

        The smallest is tried, for if the broker has come to take more at all, it takes that one.
        """
        if any(self._sizes.exceeds(item.size) for item in self._under_way.values()):
            return False, None
        likely = {place: size for place, size in self._too_large.items() if self._sizes.on_trial(size)}
        return True, min(likely, key=lambda place: likely[place], default=None)

    def _fit(self, envelope: Envelope, *, trial: bool) -> Envelope | None:
        """Return a record with as many pictures as the broker takes, or now and then more, to try."""
        if self._sizes.fits(packet_size(envelope)):
            return envelope
        forms = [envelope, *(envelope.stripped(kinds=kinds) for kinds in (frozenset({"overview"}), None))]
        tries = [form for form in forms if trial and self._sizes.on_trial(packet_size(form))]
        fitting = tries[-1:] or [form for form in forms if self._sizes.fits(packet_size(form))]
        if fitting:
            self.pictures_left_out += fitting[0] is not envelope
            return fitting[0]
        if _place(envelope) not in self._too_large:
            log.error("a record of %d bytes is larger than the broker takes", len(envelope.body))
        self._too_large[_place(envelope)] = packet_size(forms[-1])
        return None


def kind(topic: str) -> str:
    """Return the kind of records on a topic: `alpr/v1/demo/post-1/hit/felony` -> `hit`."""
    return topic.split("/")[4]


def packet_size(envelope: Envelope) -> int:
    """Return a bound of the bytes that a record's PUBLISH packet has."""
    return len(envelope.body) + len(envelope.topic) + PACKET_OVERHEAD


def expiry_seconds(envelope: Envelope, *, now: datetime, reads: int | None = None) -> int | None:
    """Return how long the broker may keep a record for absent subscribers, `reads` of a read; None is forever."""
    if envelope.expires is None:
        return reads if envelope.type == TYPES[Read] else None
    left = int((envelope.expires - now).total_seconds())
    return min(max(LEAST_EXPIRY_SECONDS, left), MOST_EXPIRY_SECONDS)


def worth_retaining(envelope: Envelope, *, now: datetime) -> bool:
    """Tell whether the broker is to keep a record for later subscribers: a status that is still good.

    One that waited for longer would take the place of what the post has said since.
    """
    if not envelope.retain:
        return False
    valid_seconds = envelope.event["data"].get("valid_seconds")
    return valid_seconds is None or (now - envelope.time).total_seconds() < valid_seconds


def _place(envelope: Envelope) -> int:
    if envelope.place is not None:
        return envelope.place
    if envelope.sequence is None:
        raise ValueError("only chained records wait in the outbox")
    return envelope.sequence
