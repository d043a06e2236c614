"""A person's end of the wire: publish something to a post, and wait for what the post says."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from provisioning.client import secured_client, split_address
from provisioning.errors import ProvisioningError

CONNECT_SECONDS = 10.0
SUBSCRIPTION_REFUSED = 0x80


protocol_option = click.option(
    "--protocol",
    type=click.Choice(["5", "3.1.1"]),
    default="5",
    show_default=True,
    help="Version of MQTT; 3.1.1 for brokers that know no more, such as NATS.",
)


class Wire:
    """One connection with an identity of the fleet, subscribed to some topics.

    Args:
        identity: the folder with certificate, key and root.
        broker: `host:port`.
        topics: what to listen to.
        five: whether the broker knows MQTT 5; 3.1.1 is spoken otherwise.

    Raises:
        ProvisioningError: the identity cannot be read, or the broker is not `host:port`.

    """

    def __init__(self, identity: Path, broker: str, topics: Sequence[str], *, five: bool = True) -> None:
        self._broker = broker
        self._five = five
        self._address = split_address(broker)
        self._topics = [(topic, 1) for topic in topics]
        self._changed = threading.Condition()
        self._heard: list[tuple[str, bytes]] = []
        self._problem: str | None = None
        self._ready = False
        self._published: dict[int, ReasonCode] = {}
        self._client = secured_client(identity, five=five)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise ProvisioningError(f"broker {self._broker}: {error}") from error
        self._client.loop_start()
        if not self._until(lambda: self._ready, CONNECT_SECONDS):
            self.__exit__(None, None, None)
            raise ProvisioningError(f"broker {self._broker}: {self._problem or 'no answer'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(
        self,
        topic: str,
        message: bytes,
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        expiry_seconds: int | None = None,
    ) -> None:
        """Publish, and wait until the broker has it.

        Raises:
            ProvisioningError: the broker refuses it or does not answer.

        """
        properties = Properties(PacketTypes.PUBLISH) if self._five else None  # type: ignore[no-untyped-call]
        asked = {
            "ResponseTopic": response_topic,
            "CorrelationData": correlation,
            "MessageExpiryInterval": expiry_seconds,
        }
        for name, value in asked.items() if properties is not None else ():
            if value is not None:
                setattr(properties, name, value)
        mid = self._client.publish(topic, message, qos=1, retain=retain, properties=properties).mid
        if not self._until(lambda: mid in self._published, CONNECT_SECONDS):
            raise ProvisioningError(f"broker {self._broker}: {self._problem or 'no answer to the publication'}")
        if self._published[mid].is_failure:
            raise ProvisioningError(f"broker {self._broker} refuses {topic}: {self._published[mid]}")

    @property
    def heard(self) -> int:
        """How many messages were heard so far."""
        with self._changed:
            return len(self._heard)

    def wait(self, wanted: Callable[[str, bytes], bool], seconds: float, *, since: int = 0) -> bytes | None:
        """Return the first message, heard already or still to come, that is wanted; None if none comes in time.

        The first `since` messages are left out.
        """
        found: list[bytes] = []
        seen = since

        def look() -> bool:
            nonlocal seen
            for topic, payload in self._heard[seen:]:
                seen += 1
                if wanted(topic, payload):
                    found.append(payload)
                    return True
            return False

        self._until(look, seconds)
        return found[0] if found else None

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._problem is not None, max(0.0, end - time.monotonic()))
            return condition()

    def _tell(self, problem: str | None = None) -> None:
        with self._changed:
            self._problem = problem or self._problem
            self._changed.notify_all()

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._tell(f"it refuses this client: {reason}")
        else:
            client.subscribe(self._topics)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        refused = [topic for (topic, _), reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        self._ready = not refused
        self._tell(f"it refuses the topics {', '.join(refused)}" if refused else None)

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._published[mid] = reason
            self._changed.notify_all()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._changed:
            self._heard.append((message.topic, bytes(message.payload)))
            self._changed.notify_all()


def data_of(payload: bytes) -> dict[str, Any]:
    """Return the `data` of an event; nothing of what is none."""
    try:
        data = json.loads(payload)["data"]
    except (ValueError, KeyError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}
