"""A browser, known again by a signed cookie."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from platepost.department.people.models import DispatchConsole

_COOKIE = "platepost-device"
_AGE = 400 * 24 * 3600
"""Seconds; browsers keep no cookie for longer (RFC 6265bis)."""
_SALT = "platepost.department.people.device"


def device_of(request: HttpRequest) -> UUID | None:
    """Return which browser sent a request; None where it has no cookie of ours."""
    known = known_browser(request.COOKIES)
    return UUID(known) if known is not None else None


def known_browser(cookies: Mapping[str, str]) -> str | None:
    """Return the number of a browser by its cookies; None where there is no cookie of ours."""
    try:
        return str(UUID(Signer(salt=_SALT).unsign(cookies[_name()])))
    except (KeyError, BadSignature, ValueError):
        return None


def is_console(request: HttpRequest) -> bool:
    """Tell whether the browser is a dispatch console."""
    device = device_of(request)
    return device is not None and DispatchConsole.objects.filter(device=device, ended_at=None).exists()


def _name() -> str:
    # Of this host alone, and by TLS alone (RFC 6265bis).
    return f"__Host-{_COOKIE}" if settings.SESSION_COOKIE_SECURE else _COOKIE


def set_device(response: HttpResponseBase, device: UUID) -> None:
    """Have the browser keep its cookie."""
    response.set_cookie(
        _name(),
        Signer(salt=_SALT).sign(str(device)),
        max_age=_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
