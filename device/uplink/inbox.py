"""Messages from the broker: each goes to its handler in a thread of its own, and is acknowledged when that is done."""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from paho.mqtt.client import MQTTMessage, topic_matches_sub

log = logging.getLogger(__name__)

MOST_UNASKED = 64
"""Messages of QoS 0 that may wait: the broker holds others back until they are acknowledged, but not these."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message received; `connection` and `mid` say which acknowledgment it awaits."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    retained: bool = False
    """Whether the broker kept it from before the subscription."""
    response_topic: str | None = None
    """Where MQTT 5 says that the answer is wanted."""
    correlation: bytes | None = None
    """What MQTT 5 says that the answer brings back."""

    @classmethod
    def of(cls, message: MQTTMessage, *, connection: int) -> Self:
        """Return what paho received on a connection."""
        properties = message.properties
        return cls(
            connection,
            message.mid,
            message.qos,
            message.topic,
            bytes(message.payload),
            retained=message.retain,
            response_topic=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
        )

    def repeats(self, former: "Delivery") -> bool:
        """Tell whether it is one that a former connection brought, sent again because no acknowledgment came."""
        again = replace(self, connection=former.connection, mid=former.mid) == former
        return again and self.qos > 0 and self.connection != former.connection


Handler = Callable[[Delivery], None]


class Inbox:
    """Runs handlers, by topic filter, one after the other, outside the thread of the network.

    A retained message that equals the last one handled on its topic is not handled again: it comes back at every new
    subscription. What a handler raises is logged and ends there; the message counts as handled all the same, since
    it would be no better the next time.

    What the broker sends again after a lost connection takes the place of what waits here, so that no more waits than
    the broker may send unacknowledged.
    """

    def __init__(self, handlers: Mapping[str, Handler], *, handled: Callable[[Delivery], None]) -> None:
        self._handlers = dict(handlers)
        self._handled = handled
        self._waiting: deque[Delivery | None] = deque()
        self._came = threading.Condition()
        self._last: dict[str, bytes] = {}
        self._thread = threading.Thread(target=self._run, name="uplink-inbox", daemon=True)

    def handle(self, topic: str, handler: Handler) -> None:
        """Have what comes on a topic handled from now on, even if it was handled before; from any thread."""
        self._last.pop(topic, None)
        self._handlers = {**self._handlers, topic: handler}

    def leave(self, topic: str) -> None:
        """Have what comes on a topic no longer handled; from any thread."""
        self._handlers = {other: handler for other, handler in self._handlers.items() if other != topic}
        self._last.pop(topic, None)

    def start(self) -> None:
        """Begin handling."""
        self._thread.start()

    def stop(self, *, timeout: float) -> None:
        """End after the message at work, or after `timeout` seconds."""
        with self._came:
            self._waiting.append(None)
            self._came.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def put(self, delivery: Delivery) -> None:
        """Take a message to handle."""
        with self._came:
            if delivery.qos == 0 and len(self._waiting) >= MOST_UNASKED:
                return
            for place, former in enumerate(self._waiting):
                if former is not None and delivery.repeats(former):
                    self._waiting[place] = delivery
                    return
            self._waiting.append(delivery)
            self._came.notify()

    def _next(self) -> Delivery | None:
        with self._came:
            self._came.wait_for(lambda: self._waiting)
            return self._waiting.popleft()

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            self._handle(delivery)
            self._handled(delivery)

    def _handle(self, delivery: Delivery) -> None:
        handler = next((h for topic, h in self._handlers.items() if topic_matches_sub(topic, delivery.topic)), None)
        digest = hashlib.sha256(delivery.payload).digest()
        if handler is None or not delivery.payload:
            return
        if delivery.retained and self._last.get(delivery.topic) == digest:
            return
        # Before it is handled: who asks for it again meanwhile, in whatever thread, is to have it handled again.
        if delivery.topic in self._handlers:  # not what a filter matches: there would be no end of topics
            self._last[delivery.topic] = digest
        try:
            handler(delivery)
        except Exception:  # a handler's fault must not end deliveries for good
            log.exception("the handler of %s failed", delivery.topic)
