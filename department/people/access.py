"""Every view names who may use it. A view that names no one answers no one.

::

    @needs(Permission.SEARCH)
    def search(request): ...

    urlpatterns = [path("log-in/", open_to_all(login), name="account_login")]

The question is asked where the view is called, so it is asked again of a request that was kept until its sender had
authenticated again. A stream asks `authorizations` itself, each second.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import wraps
from typing import Any, TypeAlias

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from platepost.department.errors import OperationRefusedError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import acting_in, append
from platepost.department.people.authorization import Authorization, authorization_of
from platepost.department.people.device import is_console, set_device
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.pending import keep_file, keep_form, note_end, page_of
from platepost.department.people.rights import FRESH, Permission
from platepost.department.policy.errors import PolicyError, PurposeError

View = Callable[..., HttpResponseBase]
FormActs: TypeAlias = Mapping[str, tuple[Callable[[Any], forms.Form], Callable[[Any], object]]]
"""By name, what makes the form that asks for an act, and what is done with it once it is valid."""
REFRESH = "Platepost-Refresh"
"""A header of requests that a page makes by itself: they keep no session alive."""
BEGAN = "people_began"
"""When a session began, in its data: seconds since 1970."""
_SEEN = "people_seen"
_SEEN_EVERY = 60
"""Seconds; a session is not written at each request."""


class Open(Enum):
    """Who may use a view that needs no permission."""

    ALL = "everyone"
    SETTING_UP = "setting_up"
    """Anyone who is logged in, even without a second factor yet: the pages that set one up."""


class CurrentRequest(HttpRequest):
    """A request that `needs` has let pass."""

    user: DepartmentPerson
    authorization: Authorization


def open_to_all(view: View) -> View:
    """Let everyone use a view, logged in or not."""
    return _marked(view, Open.ALL, view)


def setting_up(view: View) -> View:
    """Let anyone who is logged in use a view, even without a second factor."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = request.user
        if not isinstance(person, DepartmentPerson):
            return _asked_to_log_in(request)
        if is_mfa_enabled(person):  # for the menu
            request.authorization = authorization_of(person)  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return _marked(view, Open.SETTING_UP, asked)


def needs(permission: Permission, *, gives_file: bool = False) -> Callable[[View], View]:
    """Let a view be used by anyone who has a permission now, freshly authenticated where the permission asks for it.

    Args:
        permission: what it needs.
        gives_file: whether it answers with a download. Such a request waits while its sender authenticates, who then
            comes back to the page that it was made on, and not to one that asks for a code.

    """

    def decorate(view: View) -> View:
        allowed = reauthentication_required(view) if permission in FRESH else view

        @wraps(view)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            person = request.user
            if not isinstance(person, DepartmentPerson):
                return _asked_to_log_in(request)
            if not is_mfa_enabled(person):
                return HttpResponseRedirect(reverse("mfa_index"))
            authorization = authorization_of(person)
            request.authorization = authorization  # type: ignore[attr-defined]  # for the menu, also on the page of a refusal
            lacks = authorization.lacks(permission)
            if lacks:
                fields = {
                    "person": person.login,
                    "permission": permission.value,
                    "lacks": [lack.what for lack in lacks],
                }
                append(LedgerEvent.ACCESS_REFUSED, fields)
                return render(request, "people/refused.html", {"lacks": lacks}, status=403)
            if gives_file and permission in FRESH and not did_recently_reauthenticate(request):
                method, *_ = get_adapter().get_reauthentication_methods(person)
                if keep_file(request, person.login):
                    return redirect_to_login(page_of(request), method["url"])
            return allowed(request, *args, **kwargs)

        return _marked(view, permission, asked)

    return decorate


def _asked_to_log_in(request: HttpRequest) -> HttpResponse:
    """Ask to log in. Of a form that came too late it is said that nothing was done: its address may be no page."""
    if request.method in {"GET", "HEAD"}:
        # A person who typed the bare address begins on the page of their work.
        return redirect_to_login(reverse("home") if request.path == "/" else request.get_full_path())
    saved_form = keep_form(request)
    again = reverse("form_again") if saved_form else page_of(request)
    return render(request, "people/logged_out.html", {"again": again, "kept": saved_form}, status=403)


def accepted(form: forms.Form, change: Callable[[Any], object]) -> bool:
    """Make a change that a form asks for, of what it says; where it is refused, have the form say why."""
    if not form.is_valid():
        return False
    try:
        change(form.cleaned_data)
    except OperationRefusedError as error:
        form.add_error(None, f"Refused: {str(error).rstrip('.')}.")
        return False
    return True


def done_by_form(request: HttpRequest, acts: FormActs, what: str) -> tuple[forms.Form, bool]:
    """Do the act of a name; return its form, and whether it was done. If not, the form says why.

    Raises:
        Http404: there is no such act.

    """
    if what not in acts:
        raise Http404
    kind, change = acts[what]
    form = kind(request.POST)
    return form, accepted(form, lambda _: change(form))


def session_end(request: HttpRequest) -> datetime:
    """Return when a session ends, whatever its person does."""
    return datetime.fromtimestamp(request.session[BEGAN] + settings.SESSION_COOKIE_AGE, UTC)


def idle_end(request: HttpRequest) -> datetime | None:
    """Return when a session ends if its person does nothing more; None on a dispatch console."""
    seen = datetime.fromtimestamp(request.session[_SEEN], UTC)
    return None if is_console(request) else seen + settings.PEOPLE_IDLE


def access_of(view: View) -> Permission | Open | None:
    """Return who may use a view; None where it does not say."""
    return getattr(view, "platepost_access", None)


def _marked(view: View, access: Permission | Open, asked: View) -> View:
    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> HttpResponseBase:
        return asked(*args, **kwargs)

    marked.platepost_access = access  # type: ignore[attr-defined]
    return marked


def _unavailable() -> HttpResponse:
    # Without the request, by which the template would ask the database who asks.
    return HttpResponse(render_to_string("web/unavailable.html"), status=503)


class AccessMiddleware:
    """Ends idle sessions, refuses views without a declared permission, and says when the ledger cannot be written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        try:
            if request.user.is_authenticated:
                self._end_idle(request)
        except (DatabaseError, LedgerError):
            return _unavailable()
        with acting_in(request.session.session_key):
            response = self._get_response(request)
        device = getattr(request, "platepost_device", None)
        if device is not None:
            set_device(response, device)
        return response

    def process_view(self, request: HttpRequest, view: View, args: object, kwargs: object) -> HttpResponseBase | None:
        """Refuse a view that names no one."""
        del args, kwargs
        if access_of(view) is None:
            return render(request, "people/refused.html", status=403)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Say that nothing can be done: the ledger cannot be written, the policy is wrong, or the database is away."""
        if isinstance(error, LedgerError):
            return render(request, "people/unlogged.html", status=503)
        if isinstance(error, (PolicyError, PurposeError)):
            return render(request, "people/policy.html", {"why": error}, status=503)
        return _unavailable() if isinstance(error, (OperationalError, InterfaceError)) else None

    def _end_idle(self, request: HttpRequest) -> None:
        now = timezone.now().timestamp()
        began, seen = (request.session.setdefault(key, now) for key in (BEGAN, _SEEN))
        idle = now - seen > settings.PEOPLE_IDLE.total_seconds() and not is_console(request)
        if idle or now - began > settings.SESSION_COOKIE_AGE:
            person = request.user.get_username()
            logout(request)
            note_end(request, person, "idle" if idle else "long")
        elif REFRESH not in request.headers and now - seen > _SEEN_EVERY:
            request.session[_SEEN] = now
