"""The enrollment server: EST (RFC 7030) over TLS 1.3, a few messages of it, and the first configuration.

`cacerts`, `simpleenroll` (HTTP Basic: the post and its code) and `simplereenroll` (the post's certificate). It also
seals what it answers with the code of the post that asks, so that a unit which knows the code and nothing else knows
whom it speaks with.
"""

import asyncio
import base64
import binascii
import hmac
import secrets
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import uvicorn
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platepost.common.errors import PlatepostError
from platepost.provisioning.enrollment.codes import UnknownCodeError
from platepost.provisioning.enrollment.connection_limiter import ConnectionLimiter
from platepost.provisioning.enrollment.peer import BEGUN, PEER, PeerProtocol
from platepost.provisioning.enrollment.registration import RegistrationAuthority
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.serving import StoppableServer
from platepost.provisioning.trust.authority import CERTIFICATE_FILE, KEY_FILE, read_certificates
from platepost.provisioning.trust.keys import new_key, private_folder, private_pem, replace_private
from platepost.wire.enrollment.code import read_code, seal
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import CONFIGURATION, LARGEST, POST_HEADER, ROOT, SEAL_HEADER, TIME_HEADER
from platepost.wire.enrollment.request import LARGEST as LARGEST_REQUEST
from platepost.wire.records.base import timestamp
from platepost.wire.tls import NO_CHECK_TIME

WRONG_SECONDS = 1.0
"""When a wrong code is answered, whether or not its post has one. No one who has the right one waits for it."""
SEALED_SECONDS = 0.1
"""When `cacerts` is answered, likewise: longer than it takes to look for a code."""
_STOP_SECONDS = 3
_PKCS7 = "application/pkcs7-mime"
_STATUS = {"no_code": 401, "code_wrong": 401, "code_late": 401, "code_malformed": 401, "keeper_expired": 503}
"""By reason; any other refusal is 403."""
_WRONG = (
    "this is not the code of a post of this name, or none was issued for it; an administrator issues one with "
    "`platepost provision post invite`"
)
_RENEWALS_MOST = 4
"""At a time, in threads of their own: they wait for no one who enrolls."""


def application(registration: RegistrationAuthority) -> Starlette:
    """Return the ASGI application."""
    # Seals for posts that have no code, so that no one learns which have one.
    pretense = secrets.token_bytes(32)
    renewals = CapacityLimiter(_RENEWALS_MOST)

    async def cacerts(request: Request) -> Response:
        body, time = registration.authorities, timestamp(datetime.now(UTC))
        post = request.headers.get(POST_HEADER, "")
        headers = {"Content-Transfer-Encoding": "base64", TIME_HEADER: time}
        if post:
            code = registration.codes.of(post)
            key = hmac.digest(pretense, post.encode(), "sha256") if code is None else code.seal
            headers[SEAL_HEADER] = seal(key, "cacerts", post.encode(), time.encode(), body)
        await _not_before(request, SEALED_SECONDS)
        return Response(body, media_type=_PKCS7, headers=headers)

    async def simpleenroll(request: Request) -> Response:
        post, code = _basic(request)
        body = await _body(request)
        return _answer(await run_in_threadpool(registration.enroll, post, code, body))

    async def simplereenroll(request: Request) -> Response:
        peer = request.scope.get(PEER)
        if peer is None:
            raise EnrollmentError("a renewal needs the post's present certificate", reason="no_certificate")
        body = await _body(request)
        return _answer(await to_thread.run_sync(registration.renew, peer, body, limiter=renewals))

    async def configuration(request: Request) -> Response:
        post, secret = _basic(request)
        body, code = await run_in_threadpool(registration.configuration_for, post, secret)
        headers = {SEAL_HEADER: seal(code.seal, "configuration", post.encode(), body)}
        return Response(body, media_type="application/json", headers=headers)

    return Starlette(
        routes=[
            Route(f"{ROOT}/cacerts", cacerts),
            Route(f"{ROOT}/simpleenroll", simpleenroll, methods=["POST"]),
            Route(f"{ROOT}/simplereenroll", simplereenroll, methods=["POST"]),
            Route(CONFIGURATION, configuration),
        ],
        exception_handlers={EnrollmentError: _refused, PlatepostError: _failed},
    )


