"""A department's end of the wire: receives every record of an agency, archives it, and proves that it is whole.

A message is acknowledged only once its record is on disk, so that a subscriber that is killed misses nothing: the
broker keeps its session and sends again what was not acknowledged. The same record sent again is counted, not kept.
"""

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from platepost.common.signals import wait_for
from platepost.provisioning.connection import secured_client, split_address
from platepost.simulator.errors import SubscriberError
from platepost.wire.records.topics import ROOT

logger = logging.getLogger(__name__)

TOPICS = ("read", "hit/+", "status", "audit", "health")
SESSION_SECONDS = 24 * 3600
"""How long the broker keeps what waits for a subscriber that is away."""
END_SECONDS = 20.0
"""For what is being archived when it stops."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One record as it arrived for the first time."""

    topic: str
    event: dict[str, Any]
    received: datetime
    """UTC, when it arrived."""

    @property
    def kind(self) -> str:
        """What the record is, such as `platepost.hit.v1`."""
        return str(self.event.get("type", ""))

    @property
    def data(self) -> dict[str, Any]:
        """The record itself."""
        data = self.event.get("data")
        return data if isinstance(data, dict) else {}


class ConnectionListener(Protocol):
    """Is told when a subscriber begins to hear the broker, and when it stops."""

    def __call__(self, *, connected: bool) -> None:
        """Take note of it."""
        ...


class Subscriber:
    """Receives the records of all posts of an agency into an archive of JSON lines, one event a line.

    `listeners` are called with each arrival, in the order of arrival, in the thread of the network: they must be quick.
    """

    def __init__(
        self,
        identity: Path,
        *,
        agency: str,
        broker: str,
        archive: Path,
        keep_repeats: bool = False,
        remember: int | None = None,
        on_connection: ConnectionListener | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            identity: the folder with the subscriber's certificate, key and root.
            agency: whose records.
            broker: `host:port`.
            archive: the file to append records to; what it holds already counts as received.
            keep_repeats: archive a record that arrives again a second time, for those who compare the two.
            remember: how many arrivals, and how many identifiers to know a repetition by, are kept in memory; all of
                them where None. A run of days must bound it.
            on_connection: called, in the thread of the network, when it begins to hear the broker and when it stops.

        Raises:
            ProvisioningError: the identity cannot be read, or the broker is not `host:port`.

        """
        self._broker = broker
        self._address = split_address(broker)
        topics = [f"{ROOT}/{agency}/+/{topic}" for topic in TOPICS]
        self._archive_path = archive
        self._keep_repeats = keep_repeats
        self._changed = threading.Condition()
        self._arrivals: deque[Arrival] = deque(maxlen=remember)
        self._ids: dict[str, None] = {}
        self._remember = remember
        self._answer: str | None = None
        self._subscribed = False
        self._on_connection = on_connection
        self.listeners: list[Callable[[Arrival], None]] = []
        self._client = secured_client(identity, manual_ack=True)
        self._client.reconnect_delay_set(min_delay=1, max_delay=4)
        self._client.listen(topics, ready=self._on_granted, refused=self._give_up)
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """What arrived since the start, in the order of arrival."""
        with self._changed:
            return tuple(self._arrivals)

    def start(self, *, timeout: float = 10.0) -> None:
        """Connect, subscribe and return once the broker has granted every topic.

        Raises:
            SubscriberError: the broker cannot be reached, refuses the client, or a topic.

        """
        self._archive_path.parent.mkdir(parents=True, exist_ok=True)
        if self._archive_path.is_file():
            with self._archive_path.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.strip():
                        self._know(str(json.loads(line)["id"]))
        self._archive = self._archive_path.open("ab")
        try:
            self._client.connect_to(*self._address, session_seconds=SESSION_SECONDS, seconds=timeout)
        except OSError as error:
            self._archive.close()
            raise SubscriberError(f"broker {self._broker}: {error}") from error
        self._client.loop_start()
        if not self._wait(lambda: self._subscribed or self._answer is not None, timeout):
            self.stop()
            raise SubscriberError(f"broker {self._broker}: no answer within {timeout:.0f} s")
        if self._answer is not None:
            self.stop()
            raise SubscriberError(f"broker {self._broker}: {self._answer}")

    def stop(self) -> None:
        """Disconnect; the broker keeps the session, and what arrives meanwhile waits there."""
        self._client.end(seconds=END_SECONDS)
        self._archive.close()

    def wait_for(self, condition: Callable[[tuple[Arrival, ...]], bool], *, timeout: float) -> bool:
        """Wait until the arrivals fulfill a condition; return whether they did within `timeout` seconds."""
        return self._wait(lambda: condition(tuple(self._arrivals)), timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        return wait_for(self._changed, condition, timeout)

    def _on_granted(self) -> None:
        with self._changed:
            self._subscribed = True
            self._changed.notify_all()
        if self._on_connection is not None:
            self._on_connection(connected=True)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, _reason: ReasonCode, _properties: object
    ) -> None:
        if self._on_connection is not None:
            self._on_connection(connected=False)

    def _give_up(self, answer: str) -> None:
        with self._changed:
            self._answer = answer
            self._changed.notify_all()

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        received = datetime.now(UTC)
        arrival = self._keep(message, received)
        client.ack(message.mid, message.qos)
        if arrival is None:
            return
        with self._changed:
            self._arrivals.append(arrival)
            self._changed.notify_all()
        for listener in self.listeners:
            listener(arrival)

    def _know(self, identifier: str) -> None:
        self._ids[identifier] = None
        if self._remember is not None and len(self._ids) > self._remember:
            del self._ids[next(iter(self._ids))]

    def _keep(self, message: mqtt.MQTTMessage, received: datetime) -> Arrival | None:
        try:
            event = json.loads(message.payload)
            identifier = event["id"]
        except (ValueError, KeyError, TypeError):
            logger.warning("a message on %s is not an event", message.topic)
            return None
        repeated = identifier in self._ids
        if repeated and not self._keep_repeats:
            return None
        self._archive.write(message.payload.replace(b"\n", b" ") + b"\n")
        self._archive.flush()
        os.fsync(self._archive.fileno())
        if repeated:
            return None
        self._know(identifier)
        return Arrival(topic=message.topic, event=event, received=received)
