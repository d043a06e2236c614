"""What is done to every answer: its headers, and what it lets go of."""

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

_HSTS = "max-age=31536000"
"""A browser that has been here by TLS comes by nothing else for a year (RFC 6797). Other hosts of the domain are the
city's to decide about."""


class CompressedFiles(GZipMiddleware):
    """A middleware that compresses scripts and styles, which are the same for everyone.

    It compresses no page: a page has secrets next to what a stranger may have chosen, and its length would reveal them.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress a file's answer."""
        if not request.path.startswith(settings.STATIC_URL):
            return response
        return super().process_response(request, response)


class SecurityHeaders:
    """A middleware that allows a page nothing but what comes from here, and no copy in a cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        response = self._get_response(request)
        if settings.SESSION_COOKIE_SECURE:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class StreamsWithoutDatabase:
    """A middleware that gives a stream's session of the database back. A stream lasts, and requests share sessions.

    It stands around all that asks the database, also after the view: who was seen is noted with the session then.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        response = self._get_response(request)
        if response.streaming:
            connection.close()
        return response