class ServerIdentity:
    """The server's own key and certificate, made again at each start, and before it ends.

    Args:
        fleet: whose authority vouches for it.
        names: the host names and addresses by which units reach it.

    """

    def __init__(self, fleet: Fleet, names: tuple[str, ...]) -> None:
        self._fleet = fleet
        self._names = names
        folder = private_folder(fleet.enrollment / "server")
        self.certificate = folder / CERTIFICATE_FILE
        self.key = folder / KEY_FILE
        self.ca = folder / "ca.pem"

    def make(self) -> None:
        """Make key and certificate.

        Raises:
            ProvisioningError: the authority does not open, or a name cannot be.

        """
        key, authority = new_key(), self._fleet.open_authority()
        chain = authority.issue_server(self._names, key)
        self._fleet.certificates.issued(chain)
        replace_private(self.key, private_pem(key))
        replace_private(self.certificate, chain)
        replace_private(self.ca, authority.pem)

    def is_due(self, at: datetime | None = None) -> bool:
        """Tell whether a third of the certificate's lifetime or less is left."""
        leaf = read_certificates(self.certificate)[0]
        lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        return leaf.not_valid_after_utc - (at or datetime.now(UTC)) <= lifetime / 3


class EnrollmentServer(StoppableServer):
    """Serves at sockets that are bound already."""

    def __init__(self, config: uvicorn.Config, listeners: list[socket.socket], identity: ServerIdentity) -> None:
        super().__init__(config)
        self._listeners = listeners
        self._identity = identity

    def renew(self, *, at: datetime | None = None) -> bool:
        """Take another certificate, for the connections from now on, if the present one ends soon; tell whether.

        Raises:
            ProvisioningError: the authority does not open.

        """
        if not self._identity.is_due(at):
            return False
        self._identity.make()
        assert self.config.ssl is not None  # noqa: S101 - `server` loaded it
        self.config.ssl.load_cert_chain(self._identity.certificate, self._identity.key)
        return True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until stopped."""
        await super().serve(sockets or self._listeners)


def server(
    fleet: Fleet, registration: RegistrationAuthority, *, names: tuple[str, ...], address: str, port: int
) -> EnrollmentServer:
    """Return the server, bound and not yet running.

    Args:
        fleet: whose authority vouches for it.
        registration: judges what comes.
        names: the host names and addresses by which units reach it.
        address: where to listen.
        port: where to listen.

    Raises:
        ProvisioningError: nothing can be served there.

    """
    identity = ServerIdentity(fleet, names)
    identity.make()
    limiter, inner = ConnectionLimiter(), application(registration)

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        limiter.request_received(scope["client"], certified=scope.get(PEER) is not None)
        await inner(scope, receive, send)

    config = uvicorn.Config(
        counted,
        loop="asyncio",
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        # The one who asks is the one whom the connection is with, not the one whom a header names.
        proxy_headers=False,
        # One request a connection, as units do it: none is held open for another.
        headers=[("Connection", "close")],
        ssl_certfile=str(identity.certificate),
        ssl_keyfile=str(identity.key),
        ssl_ca_certs=str(identity.ca),
        # A unit that is enrolled has none yet; one that renews is known by it.
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        h11_max_incomplete_event_size=LARGEST_REQUEST,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    config.load()
    assert config.ssl is not None  # noqa: S101 - it was given all that it needs
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    # How long ago a certificate may have ended, the registration authority judges.
    config.ssl.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    return EnrollmentServer(config, limiter.listeners(address, port), identity)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > min(LARGEST, 2 * LARGEST_REQUEST):
            raise EnrollmentError("the request is too large", reason="request_refused")
    return body


def _basic(request: Request) -> tuple[str, str]:
    kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        post, colon, code = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        post, colon, code = "", "", ""
    if kind.lower() != "basic" or not colon:
        raise EnrollmentError("enrollment takes the post and its code (HTTP Basic)", reason="no_code")
    return post, read_code(code)


def _answer(body: bytes) -> Response:
    headers = {"Content-Transfer-Encoding": "base64"}
    return Response(body, media_type=f"{_PKCS7}; smime-type=certs-only", headers=headers)


async def _not_before(request: Request, seconds: float) -> None:
    """Wait until so many seconds after the request's beginning."""
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(max(0.0, request.scope.get(BEGUN, now) + seconds - now))


async def _refused(request: Request, error: Exception) -> Response:
    reason = error.reason if isinstance(error, EnrollmentError) else "refused"
    if isinstance(error, UnknownCodeError):
        await _not_before(request, WRONG_SECONDS)
        reason, error = "code_wrong", EnrollmentError(_WRONG, reason="code_wrong")
    status = _STATUS.get(reason, 403)
    headers = {"WWW-Authenticate": 'Basic realm="Platepost enrollment"'} if status == 401 else None
    return JSONResponse({"reason": reason, "message": str(error)}, status_code=status, headers=headers)


async def _failed(_request: Request, error: Exception) -> Response:
    return JSONResponse({"reason": "office", "message": f"the enrollment server cannot: {error}"}, status_code=500)
