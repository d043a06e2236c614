"""Middleware for every response: security headers, compression, and released database connections."""

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
"""Browsers use only TLS for this host for a year (RFC 6797). The city decides about other hosts of the domain."""


class CompressedFiles(GZipMiddleware):
    """Compresses static files only.

    A page has secrets next to text that an attacker may have chosen: the compressed length would reveal them (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the response if it is a static file."""
        if not request.path.startswith(settings.STATIC_URL):
            return response
        return super().process_response(request, response)


class SecurityHeaders:
    """Adds headers that restrict a page to content from this server and forbid caching."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Process a request."""
        response = self._get_response(request)
        if settings.SESSION_COOKIE_SECURE:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class StreamsWithoutDatabase:
    """Closes the database connection of a streaming response: a stream lasts long, and connections are few.

    It must come before all middleware that uses the database, also after the view, such as that of sessions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Process a request."""
        response = self._get_response(request)
        if response.streaming:
            connection.close()
        return response
