"""Limits connections to the enrollment server, so that no one can block others by holding connections.

A connection has a short time for its request and a longer one in total. At the limit, a new connection evicts another:
one without a client certificate first, then one of the network that holds most, then the oldest. So someone who floods
the server evicts their own connections, and a post that renews its certificate goes last.
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
"""For the TLS handshake and the request's header; a unit on a slow radio link needs about 2 s."""
ANSWER_SECONDS = est.ENROLL_SECONDS + 15.0
"""From then to the end of the connection; longer than a unit waits for the answer."""


class Connection(socket.socket):
    """One accepted connection."""

    def __init__(
        self, connection: socket.socket, address: tuple[Any, ...], on_close: Callable[["Connection"], None]
    ) -> None:
        super().__init__(connection.family, connection.type, connection.proto, fileno=connection.detach())
        self.client = (str(address[0]), int(address[1]))
        self.network = _network(self.client[0])
        self.since = time.monotonic()
        self.has_certificate = False
        self._on_close = on_close
        self._deadline: asyncio.TimerHandle | None = None

    def set_deadline(self, seconds: float) -> None:
        """End the connection after `seconds`. Replaces an earlier deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """End the connection; asyncio's transport notices and closes it."""
        with contextlib.suppress(OSError):  # the client has ended it
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; asyncio's transport calls this."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._on_close(self)
        super().close()


class ConnectionLimiter:
    """Limits the open connections of all listening addresses together.

    Args:
        maximum: connections at a time.

    """

    def __init__(self, *, maximum: int = MAX_CONNECTIONS) -> None:
        self._maximum = maximum
        self._connections: set[Connection] = set()

    def listeners(self, address: str, port: int) -> list[socket.socket]:
        """Bind and return the sockets for an address or host name.

        Raises:
            ProvisioningError: the address is not one of this machine, or is in use.

        """
        made: list[socket.socket] = []
        try:
            addresses = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, *_, name in dict.fromkeys(addresses):
                listener = _Listener(self, family)
                made.append(listener)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind(name)
        except OSError as error:
            for each in made:
                each.close()
            raise ProvisioningError(f"cannot listen on {address}:{port}: {error.strerror or error}") from error
        return made

    def admit(self, connection: socket.socket, address: tuple[Any, ...]) -> Connection:
        """Accept a connection; at the limit, end another."""
        while len(self._connections) >= self._maximum:
            held = Counter(each.network for each in self._connections)
            evicted = min(self._connections, key=lambda each: (each.has_certificate, -held[each.network], each.since))
            self._connections.discard(evicted)
            evicted.end()
        admitted = Connection(connection, address, self._connections.discard)
        admitted.set_deadline(REQUEST_SECONDS)
        self._connections.add(admitted)
        return admitted

    def request_received(self, client: tuple[str, int] | None, *, certified: bool) -> None:
        """Record that a request's header arrived, and whether the client showed a certificate of the fleet."""
        for connection in self._connections:
            if connection.client == client:
                connection.has_certificate = certified
                connection.set_deadline(ANSWER_SECONDS)


class _Listener(socket.socket):
    """A listening socket whose accepted connections go through the limiter; asyncio calls `accept`."""

    def __init__(self, limiter: ConnectionLimiter, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._limiter = limiter

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        connection, address = super().accept()
        return self._limiter.admit(connection, address), address


def _network(host: str) -> str:
    """Return the network that one client controls: an IPv4 address, or the /64 of an IPv6 address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)
