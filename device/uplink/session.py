"""What goes over one connection after another: records out, subscriptions, and how each broker took it."""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from platepost.device.clock.clock import SYSTEM
from platepost.device.uplink.brokers import Backoff, Brokers
from platepost.device.uplink.connection import BrokerConnection
from platepost.device.uplink.in_flight import InFlight, packet_size
from platepost.device.uplink.refusals import Refusals
from platepost.device.uplink.resends import Resends, Sending
from platepost.device.uplink.settings import UplinkSettings, UplinkTiming
from platepost.device.uplink.subscriptions import Subscriptions
from platepost.wire.records import Envelope

MOST = 4
"""How many may wait for the network's thread; the oldest gives way."""
ANSWER_SECONDS = 300
"""How long the broker keeps an answer for an operator who is away."""


LASTED_SECONDS = 10.0
"""A connection that lasted so long was a success, even if there was nothing to deliver."""


class Ephemeral:
    """What is sent if there is a connection, and never kept: health, repeats of the status, answers to commands.

    Any thread adds records; the network's thread sends them.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Envelope, int | None]] = deque(maxlen=MOST)

    def put(self, envelope: Envelope, *, expiry_seconds: int | None = None) -> None:
        """Take one to send; the broker forgets it after `expiry_seconds`, an answer by default after five minutes."""
        self._waiting.append((envelope, expiry_seconds or (ANSWER_SECONDS if envelope.qos else None)))

    def fill(self, connection: BrokerConnection) -> None:
        """Send what waits, except what is too large for the broker."""
        while self._waiting and connection.end is None:
            envelope, expiry_seconds = self._waiting.popleft()
            if connection.maximum_packet_size is None or packet_size(envelope) <= connection.maximum_packet_size:
                connection.publish(envelope, expiry_seconds=expiry_seconds)

    def clear(self) -> None:
        """Forget what waits: the connection is over."""
        self._waiting.clear()


class MqttSession:
    """Sends, subscribes, and remembers from one connection to the next. One thread drives it.

    Args:
        settings: brokers and patience.
        outbox: what to deliver.
        topics: what to subscribe to.
        timing: timing that is not configured, and the window.
        draw: draws between two bounds how long the post waits.
        utc: the time by which records expire.

    """

    def __init__(
        self,
        settings: UplinkSettings,
        outbox: Sending,
        topics: Sequence[str] = (),
        *,
        timing: UplinkTiming,
        draw: Callable[[float, float], float] = random.uniform,
        utc: Callable[[], datetime] = SYSTEM.utc,
    ) -> None:
        def refusals() -> Refusals:
            return Refusals(first=timing.first_refusal_wait_seconds, most=timing.max_refusal_wait_seconds)

        self.brokers = Brokers(
            settings.endpoints,
            backoff=Backoff(first=settings.reconnect_seconds, most=timing.max_backoff_seconds, draw=draw),
            refusals=refusals(),
            preferred_broker_check_seconds=timing.preferred_broker_check_seconds,
            draw=draw,
        )
        self.in_flight = InFlight(
            outbox,
            refusals(),
            window=timing.max_unacknowledged,
            optional_receivers=settings.optional_receivers,
            read_expiry_seconds=round(settings.read_expiry_hours * 3600),
            utc=utc,
        )
        self.resends = Resends(outbox, timing)
        self.subscriptions = Subscriptions(topics, refusals())
        self._began = 0.0

    def begin(self) -> None:
        """Start with a connection that the current broker has accepted."""
        self._began = time.monotonic()
        self.brokers.connected()
        self.in_flight.begin(str(self.brokers.current))
        self.resends.begin(str(self.brokers.current))
        self.subscriptions.begin()

    def fill(self, connection: BrokerConnection) -> None:
        """Subscribe, and send what the window allows."""
        self.subscriptions.fill(connection)
        self.resends.poll()
        self.in_flight.fill(connection)

    def settle(self, connection: BrokerConnection) -> None:
        """Take the broker's answers."""
        self.in_flight.settle(connection)
        self.subscriptions.settle(connection)

    def due(self) -> float | None:
        """Return in how many seconds there is something to do, if nothing comes before; None if nothing is."""
        due = (self.in_flight.refusals.next_retry(), self.resends.due(), self.subscriptions.next_retry())
        return min((seconds for seconds in due if seconds is not None), default=None)

    def end(self, lost: str | None) -> None:
        """Leave a connection that is over: why it was lost, or None if the post ended it."""
        if lost is not None:
            self.in_flight.lost(lost)
        if self.in_flight.answered:
            self.brokers.answered()
        if self.in_flight.answered or time.monotonic() - self._began > LASTED_SECONDS:
            self.brokers.delivered()
        self.in_flight.end()
