"""What the broker sends to the post: handed to its handler in a thread of its own, acknowledged when that is done."""

import hashlib
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

Handler = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message received; `connection` and `mid` say which acknowledgement it awaits."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes


class Inbox:
    """Runs handlers one after the other, outside the thread of the network.

    A message that equals the last one handled on its topic is not handled again: retained messages come back at every
    new subscription. What a handler raises is logged and ends there; the message counts as handled all the same, since
    it would be no better the next time.
    """

    def __init__(self, handlers: Mapping[str, Handler], *, handled: Callable[[Delivery], None]) -> None:
        self._handlers = dict(handlers)
        self._handled = handled
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._last: dict[str, bytes] = {}
        self._thread = threading.Thread(target=self._run, name="uplink-inbox", daemon=True)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return tuple(self._handlers)

    def start(self) -> None:
        """Begin handling."""
        self._thread.start()

    def stop(self, *, timeout: float) -> None:
        """End after the message at work, or after `timeout` seconds."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def put(self, delivery: Delivery) -> None:
        """Take a message to handle."""
        self._queue.put(delivery)

    def _run(self) -> None:
        while (delivery := self._queue.get()) is not None:
            self._handle(delivery)
            self._handled(delivery)

    def _handle(self, delivery: Delivery) -> None:
        handler = self._handlers.get(delivery.topic)
        digest = hashlib.sha256(delivery.payload).digest()
        if handler is None or not delivery.payload or self._last.get(delivery.topic) == digest:
            return
        try:
            handler(delivery.payload)
        except Exception:  # a handler's fault must not end deliveries for good
            log.exception("the handler of %s failed", delivery.topic)
        self._last[delivery.topic] = digest
