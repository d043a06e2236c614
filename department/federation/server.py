"""The server that partners ask: TLS 1.3, for named departments alone, each known by its own certificate."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import uvicorn
from django.db import DatabaseError, connection
from pydantic import BaseModel

from platepost.department.errors import DepartmentError
from platepost.department.federation.answering import answer_query, give_case, own_identity
from platepost.department.federation.errors import NotTakenError
from platepost.department.federation.exchange import LARGEST
from platepost.department.federation.models import PartnerDepartment
from platepost.provisioning.enrollment.peer import PEER, PeerProtocol
from platepost.provisioning.serving import StoppableServer
from platepost.provisioning.trust.authority import KEY_FILE

log = logging.getLogger(__name__)
MOST_AT_ONCE = 16
"""Connections; further ones are asked to come again."""
_PARTNERS_SECONDS = 10.0
"""After which a new partner can connect."""
_PATHS: dict[str, Callable[[bytes, bytes | None], BaseModel]] = {"/query": answer_query, "/case": give_case}


def _answered(path: str, message: bytes, peer: bytes | None) -> tuple[int, bytes]:
    try:
        return 200, _PATHS[path](message, peer).model_dump_json().encode()
    except NotTakenError as error:
        return error.status, error.body or str(error).encode()
    except (DepartmentError, DatabaseError) as error:
        log.warning("a partner is not answered: %s", type(error).__name__)
        return 503, b"this department cannot answer now"
    finally:
        connection.close()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer one message."""
    status, body, message = 404, b"there is no such page", b""
    if scope["method"] == "POST" and scope["path"] in _PATHS:
        more = True
        while more and len(message) <= LARGEST:
            part = await receive()
            message, more = message + part.get("body", b""), part.get("more_body", False)
        status, body = 413, b"too large"
        if len(message) <= LARGEST:
            status, body = await asyncio.to_thread(_answered, scope["path"], message, scope.get(PEER))
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _certificates() -> list[str]:
    try:
        return list(PartnerDepartment.objects.values_list("certificate", flat=True))
    finally:
        connection.close()


class FederationServer(StoppableServer):
    """Serves partners; who is named while it runs can connect soon after.

    Args:
        host: where to listen.
        port: where to listen.

    Raises:
        DepartmentError: this department has no key.

    """

    def __init__(self, host: str, port: int) -> None:
        identity = own_identity()
        self._known = set(_certificates())
        self._context = identity.context(self._known, server=True)
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            log_config=None,  # the log is the command's
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=3,
            ssl_certfile=str(identity.certificate),
            ssl_keyfile=str(identity.folder / KEY_FILE),
        )
        config.load()
        config.ssl = self._context
        super().__init__(config)

    async def serve(self, sockets: Any = None) -> None:
        """Serve until stopped."""
        learning = asyncio.create_task(self._learn())
        try:
            await super().serve(sockets)
        finally:
            learning.cancel()

    async def _learn(self) -> None:
        while True:
            await asyncio.sleep(_PARTNERS_SECONDS)
            try:
                current = set(await asyncio.to_thread(_certificates))
            except DatabaseError as error:
                log.warning("partners cannot be read: %s", type(error).__name__)
                continue
            for certificate in current - self._known:
                self._context.load_verify_locations(cadata=certificate)
            self._known |= current
