"""Middleware for every response: security headers, compression, and closing the database connection of streams."""

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
"""Browsers use only TLS for this host for a year (RFC 6797). It leaves out
includeSubDomains: the city decides about its other hosts."""


class StaticFilesGZipMiddleware(GZipMiddleware):
    """Compresses static files only.

    A page has secrets next to text that an attacker may have chosen: the compressed length would reveal them (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress the response if it is a static file."""
        if not request.path.startswith(settings.STATIC_URL):
            return response
        return super().process_response(request, response)


class SecurityHeadersMiddleware:
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


class CloseDatabaseForStreamsMiddleware:
    """Closes the database connection of a streaming response: a stream lasts long, and connections are few.

    List it before every middleware that uses the database, such as that of sessions: those also use it after the view.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Process a request."""
        response = self._get_response(request)
        if response.streaming:
            connection.close()
        return response
