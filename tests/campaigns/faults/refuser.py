"""A broker that takes nothing: MQTT 5 over the fleet's TLS, with the reason codes that real brokers give.

It never acknowledges a record, so nothing that comes to it may count as delivered. Codes: MQTT 5.0, section 2.4.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Literal

from platepost.provisioning.brokers.mosquitto import BrokerFiles
from platepost.simulator.ground.event_loop_thread import EventLoopThread

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 1, 2, 3, 4, 8, 9, 10, 11
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14

QOS = 0x06
NO_SUBSCRIPTION = 0x11

NOT_AUTHORIZED, UNAVAILABLE, BUSY = 0x87, 0x88, 0x89
SHUTTING_DOWN, RATE_TOO_HIGH, QUOTA_EXCEEDED, ADMINISTRATIVE = 0x8B, 0x96, 0x97, 0x98
UNSPECIFIED, IMPLEMENTATION, CONNECTION_RATE = 0x80, 0x83, 0x9F


@dataclass(frozen=True, slots=True)
class Denial:
    """When a broker says no, and with which reason code."""

    to: Literal["connect", "publish", "hang_up"]
    """`connect`: it refuses the client; `publish`: each record; `hang_up`: it ends the connection at a record."""
    code: int


class Refuser:
    """One such broker on a free port of loopback."""

    def __init__(self, loop: EventLoopThread, files: BrokerFiles) -> None:
        self._loop = loop
        self.denial = Denial("connect", BUSY)
        """What it says now; may be changed at any time."""
        self.refused = 0
        """How often it said no."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(files.certificate, files.private_key)
        self._server = loop.run(self._listen(context))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening."""
        self._loop.run(self._close())

    async def _listen(self, context: ssl.SSLContext) -> asyncio.Server:
        return await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=context)

    async def _close(self) -> None:
        self._server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                first, body = await _packet(reader)
                answer, last = self._answer(first, body)
                writer.write(answer)
                await writer.drain()
                if last:
                    break
        writer.close()

    def _answer(self, first: int, body: bytes) -> tuple[bytes, bool]:
        kind = first >> 4
        if kind == PUBLISH:
            return self._answer_publish(first, body)
        if kind == CONNECT and self.denial.to == "connect":
            self.refused += 1
            return _make(CONNACK, bytes([0, self.denial.code, 0])), True
        answers = {
            CONNECT: _make(CONNACK, bytes(3)),
            SUBSCRIBE: _make(SUBACK, body[:2] + bytes([0, NOT_AUTHORIZED])),
            UNSUBSCRIBE: _make(UNSUBACK, body[:2] + bytes([0, NO_SUBSCRIPTION])),
            PINGREQ: _make(PINGRESP, b""),
        }
        return answers.get(kind, b""), kind == DISCONNECT

    def _answer_publish(self, first: int, body: bytes) -> tuple[bytes, bool]:
        self.refused += 1
        if self.denial.to == "hang_up":
            return _make(DISCONNECT, bytes([self.denial.code, 0])), True
        if not first & QOS:
            return b"", False
        identifier = 2 + int.from_bytes(body[:2])
        return _make(PUBACK, body[identifier : identifier + 2] + bytes([self.denial.code, 0])), False


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, await reader.readexactly(size)


def _make(kind: int, body: bytes) -> bytes:
    return bytes([kind << 4, len(body)]) + body
