"""One connection to one broker, from CONNECT to its end: driven by the uplink's own thread.

A new client is made for every connection. Nothing is resent by the library: what was not acknowledged is still in
the outbox, so a publication that makes a broker hang up cannot be repeated without the uplink's knowledge.
"""

import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import LogLevel, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.reasons import NOBODY, reason_name
from platepost.device.uplink.settings import BrokerAddress, UplinkSettings
from platepost.wire.mqtt import MqttClient, properties_of
from platepost.wire.records import Envelope
from platepost.wire.records.envelope import CONTENT_TYPE
from platepost.wire.tls import peer_expires, tls_problem

RECEIVE_MOST = 8
"""Messages that the broker may send without the post's acknowledgment: with the size below, what they may take."""
PACKAGE_MOST_BYTES = 64 * 1024 * 1024
"""The largest message that the broker may send to the post."""
log = logging.getLogger(__name__)
_DISCONNECT_WITH_WILL = 0x04


class Waker:
    """Becomes readable when it is woken: for `select` and `poll`, beside sockets."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        """Return the file descriptor to wait for."""
        return self._out.fileno()

    def wake(self) -> None:
        """Wake the thread that waits, or have it not wait next time; from any thread. Never raises."""
        try:
            self._in.send(b"\0")
        except (BlockingIOError, InterruptedError):
            return  # already awake
        except OSError:
            log.debug("woken after its end")

    def drain(self) -> None:
        """Read away what woke the thread."""
        try:
            while self._out.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            return

    def close(self) -> None:
        """Close both ends; to be woken from now on does nothing."""
        self._out.close()
        self._in.close()


def will_properties() -> Properties:
    """Return those of the will, which the broker publishes when the connection ends without a farewell.

    Without delay, and without saying so. RabbitMQ 4 keeps a delayed will in a queue of the node that took it, and while
    that node is down lets the client in at no other; of RabbitMQ 4.0 a retained will that says 0 ends the connection of
    anyone who subscribes to it (rabbit_mqtt_packet:serialise_prop knows no Will-Delay-Interval).
    """
    return publish_properties(PacketTypes.WILLMESSAGE, expiry_seconds=None)


def publish_properties(packet: int, *, expiry_seconds: int | None, correlation: bytes | None = None) -> Properties:
    """Return those of a record, for a publication or a will."""
    return properties_of(
        packet,
        ContentType=CONTENT_TYPE,
        PayloadFormatIndicator=1,
        MessageExpiryInterval=expiry_seconds,
        CorrelationData=correlation,
    )


class BrokerConnectionError(ConnectionError):
    """The broker did not accept the connection, or ended it; `reason` names why."""

    def __init__(self, reason: str, detail: str = "", *, reference: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.reference = reference
        """The server that the broker referred to, if it did."""


class BrokerConnection:
    """One connection. Not thread-safe: one thread drives it."""

    def __init__(
        self,
        settings: UplinkSettings,
        broker: BrokerAddress,
        context: ssl.SSLContext,
        *,
        client_id: str,
        keepalive_seconds: int,
        number: int,
        will: Envelope,
        received: Callable[[Delivery], None],
    ) -> None:
        self.number = number
        self.broker = broker
        self.answers: deque[tuple[int, str | None]] = deque()
        """Packet identifiers acknowledged, each with the reason if it was refused or reached no one."""
        self.answered_subscriptions: deque[tuple[str, str | None]] = deque()
        """Topics subscribed to, each with the reason if it was refused."""
        self.closed = False
        """Whether the post ended the connection of its own accord."""
        self.end: str | None = None
        """Why the connection ended; None while it lives."""
        self.reference: str | None = None
        """The server that the broker referred to when it refused or ended the connection."""
        self.certificate_expires: datetime | None = None
        """When the broker's certificate ends; None before it was seen."""
        self.receive_maximum = 65535
        self.maximum_packet_size: int | None = None
        self._settings = settings
        self._keepalive_seconds = keepalive_seconds
        self._received = received
        self._accepted: ReasonCode | None = None
        self._missing: str | None = None
        self._last_error = ""
        self._subscriptions: dict[int, str] = {}
        self._client = self._make_client(client_id, context, will)

    # --- life

    def open(self, *, timeout: float) -> None:
        """Connect and wait for the broker's answer.

        Raises:
            OSError: the broker cannot be reached, or TLS failed.
            BrokerConnectionError: the broker refused.

        """
        deadline = time.monotonic() + timeout
        self._client.connect_to(
            self.broker.host,
            self.broker.port,
            session_seconds=self._settings.session_seconds,
            receive_most=RECEIVE_MOST,
            packet_most_bytes=PACKAGE_MOST_BYTES,
            keepalive_seconds=self._keepalive_seconds,
            seconds=timeout,
        )
        secured = self._client.secured
        self.certificate_expires = None if secured is None else peer_expires(secured)
        while self._accepted is None and self.end is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BrokerConnectionError("timeout", "no answer to CONNECT")
            self.turn(timeout=left)
        if self._accepted is None:
            raise BrokerConnectionError(
                tls_problem(self._last_error) if self._last_error else "closed_before_answer", self._last_error
            )
        if self._accepted.is_failure:
            raise BrokerConnectionError(reason_name(self._accepted), reference=self.reference)
        if self._missing is not None:
            raise BrokerConnectionError(self._missing, "the broker lacks features that records need")

    def turn(self, *, timeout: float, wake: Waker | None = None) -> None:
        """Wait up to `timeout` seconds for the network or for `wake`, and do what is due."""
        if self._client.secured is None:
            self._ended("closed")
        elif not self._client.turn(timeout, wake=wake):
            self._ended("connection_lost")

    def close(self, *, with_will: bool = False) -> None:
        """Disconnect; `with_will` has the broker publish the will nonetheless. Never raises."""
        self.closed = True
        try:
            if self._client.socket() is not None:
                goodbye = ReasonCode(PacketTypes.DISCONNECT, identifier=_DISCONNECT_WITH_WILL) if with_will else None
                self._client.disconnect(reasoncode=goodbye)
                deadline = time.monotonic() + 1.0
                while self._client.want_write() and time.monotonic() < deadline:
                    self._client.loop_write()
        except OSError as error:
            log.debug("disconnecting: %s", error)
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once. Never raises."""
        connection = self._client.secured
        if connection is not None:
            try:
                connection.close()
            except OSError as error:
                log.debug("closing: %s", error)
        self._ended("closed")

    def fileno(self) -> int:
        """Return the connection's file descriptor, for a program that waits for many at a time; -1 if it is gone."""
        connection = self._client.secured
        return -1 if connection is None else connection.fileno()

    @property
    def pending(self) -> bool:
        """Whether bytes have come that are decrypted already, of which no file descriptor tells."""
        return self._client.pending

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._client.want_write())

    # --- out

    def publish(self, envelope: Envelope, *, expiry_seconds: int | None, retain: bool | None = None) -> int | None:
        """Send one record; return its packet identifier, or None if the connection is gone.

        The broker retains it if `retain` says so, by default what is retained of its kind.
        """
        info = self._client.publish(
            envelope.topic,
            envelope.body,
            qos=envelope.qos,
            retain=envelope.retain if retain is None else retain,
            properties=publish_properties(
                PacketTypes.PUBLISH, expiry_seconds=expiry_seconds, correlation=envelope.correlation
            ),
        )
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended("connection_lost")
            return None
        return info.mid

    def subscribe(self, topic: str, *, retained_again: bool) -> None:
        """Subscribe at QoS 1; `retained_again` asks for the retained message even of an old subscription."""
        handling = (
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained_again else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
        )
        code, mid = self._client.subscribe(topic, options=SubscribeOptions(qos=1, retainHandling=handling))
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended("connection_lost")
        elif mid is not None:
            self._subscriptions[mid] = topic

    def unsubscribe(self, topic: str) -> None:
        """End a subscription."""
        code, _ = self._client.unsubscribe(topic)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._ended("connection_lost")

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that a message it sent has been handled."""
        if delivery.connection == self.number and self.end is None and delivery.qos > 0:
            self._client.ack(delivery.mid, delivery.qos)

    # --- paho's callbacks, all in the driving thread

    def _make_client(self, client_id: str, context: ssl.SSLContext, will: Envelope) -> MqttClient:
        client = MqttClient(client_id, context, manual_ack=True, reconnect=False)
        client.max_inflight_messages_set(0)  # the uplink keeps the window
        client.will_set(will.topic, will.body, qos=1, retain=True, properties=will_properties())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_log = self._on_log
        return client

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, userdata, flags
        self._accepted = reason
        self.receive_maximum = getattr(properties, "ReceiveMaximum", self.receive_maximum)
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        self.reference = getattr(properties, "ServerReference", None)
        if getattr(properties, "MaximumQoS", 2) < 1:
            self._missing = "qos_not_supported"
        elif not getattr(properties, "RetainAvailable", 1):
            self._missing = "retain_not_supported"

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del client, userdata
        self.reference = getattr(properties, "ServerReference", None) or self.reference
        if flags.is_disconnect_packet_from_server:
            self._ended(reason_name(reason))
        else:
            self._ended("connection_lost")

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, userdata, properties
        name = reason_name(reason)
        self.answers.append((mid, name if reason.is_failure or name == NOBODY else None))

    def _on_subscribe(
        self, client: Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        del client, userdata, properties
        topic = self._subscriptions.pop(mid, "")
        refused = next((reason_name(reason) for reason in reasons if reason.is_failure), None)
        self.answered_subscriptions.append((topic, refused))

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        del client, userdata
        self._received(Delivery.of(message, connection=self.number))

    def _on_log(self, client: Client, userdata: object, level: int, text: str) -> None:
        del client, userdata
        if level == LogLevel.MQTT_LOG_ERR:
            self._last_error = text

    def _ended(self, reason: str) -> None:
        if self.end is None:
            self.end = reason
