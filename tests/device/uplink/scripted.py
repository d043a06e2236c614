"""A broker that follows a script: it answers what it is told to, over real TLS, and remembers when it was asked.

Properties and reason codes are packed by paho; only the framing is here (MQTT 5, section 2.1).
"""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

_NOTHING_RETAINED = 0b0011_0000
"""Of a subscription's options: what is retained is not wanted, or only with a new one."""
CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PINGREQ = 1, 3, 8, 10, 12


@dataclass
class Packet:
    """One packet from the post."""

    kind: int
    flags: int
    body: bytes

    @property
    def identifier(self) -> int:
        """The packet identifier of a PUBLISH at QoS 1, a SUBSCRIBE or an UNSUBSCRIBE."""
        offset = 2 + int.from_bytes(self.body[:2], "big") if self.kind == PUBLISH else 0
        return int.from_bytes(self.body[offset : offset + 2], "big")

    @property
    def topic(self) -> str:
        """The topic of a PUBLISH."""
        return self.body[2 : 2 + int.from_bytes(self.body[:2], "big")].decode()


@dataclass
class Script:
    """What to answer; a reason is a code of MQTT 5."""

    connect: int = 0x00
    connect_properties: dict[str, Any] = field(default_factory=dict)
    publish: Callable[[Packet], int | None] = lambda _packet: 0x00
    """The reason of PUBACK; None does not answer."""
    subscribe: int = 0x01
    hang_up_after_subscribe: bool = False
    retained: bytes = b""
    """What is retained on a topic, sent to who asks for it and kept in no session, as by RabbitMQ."""
    disconnect: Callable[[Packet], int | None] = lambda _packet: None
    """The reason of a DISCONNECT in place of the PUBACK; None sends none, -1 hangs up without one."""
    disconnect_properties: dict[str, Any] = field(default_factory=dict)


class ScriptedBroker:
    """Serves one connection after the other."""

    def __init__(self, identity: tuple[Path, Path], ca: Path, script: Script) -> None:
        self.script = script
        self.connections: list[float] = []
        self.received: list[Packet] = []
        self.published: list[Packet] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*identity)
        self._context.load_verify_locations(ca)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                self.connections.append(time.monotonic())
                with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as secured:
                    while self._answer(secured):
                        pass

    def _answer(self, connection: ssl.SSLSocket) -> bool:
        packet = read_packet(connection)
        if packet is None:
            return False
        self.received.append(packet)
        script = self.script
        if packet.kind == CONNECT:
            properties = pack(PacketTypes.CONNACK, script.connect_properties)
            connection.sendall(frame(0x20, bytes([0, script.connect]) + properties))
            return script.connect < 0x80
        if packet.kind == SUBSCRIBE:
            connection.sendall(frame(0x90, struct.pack("!H", packet.identifier) + b"\0" + bytes([script.subscribe])))
            if script.hang_up_after_subscribe:
                return False
            if script.retained and not packet.body[-1] & _NOTHING_RETAINED:
                topic = packet.body[3:-1]  # behind the identifier and the length of no properties
                connection.sendall(frame(0x31, topic + b"\0" + script.retained))
        if packet.kind == UNSUBSCRIBE:
            connection.sendall(frame(0xB0, struct.pack("!H", packet.identifier) + b"\0\x11"))
        elif packet.kind == PINGREQ:
            connection.sendall(frame(0xD0, b""))
        elif packet.kind == PUBLISH:
            return self._take(connection, packet)
        return True

    def _take(self, connection: ssl.SSLSocket, packet: Packet) -> bool:
        self.published.append(packet)
        ending = self.script.disconnect(packet)
        if ending is not None:
            if ending >= 0:
                properties = pack(PacketTypes.DISCONNECT, self.script.disconnect_properties)
                connection.sendall(frame(0xE0, bytes([ending]) + properties))
            return False
        reason = self.script.publish(packet)
        if reason is not None:
            connection.sendall(frame(0x40, struct.pack("!H", packet.identifier) + bytes([reason, 0])))
        return True


def pack(packet: int, values: dict[str, Any]) -> bytes:
    """Return properties as they stand in a packet."""
    properties = Properties(packet)
    for name, value in values.items():
        setattr(properties, name, value)
    packed: bytes = properties.pack()
    return packed


def frame(first: int, body: bytes) -> bytes:
    """Return a packet with its fixed header."""
    return bytes([first]) + VariableByteIntegers.encode(len(body)) + body


def read_packet(connection: ssl.SSLSocket) -> Packet | None:
    """Read one packet, None at the end."""
    first = _read(connection, 1)
    length, shift = 0, 0
    while first:
        (byte,) = _read(connection, 1) or (0,)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return Packet(first[0] >> 4, first[0] & 0x0F, _read(connection, length))
    return None


def _read(connection: ssl.SSLSocket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            return b""
        data += chunk
    return data
