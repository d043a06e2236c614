"""The client of MQTT 5 over mutual TLS by which posts, custodians and an office's tools reach a broker: paho's.

Its network runs in a thread of its own (`loop_start`), or is driven by the caller's thread: `turn` for one client,
`wait_for_any` for many. Never both.
"""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 30
END_SECONDS = 2.0
"""For the end of the network's thread."""
HALF_OPEN_MILLISECONDS = 20_000
"""How long sent bytes may stay without the peer's TCP acknowledgment."""


class Wake(Protocol):
    """Becomes readable when a thread that waits for the network is to do something else."""

    def fileno(self) -> int:
        """Return the file descriptor to wait for."""

    def drain(self) -> None:
        """Read away what woke the thread."""


def properties_of(packet: int, **values: object) -> Properties:
    """Return the MQTT 5 properties of a packet, without those that are None.

    Args:
        packet: of `PacketTypes`.
        values: by the names of the specification without spaces, such as `SessionExpiryInterval`.

    """
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    for name, value in values.items():
        if value is not None:
            setattr(properties, name, value)
    return properties


class MqttClient(Client):
    """A client that is not connected yet. All of paho's own methods and callbacks remain.

    Args:
        name: the client id.
        context: what TLS knows of its identity and of the authority that certifies brokers.
        manual_ack: whether the caller acknowledges each message with `ack`; else it is acknowledged once `on_message`
            has returned.
        reconnect: whether a thread of its own connects again when the connection has ended.

    """

    def __init__(self, name: str, context: ssl.SSLContext, *, manual_ack: bool = False, reconnect: bool = True) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            protocol=MQTTv5,
            manual_ack=manual_ack,
            reconnect_on_failure=reconnect,
        )
        self.tls_set_context(context)
        self.on_socket_open = _prepare_socket

    def connect_to(
        self,
        host: str,
        port: int,
        *,
        session_seconds: int | None = None,
        receive_most: int | None = None,
        packet_most_bytes: int | None = None,
        keepalive_seconds: int = KEEPALIVE_SECONDS,
        seconds: float = CONNECT_SECONDS,
    ) -> None:
        """Open TCP and TLS, and send CONNECT; the broker's answer comes to `on_connect`.

        Args:
            host: of the broker; its certificate must have this name.
            port: of the broker.
            session_seconds: for how long the broker keeps subscriptions, and what waits, after the connection has
                ended; None for a session that begins empty and ends with the connection.
            receive_most: messages that the broker may send before they are acknowledged.
            packet_most_bytes: the largest packet that the broker may send.
            keepalive_seconds: without a packet, after which the client sends one.
            seconds: for name, TCP and TLS, each; the same whenever a client connects again.

        Raises:
            OSError: the broker cannot be reached, or TLS failed.

        """
        if self.connect_timeout != seconds:  # paho lets no one set it again once there was a connection
            self.connect_timeout = seconds
        self.connect(
            host,
            port,
            keepalive=keepalive_seconds,
            clean_start=session_seconds is None,
            properties=properties_of(
                PacketTypes.CONNECT,
                SessionExpiryInterval=session_seconds,
                ReceiveMaximum=receive_most,
                MaximumPacketSize=packet_most_bytes,
            ),
        )

    def listen(self, topics: Sequence[str], *, ready: Callable[[], object], refused: Callable[[str], object]) -> None:
        """Subscribe to topics, QoS 1, whenever a connection stands.

        Args:
            topics: filters.
            ready: called once the broker has granted all of them, on each connection.
            refused: called with the reason if the broker refuses the client, or topics.

        """

        def connected(client: Client, _data: object, _flags: object, reason: ReasonCode, _properties: object) -> None:
            if reason.is_failure:
                refused(f"the broker refuses this client: {reason}")
            else:
                client.subscribe([(topic, 1) for topic in topics])

        def subscribed(
            _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
        ) -> None:
            denied = [topic for topic, reason in zip(topics, reasons, strict=True) if reason.is_failure]
            if denied:
                refused(f"the broker refuses the topics {', '.join(denied)}")
            else:
                ready()

        self.on_connect = connected
        self.on_subscribe = subscribed

    @property
    def secured(self) -> ssl.SSLSocket | None:
        """The connection's socket; None without a connection."""
        socket: Any = self.socket()
        return socket if isinstance(socket, ssl.SSLSocket) else None

    @property
    def pending(self) -> bool:
        """Whether bytes have come that are decrypted already, of which no file descriptor tells."""
        connection = self.secured
        return connection is not None and connection.pending() > 0

    def turn(self, seconds: float, *, wake: Wake | None = None) -> bool:
        """Wait for the network or for `wake`, read and write what is due; return whether the connection stands.

        Only where no thread of its own runs.

        Args:
            seconds: to wait at most; none if bytes are there already.
            wake: what ends the waiting as well.

        """
        connection = self.secured
        if connection is None:
            return False
        poll = select.poll()
        poll.register(connection, select.POLLIN | (select.POLLOUT if self.want_write() else 0))
        if wake is not None:
            poll.register(wake, select.POLLIN)
        events = dict(poll.poll(0 if connection.pending() else max(0.0, seconds) * 1000))
        if wake is not None and wake.fileno() in events:
            wake.drain()
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if events.get(connection.fileno(), 0) & ~select.POLLOUT or connection.pending():
            code = self.loop_read()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS and self.want_write():
            code = self.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = self.loop_misc()
        return code == MQTTErrorCode.MQTT_ERR_SUCCESS and self.socket() is not None

    def end(self, *, seconds: float = END_SECONDS, properties: Properties | None = None) -> None:
        """Disconnect, and end its own thread if it has one; may be called again.

        Args:
            seconds: for the thread's end: an `on_message` that hangs does not hold the caller for longer.
            properties: of DISCONNECT.

        """
        self.disconnect(properties=properties)
        # As `loop_stop`, which would wait without a limit.
        thread = self._thread
        self._thread_terminate = True
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)


def wait_for_any(clients: Sequence[MqttClient], seconds: float) -> None:
    """Wait until one of the clients has something to read or can write what waits, at most so long."""
    if any(client.pending for client in clients):
        return
    poll = select.poll()
    for client in clients:
        if (connection := client.secured) is not None:
            poll.register(connection, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
    poll.poll(max(0.0, seconds) * 1000)


def _prepare_socket(_client: Client, _data: object, opened: object) -> None:
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HALF_OPEN_MILLISECONDS)
