"""How people log in: what this department asks beyond what django-allauth does by itself."""

from typing import Any
from uuid import UUID, uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.http import HttpRequest
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from platepost.department.people.access import BEGAN
from platepost.department.people.crypt import secrets_box
from platepost.department.people.device import device_of
from platepost.department.people.errors import PersonError
from platepost.department.people.lockout import is_locked, known, note_failure, use_up
from platepost.department.people.models import DepartmentPerson, KnownDevice
from platepost.department.people.pending import note_begin
from platepost.department.people.provider import has_left, keep_access
from platepost.department.people.services import end_disabled, take_groups

_WRONG = (
    "Wrong username or password, or passwords are locked for this username after too many failures. "
    "A passkey still works. A supervisor or an administrator can release the lock."
)
_WRONG_CODE = (
    "This code is wrong, or it was used before. Wait for the next one in your app, and check that the phone's clock is "
    "right. After five wrong codes, codes are locked."
)
_LOCKED = (
    "Codes are locked for you after too many failures, and this one was not checked. "
    "A passkey works all the same. A supervisor or an administrator releases the lock."
)


class LoginAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Counts failures, enters each log-on in the ledger, and lets no one sign up."""

    error_messages = {  # noqa: RUF012 - allauth's own form
        **DefaultAccountAdapter.error_messages,
        # One text for both, which tells a stranger nothing.
        "username_password_mismatch": _WRONG,
        "too_many_login_attempts": _WRONG,
        "incorrect_code": _WRONG_CODE,
        "codes_locked": _LOCKED,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """No one signs up: people are added."""
        del request
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a password that is locked; it takes as long as a wrong one."""
        person = _person(credentials)
        if person is not None and is_locked(person, device_of(request)):
            DepartmentPerson().set_password(credentials.get("password"))
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Note a wrong password."""
        note_failed(request, _person(credentials), "password")

    def get_reauthentication_methods(self, user: DepartmentPerson) -> list[dict[str, Any]]:
        """Return how someone authenticates again: by a second factor, passkey first; a password is not enough."""
        methods = super().get_reauthentication_methods(user)
        by_factor = [method for method in methods if method["id"].startswith("mfa_")]
        return sorted(by_factor, key=lambda method: not method["id"].endswith("webauthn"))

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Tell whether to ask: not of someone who sets their first factor up."""
        user = context.request.user
        return has_factor(user) and super().is_reauthentication_required(app=app, **kwargs)

    def set_password(self, user: DepartmentPerson, password: str) -> None:
        """Set a password."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def login(self, request: HttpRequest, user: DepartmentPerson) -> None:
        """Log someone on whom all factors have shown; the ledger has it before they are."""
        end_disabled()
        device = device_of(request) or uuid4()
        records = get_authentication_records(request, user)
        methods = [str(record.get("type", record["method"])) for record in records]
        if "socialaccount" not in methods and has_left(user):
            note_failed(request, user, "provider")
            lack = _("The identity provider ended your access. Log in there first.")
            raise ImmediateHttpResponse(render(request, "people/refused.html", {"lacks": [{"what": lack}]}, status=403))
        if user.invited_until is not None:
            _use_up_invitation(request, user, by_code="password" in methods)
        fields = {
            "person": user.login,
            "methods": methods,
            "device": str(device),
            "known": known(user, device) is not None,
        }
        append(LedgerEvent.LOG_ON, fields)
        super().login(request, user)
        note_begin(request, user.login)
        request.session[BEGAN] = timezone.now().timestamp()
        KnownDevice.objects.get_or_create(person=user, device=device)
        request.platepost_device = device  # type: ignore[attr-defined]


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps second factors' secrets encrypted, so that a copy of the database alone is of no use."""

    error_messages = {**DefaultMFAAdapter.error_messages, "incorrect_code": _WRONG_CODE}  # noqa: RUF012 - as above

    def encrypt(self, text: str) -> str:
        """Encrypt a secret with a key that follows from `secret-key`."""
        return secrets_box().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt one."""
        return secrets_box().decrypt(encrypted_text.encode("ascii")).decode()

    def is_mfa_enabled(self, user: DepartmentPerson, types: list[str] | None = None) -> bool:
        """Tell whether someone has a second factor; recovery codes alone are none."""
        own = types or [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
        return bool(super().is_mfa_enabled(user, own))


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Lets people of the register in by an identity provider, and no one else.

    The first time they are known by the log-in that the provider names, from then on by the provider's own number.
    """

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person and take over their groups."""
        account, fields = sociallogin.account, sociallogin.account.get_provider_account().get_user_data() or {}
        if not sociallogin.is_existing:
            named = {"username": fields.get("preferred_username", "")}
            person = _person(named)
            taken = SocialAccount.objects.filter(user=person, provider=account.provider).exists()
            if person is None or taken:
                note_failed(request, person, "provider")
                raise ImmediateHttpResponse(render(request, "account/signup_closed.html", status=403))
            account.user = sociallogin.user = person
            account.save()
        try:
            take_groups(sociallogin.user, account.provider, map(str, fields.get("groups", [])))
        except PersonError as error:
            raise ImmediateHttpResponse(
                render(request, "people/refused.html", {"lacks": [{"what": str(error)}]}, status=403)
            ) from error
        keep_access(sociallogin.user, sociallogin)

    def on_authentication_error(self, request: HttpRequest, provider: object, **kwargs: object) -> None:
        """Enter in the ledger that a provider let someone not in."""
        del provider, kwargs
        note_failed(request, None, "provider")


class _Counted:
    """A form for a code: wrong ones count, and a lock refuses right ones too."""

    user: DepartmentPerson

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True  # type: ignore[attr-defined]  # of the form beside it

    def clean_code(self) -> str:
        request = context.request
        if is_locked(self.user, device_of(request)):
            raise LoginAdapter().validation_error("codes_locked")
        code = str(super().clean_code())  # type: ignore[misc]
        if not use_up(self.user, code):
            note_failed(request, self.user, "code")
            raise LoginAdapter().validation_error("incorrect_code")
        return code

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        note_failed(context.request, self.user, "code")
        super()._emit_authentication_failed(authenticator)  # type: ignore[misc]


class CodeForm(_Counted, AuthenticateForm):  # type: ignore[misc]
    """A code at log-on."""


class FreshCodeForm(_Counted, ReauthenticateForm):  # type: ignore[misc]
    """A code for a fresh authentication."""


def require_code(person: DepartmentPerson, code: str) -> None:
    """Make sure that who runs a command has the person's authenticator app, or a recovery code; each code works once.

    Raises:
        PersonError: the code is wrong, or codes are locked for the person; a wrong one counts as at log-on.

    """
    if is_locked(person, None):
        raise PersonError(f"{person.login} is locked after too many wrong codes: have a supervisor release the lock.")
    types = [Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]
    factors = [authenticator.wrap() for authenticator in Authenticator.objects.filter(user=person, type__in=types)]
    if not factors:
        raise PersonError(
            f"{person.login} has no authenticator app, and a passkey does not work in a terminal: add an app under"
            " Your account."
        )
    if not any(factor.validate_code(code) for factor in factors) or not use_up(person, code):
        append(LedgerEvent.LOG_ON_FAILED, {"person": person.login, "method": "code", "known": False})
        note_failure(person, None)
        raise PersonError("This code is wrong, or was used before: run the command again with the next one.")


def has_factor(user: object) -> bool:
    """Tell whether someone has a second factor."""
    return isinstance(user, DepartmentPerson) and FactorAdapter().is_mfa_enabled(user)


def note_failed(request: HttpRequest, person: DepartmentPerson | None, method: str) -> None:
    """Enter a failure in the ledger and count it. What was typed for a log-in that no one has is not entered."""
    device: UUID | None = device_of(request)
    fields = {
        "person": person and person.login,
        "method": method,
        "known": person is not None and known(person, device) is not None,
    }
    append(LedgerEvent.LOG_ON_FAILED, fields)
    if person is not None:
        note_failure(person, device)


def note_log_off(sender: object, *, request: HttpRequest, user: DepartmentPerson | None, **kwargs: object) -> None:
    """Enter a log-off in the ledger, and from which browser."""
    del sender, kwargs
    if user is not None:
        device = device_of(request)
        append(LedgerEvent.LOG_OFF, {"person": user.login} | ({"device": str(device)} if device else {}))


def _person(credentials: dict[str, Any]) -> DepartmentPerson | None:
    return DepartmentPerson.objects.filter(login=str(credentials.get("username", "")).lower()).first()


def _use_up_invitation(request: HttpRequest, person: DepartmentPerson, *, by_code: bool) -> None:
    """Take the code of an invitation, which is good for one log-on."""
    if by_code and person.invited_until is not None and person.invited_until < timezone.now():
        raise ImmediateHttpResponse(render(request, "people/invitation_over.html", status=403))
    person.invited_until = None
    person.set_unusable_password()
    person.save(update_fields=["invited_until", "password"])
