"""Forms that wait: sent after the session had ended, or before the sender confirmed who they are.

They wait in the session, on the server: what was typed into them is in no address. Whoever signs in next gets only
what they had sent themselves.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, did_recently_reauthenticate
from django.http import HttpRequest
from django.utils import timezone

_FORM, _FILE = "people_form", "people_file"
_ENDED = "people_ended"
_MOST = 2**16
"""Characters of a form that waits; what is longer has to be filled in again."""
_SECONDS = 600
"""For so long a file that was asked for waits."""
_NEVER = ("/log-in/", "/log-out/", "/account/", "/console/")
"""Pages whose forms never wait: they have secrets, or their script sends again what was not taken."""


@dataclass(frozen=True, slots=True)
class PendingForm:
    """A form that was sent and not carried out."""

    person: str
    address: str
    page: str
    """The page that it was on."""
    fields: Sequence[tuple[str, str]]
    at: float
    """Seconds since 1970."""

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What it says, by what people may recognize its fields by."""
        return [(name.replace("_", " ").capitalize(), value) for name, value in self.fields if value]


def page_of(request: HttpRequest) -> str:
    """Return the page that a form was sent from; `/` where the browser does not tell."""
    page = urlsplit(request.headers.get("Referer", ""))
    return page._replace(scheme="", netloc="").geturl() if page.netloc == request.get_host() else "/"


def note_end(request: HttpRequest, person: str, why: str) -> None:
    """Remember whose session has just ended, and why: `idle` or `long`."""
    request.session[_ENDED] = [person, why]


def ended(request: HttpRequest) -> str | None:
    """Return why the session that this browser had has ended; None if it had none."""
    return request.session[_ENDED][1] if _ENDED in request.session else None


def note_begin(request: HttpRequest, person: str) -> None:
    """Forget that a session has ended: a person has signed in, who gets no form of another's."""
    request.session.pop(_ENDED, None)
    if kept_form(request, person) is None:
        drop_form(request)


def keep_form(request: HttpRequest) -> bool:
    """Have a form wait until its sender signs in again; tell whether it does."""
    person, _ = request.session.get(_ENDED, (None, None))
    if person is None or request.FILES or request.path.startswith(_NEVER):
        return False
    return _keep(request, _FORM, person)


def kept_form(request: HttpRequest, person: str) -> PendingForm | None:
    """Return the form that waits for a person."""
    return _kept(request, _FORM, person)


def drop_form(request: HttpRequest) -> None:
    """Forget the form that waits."""
    request.session.pop(_FORM, None)


def keep_file(request: HttpRequest, person: str) -> bool:
    """Have the request for a file wait until its sender has confirmed who they are; tell whether it does."""
    request.session.pop(STATE_SESSION_KEY, None)  # what waited before, and was given up
    return _keep(request, _FILE, person)


def pending_file(request: HttpRequest) -> dict[str, Any]:
    """Give templates `pending_file`: the request for a file of this page, now that its sender has confirmed."""
    if not request.user.is_authenticated or request.method != "GET" or _FILE not in request.session:
        return {}
    form = _kept(request, _FILE, request.user.get_username())
    if form is None or timezone.now().timestamp() - form.at > _SECONDS:
        del request.session[_FILE]
        return {}
    if urlsplit(form.page).path != request.path or not did_recently_reauthenticate(request):
        return {}
    del request.session[_FILE]
    return {"pending_file": form}


def _keep(request: HttpRequest, key: str, person: str) -> bool:
    fields = [
        (name, value) for name, values in request.POST.lists() for value in values if name != "csrfmiddlewaretoken"
    ]
    if sum(len(name) + len(value) for name, value in fields) > _MOST:
        return False
    form = PendingForm(person, request.get_full_path(), page_of(request), fields, timezone.now().timestamp())
    request.session[key] = asdict(form)
    return True


def _kept(request: HttpRequest, key: str, person: str) -> PendingForm | None:
    fields = request.session.get(key)
    return PendingForm(**fields) if fields is not None and fields["person"] == person else None
