"""Lets only browsers that opened the page itself use it, under a host name that is its own.

A page that does things must not be driven by another page that happens to be open in the same browser, nor by one
whose name was bent to this machine's address.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def refusal(request: Request, *, local: bool) -> str | None:
    """Say why a request is not answered, None if it may be."""
    host = request.headers.get("host", "")
    if local and host.rsplit(":", 1)[0] not in LOCAL:
        return "this page is for the machine that it runs on"
    origin = request.headers.get("origin")
    if request.method != "GET" and origin is not None and urlsplit(origin).netloc != host:
        return "another page may not drive this one"
    return None


def guarded(
    answer: Callable[[Request], Awaitable[Response]], *, local: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Let an endpoint answer only who may ask, and put the headers onto its answers."""

    async def endpoint(request: Request) -> Response:
        refused = refusal(request, local=local)
        response = await answer(request) if refused is None else JSONResponse({"error": refused}, status_code=403)
        response.headers.update(HEADERS)
        return response

    return endpoint
