"""A client of the department's: MQTT over mutual TLS 1.3 with an identity folder that the fleet wrote.

`secured_client` makes one for anyone who needs no more; a `Connection` publishes, waits for the broker's answers, and
for what posts say.
"""

import json
import re
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.x509.oid import NameOID
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from platepost.common.signals import Stopped, wait_for
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE
from platepost.provisioning.trust.passphrase import PERSONAL_PASSPHRASE
from platepost.wire.mqtt import MqttClient, properties_of

ANSWER_SECONDS = 10.0
SLOWEST_LINE = 20_000
"""Bytes a second of a message's way to the broker; a package of a million plates is some tens of megabytes."""

_TOO_LARGE = frozenset({0x95, 0x97})
"""MQTT 5, 2.4: packet too large, quota exceeded."""

_Found = TypeVar("_Found")


class TooLargeError(ProvisioningError):
    """The broker takes no message of that size."""


def split_address(address: str) -> tuple[str, int]:
    """Split `host:port`, or `[IPv6]:port`.

    Raises:
        ProvisioningError: it is not of that form.

    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ProvisioningError(f"{address!r}: expected host:port")
    try:
        host.encode("idna")  # as each connection will
    except UnicodeError as error:
        raise ProvisioningError(f"{address!r}: expected host:port, and that can be no host") from error
    return host, int(port)


def secured_client(folder: Path, *, manual_ack: bool = False) -> MqttClient:
    """Make a client, not yet connected, with the identity in `folder`: its root, certificate and key.

    The broker's certificate is verified against the fleet's root, and its name checked. `manual_ack` leaves it to the
    caller to acknowledge each message.

    Raises:
        ProvisioningError: a file of the identity is missing or damaged.

    """
    try:
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        # Asked for only where the key is sealed.
        phrase = lambda: PERSONAL_PASSPHRASE.passphrase(str(folder))  # noqa: E731
        context.load_cert_chain(folder / CERTIFICATE_FILE, folder / KEY_FILE, password=phrase)
    except (OSError, ValueError) as error:
        raise ProvisioningError(f"{folder}: not the folder of a client's identity ({error})") from error
    name = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return MqttClient(name, context, manual_ack=manual_ack)


class Connection:
    """A connection that is opened on entering the context and closed on leaving it.

    Subscriptions are made again when the connection had to be. The broker keeps nothing of it once it is closed.

    Args:
        identity: the folder with the client's certificate, key and root; or a client, not yet connected.
        broker: `host:port`.
        topics: filters to subscribe to, QoS 1.
        listener: called with the topic and payload of each message, in the network's thread: it must be quick. Without
            one all messages are kept, for `wait`.

    Raises:
        ProvisioningError: the identity cannot be read, or the broker is not `host:port`.

    """

    def __init__(
        self,
        identity: Path | MqttClient,
        *,
        broker: str,
        topics: Sequence[str] = (),
        listener: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self.broker = broker
        self.largest_packet: int | None = None
        """Bytes of the largest packet that the broker takes; None where it set no limit."""
        self._address = split_address(broker)
        self._topics = tuple(topics)
        self._listener = listener or self._keep
        self._changed = threading.Condition()
        self._answer: ReasonCode | None = None
        self._ended: ReasonCode | None = None
        self._granted: list[ReasonCode] | None = None
        self._acknowledged: dict[int, ReasonCode] = {}
        self._received: list[tuple[str, bytes]] = []
        self._latest: dict[tuple[str, str], int] = {}
        """By topic and chain: the highest number of a status that came."""
        self._client = secured_client(identity) if isinstance(identity, Path) else identity
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connect and subscribe.

        Raises:
            ProvisioningError: the broker cannot be reached, refuses the client, or a topic.

        """
        self._connect()
        self._client.loop_start()
        try:
            answer = self._wait(lambda: self._answer, ANSWER_SECONDS, f"connecting to {self.broker}")
            _accepted(answer, f"connecting to {self.broker}")
            if self._topics:
                granted = self._wait(lambda: self._granted, ANSWER_SECONDS, "subscribing")
                for topic, reason in zip(self._topics, granted, strict=True):
                    _accepted(reason, f"subscribing to {topic}")
        except (ProvisioningError, Stopped):
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; may be called again."""
        self._client.end()

    @property
    def certificate(self) -> x509.Certificate | None:
        """What the broker shows; None where the connection is gone."""
        secured = self._client.secured
        shown = None if secured is None else secured.getpeercert(binary_form=True)
        return None if not shown else x509.load_der_x509_certificate(shown)

    def publish(
        self,
        topic: str,
        message: bytes,
        *,
        retain: bool,
        expiry_seconds: int | None = None,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Publish, QoS 1, and wait until the broker has it.

        Args:
            topic: where.
            message: what; empty takes away what is retained there.
            retain: whether the broker keeps it for those who come later.
            expiry_seconds: after which the broker forgets it.
            response_topic: where an answer is awaited.
            correlation: what an answer is to be known by.
            seconds: how long the broker may take to answer, besides the time that a large message is on its way.

        Raises:
            ProvisioningError: the broker does not answer, or refuses the message.

        """
        what = f"publishing to {topic}"
        properties = properties_of(
            PacketTypes.PUBLISH,
            MessageExpiryInterval=expiry_seconds,
            ResponseTopic=response_topic,
            CorrelationData=correlation,
        )
        number = self._client.publish(topic, message, qos=1, retain=retain, properties=properties).mid
        seconds += len(message) / SLOWEST_LINE
        _accepted(self._wait(lambda: self._acknowledged.pop(number, None), seconds, what), what)

    def is_refused(self, topic: str) -> bool:
        """Tell whether the broker refuses that this client writes a topic: by an answer, or by hanging up.

        An empty message that is not retained is offered; even a broker that takes it has nothing to keep.

        Raises:
            ProvisioningError: the broker does not answer.

        """
        number = self._client.publish(topic, b"", qos=1).mid
        answered = self._wait(
            lambda: self._acknowledged.get(number) or self._ended, ANSWER_SECONDS, f"publishing to {topic}"
        )
        return self._ended is not None or answered.is_failure

    @property
    def received(self) -> int:
        """How many messages were kept so far."""
        with self._changed:
            return len(self._received)

    def wait(
        self, wanted: Callable[[str, bytes], bool], seconds: float, *, since: int = 0, until_lost: bool = False
    ) -> bytes | None:
        """Return the first message, heard already or still to come, that is wanted; None if none comes in time.

        The first `since` messages are left out. `until_lost` ends it too when the connection was lost; see `was_ended`.
        """
        received: list[bytes] = []
        seen = since

        def look() -> bool:
            nonlocal seen
            for topic, payload in self._received[seen:]:
                seen += 1
                if wanted(topic, payload):
                    received.append(payload)
                    return True
            return until_lost and self._ended is not None

        wait_for(self._changed, look, seconds)
        return received[0] if received else None

    def was_ended(self, *, within: float) -> bool:
        """Tell whether the broker ends the connection within so many seconds, or has."""
        return wait_for(self._changed, lambda: self._ended is not None, within)

    def is_back(self, *, within: float) -> bool:
        """Tell whether the connection stands within so many seconds, or does: one that was lost is made again."""
        return wait_for(self._changed, self._client.is_connected, within)

    def _connect(self) -> None:
        """Connect, in a thread: a broker that takes the connection and is silent would hold this one for a minute.

        Raises:
            ProvisioningError: the broker cannot be reached, or does not answer.

        """
        connected = Future[None]()

        def connect() -> None:
            try:
                self._client.connect_to(*self._address, seconds=ANSWER_SECONDS)
            except Exception as error:  # noqa: BLE001 - raised again below
                connected.set_exception(error)
            else:
                connected.set_result(None)
            with self._changed:
                self._changed.notify_all()

        threading.Thread(target=connect, name=f"connecting to {self.broker}", daemon=True).start()
        if not wait_for(self._changed, connected.done, 2 * ANSWER_SECONDS):
            raise ProvisioningError(f"broker {self.broker}: no answer within {2 * ANSWER_SECONDS:.0f} s")
        try:
            connected.result()
        except OSError as error:
            raise ProvisioningError(f"broker {self.broker}: {error}") from error

    def _wait(self, found: Callable[[], _Found | None], seconds: float, what: str) -> _Found:
        value: _Found | None = None

        def is_over() -> bool:
            nonlocal value
            value = found()
            # A client certificate that is refused shows only when the broker hangs up: TLS 1.3.
            return value is not None or (self._answer is None and self._ended is not None)

        answered = wait_for(self._changed, is_over, seconds)
        if value is not None:
            return value
        if answered:
            raise ProvisioningError(f"{what}: the broker hung up: {self._ended}")
        raise ProvisioningError(f"{what}: no answer within {seconds:.0f} s")

    def _keep(self, topic: str, payload: bytes) -> None:
        with self._changed:
            self._received.append((topic, payload))
            self._changed.notify_all()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if not (message.topic.endswith("/status") and self._is_repeated(message.topic, payload)):
            self._listener(message.topic, payload)

    def _is_repeated(self, topic: str, payload: bytes) -> bool:
        """Tell whether a status is older than one that came: a post sends it again until a receipt comes."""
        try:
            event = json.loads(payload)
            place, number = (topic, str(event["chain"])), int(event["sequence"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return False  # of no chain, or none at all: for anyone who judges it
        latest = self._latest.setdefault(place, number)
        self._latest[place] = max(latest, number)
        return number < latest

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.largest_packet = getattr(properties, "MaximumPacketSize", None)
        if not reason.is_failure and self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        with self._changed:
            self._answer = reason
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._ended = reason
            self._changed.notify_all()

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        with self._changed:
            self._granted = reasons
            self._changed.notify_all()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        with self._changed:
            self._acknowledged[mid] = reason
            self._changed.notify_all()


def data_of(payload: bytes) -> dict[str, Any]:
    """Return the `data` of an event; nothing of what is none."""
    try:
        data = json.loads(payload)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _accepted(reason: ReasonCode, what: str) -> None:
    if reason.value in _TOO_LARGE:
        raise TooLargeError(f"{what}: the broker answered {reason}")
    if reason.is_failure:
        raise ProvisioningError(f"{what}: the broker answered {reason}")
