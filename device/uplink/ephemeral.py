"""What is sent if there is a connection, and never kept: health, repeats of the status, answers to those who ask."""

from collections import deque

from platepost.device.uplink.connection import BrokerConnection
from platepost.device.uplink.in_flight import packet_size
from platepost.wire.records import Envelope

MOST = 4
"""How many may wait for the network's thread; the oldest gives way."""
ANSWER_SECONDS = 300
"""How long the broker keeps an answer for an operator who is away."""


class Ephemeral:
    """Takes such records from any thread, and sends them in the network's."""

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
