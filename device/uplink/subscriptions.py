"""What the post subscribes to, and what of it the broker refuses.

Some brokers hang up after refusing a subscription (RabbitMQ does). So a refused one is left out of the next connections
for a while: a right that is missing must not keep records from being delivered.
"""

import logging
from collections import deque
from collections.abc import Sequence

from platepost.device.uplink.connection import BrokerConnection
from platepost.device.uplink.refusals import Refusals

log = logging.getLogger(__name__)


class Subscriptions:
    """Subscribes, remembers refusals, tries again. One thread drives it, except `refused`, `want` and `leave`."""

    def __init__(self, topics: Sequence[str], refusals: Refusals) -> None:
        self._topics = tuple(topics)
        self._refusals = refusals
        self._optional: frozenset[str] = frozenset()
        self._small: frozenset[str] = frozenset()
        self._asked: set[str] = set()
        self._brought: set[str] = set()
        """Topics whose retained message the broker need not send again: it came, or will."""
        self._in_session: set[str] = set()
        """What the broker may be subscribed to for the post: a session outlives its connections."""
        self._changes: deque[tuple[str, bool]] = deque()

    @property
    def refused(self) -> tuple[str, ...]:
        """Topics that the broker does not let the post subscribe to, each with the reason; only those still wanted.

        The wait of one that is no longer wanted goes on: it may be wanted again at the next connection, and hung up at.
        """
        topics = self._topics
        return tuple(f"{refusal.topic} {refusal.reason}" for refusal in self._refusals.all() if refusal.topic in topics)

    def want(self, topic: str, *, optional: bool = False, small: bool = False) -> None:
        """Subscribe to a topic from now on, and have what the broker retains there sent, even if it was before.

        An `optional` one is given up at the first refusal, and it is no fault. What is retained on a `small` one is
        asked for at every connection until something has come: RabbitMQ 4 keeps nothing of it in the session where the
        connection breaks on the way, and sends it again unasked once at most. mosquitto sends it twice then.
        """
        if optional:
            self._optional |= {topic}
        if small:
            self._small |= {topic}
        self._changes.append((topic, True))

    def leave(self, topic: str) -> None:
        """End a subscription."""
        self._changes.append((topic, False))

    def next_retry(self) -> float | None:
        """Return the seconds until a refused topic is to be tried again, None if none is."""
        return self._refusals.next_retry()

    def begin(self) -> None:
        """Start a new connection: nothing is subscribed to yet."""
        self._asked.clear()

    def came(self, topic: str) -> None:
        """Note that something has come on a topic."""
        if topic in self._small:  # of what a filter matches there is no end
            self._brought.add(topic)

    def fill(self, connection: BrokerConnection) -> None:
        """Ask for what has not been asked for on this connection, and is not held back."""
        while self._changes:
            self._change(connection, *self._changes.popleft())
        held = self._refusals.held()
        for topic in self._topics:
            if topic not in self._asked and topic not in held and connection.end is None:
                connection.subscribe(topic, retained_again=topic not in self._brought)
                self._asked.add(topic)
                self._in_session.add(topic)

    def settle(self, connection: BrokerConnection) -> None:
        """Take the broker's answers."""
        while connection.answered_subscriptions:
            topic, reason = connection.answered_subscriptions.popleft()
            if reason is None:
                if topic not in self._small:
                    self._brought.add(topic)
                self._refusals.accepted(topic)
                continue
            self._asked.discard(topic)
            self._in_session.discard(topic)
            if topic in self._optional:
                self._topics = tuple(other for other in self._topics if other != topic)
                log.warning("the broker refuses the subscription to %s, which is done without: %s", topic, reason)
            elif self._refusals.refuse(topic, reason):
                log.warning("the broker refuses the subscription to %s: %s", topic, reason)

    def _change(self, connection: BrokerConnection, topic: str, wanted: bool) -> None:  # noqa: FBT001 - as it stands in the queue
        self._brought.discard(topic)
        self._topics = tuple(other for other in self._topics if other != topic)
        if wanted:
            self._asked.discard(topic)
            self._topics += (topic,)
        elif topic in self._in_session:
            self._asked.discard(topic)
            self._in_session.discard(topic)
            connection.unsubscribe(topic)
