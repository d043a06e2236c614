"""Limits connections to the enrollment server, so that no one can block others by holding connections.

A connection has a short time for its request and a longer one for all. When there are as many as there may be, the
next one takes the place of another: of a client without a certificate before one with, of the address that holds most,
of the oldest. So a stranger who holds many loses his own, and a post that renews its certificate is the last to go.
"""

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from platepost.provisioning.errors import ProvisioningError
from platepost.wire.enrollment import est

MAX_CONNECTIONS = 64
REQUEST_SECONDS = 10.0
"""For the handshake and the head of the request; a unit on a slow radio link needs about two."""
ANSWER_SECONDS = est.ENROLL_SECONDS + 15.0
"""From there to the end: longer than a unit waits for its answer."""


class Connection(socket.socket):
    """One accepted connection."""

    def __init__(
        self, connection: socket.socket, address: tuple[Any, ...], left: Callable[["Connection"], None]
    ) -> None:
        super().__init__(connection.family, connection.type, connection.proto, fileno=connection.detach())
        self.client = (str(address[0]), int(address[1]))
        self.network = _network(self.client[0])
        self.since = time.monotonic()
        self.certified = False
        self._left = left
        self._deadline: asyncio.TimerHandle | None = None

    def end_in(self, seconds: float) -> None:
        """End the connection in so many seconds, and at no other time that was set before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """End the connection; its transport sees that, and closes it."""
        with contextlib.suppress(OSError):  # the client has ended it
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it, as its transport does."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._left(self)
        super().close()


class ConnectionLimiter:
    """The connections that are open, of all addresses that are listened at.

    Args:
        most: how many there may be at a time.

    """

    def __init__(self, *, most: int = MAX_CONNECTIONS) -> None:
        self._most = most
        self._connections: set[Connection] = set()

    def listeners(self, address: str, port: int) -> list[socket.socket]:
        """Bind and return the sockets for an address or host name.

        Raises:
            ProvisioningError: it is none of this machine, or taken.

        """
        bound: list[socket.socket] = []
        try:
            addresses = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, *_, name in dict.fromkeys(addresses):
                listener = _Listener(self, family)
                bound.append(listener)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind(name)
        except OSError as error:
            for bound_address in bound:
                bound_address.close()
            raise ProvisioningError(f"cannot listen on {address}:{port}: {error.strerror or error}") from error
        return bound

    def admit(self, connection: socket.socket, address: tuple[Any, ...]) -> Connection:
        """Let a connection in; another may have to go."""
        while len(self._connections) >= self._most:
            held = Counter(each.network for each in self._connections)
            evicted = min(self._connections, key=lambda each: (each.certified, -held[each.network], each.since))
            self._connections.discard(evicted)
            evicted.end()
        admitted = Connection(connection, address, self._connections.discard)
        admitted.end_in(REQUEST_SECONDS)
        self._connections.add(admitted)
        return admitted

    def request_received(self, client: tuple[str, int] | None, *, certified: bool) -> None:
        """Note that the head of a client's request has come, and whether it came with a certificate of the fleet."""
        for connection in self._connections:
            if connection.client == client:
                connection.certified = certified
                connection.end_in(ANSWER_SECONDS)


class _Listener(socket.socket):
    """A socket whose connections come through a door; asyncio takes them by `accept`."""

    def __init__(self, limiter: ConnectionLimiter, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._limiter = limiter

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        connection, address = super().accept()
        return self._limiter.admit(connection, address), address


def _network(host: str) -> str:
    """Return what one stranger has for himself: an IPv4 address, or the upper half of an IPv6 address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)
