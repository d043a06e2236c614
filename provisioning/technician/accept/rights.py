"""Whether the broker holds a post to its rights: asked with the post's own certificate, while the post is stopped."""

import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from device import assembly
from device.config import Configuration
from device.records import Purpose, Source, keys_topic
from device.uplink import Broker
from device.uplink.tls import tls_context
from provisioning.errors import ProvisioningError

ANSWER_SECONDS = 10.0
NEIGHBOUR = "acceptance-neighbour"
"""A post that does not exist: whoever may write below it may write below every other."""


def foreign_topics(configuration: Configuration) -> tuple[str, ...]:
    """Return topics that a post must not be able to write."""
    own = Source(configuration.post.agency, configuration.post.name)
    neighbour = Source(configuration.post.agency, NEIGHBOUR)
    others = (neighbour.topic("status"), neighbour.topic("read"))
    return (*others, own.configuration, own.command("restart"), keys_topic(own.agency, Purpose.LISTS))


def refused(configuration: Configuration, topic: str) -> bool:
    """Say whether the first broker refuses that the post writes a topic: by an answer, or by hanging up.

    An empty message that is not retained is offered; even a broker that takes it has nothing to keep.

    Raises:
        ProvisioningError: the broker cannot be reached or does not answer.

    """
    return _Offer(configuration).make(topic)


class _Offer:
    def __init__(self, configuration: Configuration) -> None:
        self._settings = assembly.uplink_settings(configuration)
        self._broker = Broker.parse(configuration.uplink.brokers[0])
        self._happened = threading.Condition()
        self._connected: bool | None = None
        self._answer: bool | None = None

    def make(self, topic: str) -> bool:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self._settings.client_id, protocol=mqtt.MQTTv5)
        client.tls_set_context(tls_context(self._settings))
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        try:
            client.connect(self._broker.host, self._broker.port)
        except OSError as error:
            raise ProvisioningError(f"broker {self._broker}: {error}") from error
        client.loop_start()
        try:
            self._until("_connected")
            if not self._connected:
                raise ProvisioningError(f"broker {self._broker} does not let the post in")
            client.publish(topic, b"", qos=1)
            self._until("_answer")
            if self._answer is None:
                raise ProvisioningError(f"broker {self._broker} does not answer")
            return self._answer
        finally:
            client.disconnect()
            client.loop_stop()

    def _until(self, name: str) -> None:
        with self._happened:
            self._happened.wait_for(lambda: getattr(self, name) is not None, ANSWER_SECONDS)

    def _tell(self, name: str, *, value: bool) -> None:
        with self._happened:
            if getattr(self, name) is None:
                setattr(self, name, value)
            self._happened.notify_all()

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: ReasonCode, _more: object) -> None:
        self._tell("_connected", value=not reason.is_failure)

    def _on_publish(self, _client: object, _data: object, _mid: int, reason: ReasonCode, _more: object) -> None:
        self._tell("_answer", value=reason.is_failure)

    def _on_disconnect(self, *_all: object) -> None:
        if self._connected:
            self._tell("_answer", value=True)
        else:
            self._tell("_connected", value=False)
