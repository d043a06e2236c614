"""HTTP over TLS that gives the application the client's certificate."""

import ssl
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PEER = "platepost.peer"
"""In the scope of a request: the certificate that the client showed, DER; None without one."""
BEGUN = "platepost.begun"
"""In the scope of a request: when its head was there, in the loop's time."""


class PeerProtocol(H11Protocol):
    """HTTP/1.1 that tells the application which certificate the client showed."""

    def connection_made(self, transport: Any) -> None:
        """Begin; TLS has been negotiated."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        peer = None if tls is None else tls.getpeercert(binary_form=True)
        inner = self.app

        async def told(scope: Any, receive: Any, send: Any) -> None:
            scope[PEER], scope[BEGUN] = peer, self.loop.time()
            await inner(scope, receive, send)

        self.app = told
