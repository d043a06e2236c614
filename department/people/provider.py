"""What the identity provider reports after someone has logged on: that they left, or are in other groups.

Two ways, for providers differ. The provider reports a log-off itself (OpenID Connect Back-Channel Logout 1.0). And
every twenty seconds this asks it, by the refresh token of each person who logged on by it within twelve hours: a
provider refuses the token of someone who was disabled or removed (RFC 6749, section 5.2, `invalid_grant`). Then their
sessions end, the roles of the provider's groups too, and no passkey lets them in until the provider does.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests
from allauth.socialaccount import app_settings
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from platepost.department.database.queries import rows
from platepost.department.errors import DepartmentError
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from platepost.department.people.crypt import secrets_box
from platepost.department.people.errors import PersonError
from platepost.department.people.models import DepartmentPerson, ProviderAccess
from platepost.department.people.services import take_groups

log = logging.getLogger(__name__)
EVERY_SECONDS = 20.0
_SECONDS = 10
"""That the provider has for an answer."""
_LOG_OUT = "http://schemas.openid.net/event/backchannel-logout"
_LONGEST_TOKEN = 1 << 14


def keep_access(person: DepartmentPerson, login: SocialLogin) -> None:
    """Store by what the provider is asked about someone who has just come from it."""
    token, claims = login.token, login.account.extra_data.get("id_token") or {}
    refresh = token.token_secret if token is not None else ""
    ProviderAccess.objects.update_or_create(
        person=person,
        defaults={
            "provider": login.account.provider,
            "session": str(claims.get("sid", "")),
            "refresh": secrets_box().encrypt(refresh.encode()).decode("ascii") if refresh else "",
            "ended_at": None,
        },
    )


def has_left(person: DepartmentPerson) -> bool:
    """Tell whether the provider ended someone's access, and has not let them in since."""
    return ProviderAccess.objects.filter(person=person).exclude(ended_at=None).exists()


def end_sessions(person: DepartmentPerson) -> None:
    """End all sessions of a person: of pages at the next request, of streams within a second."""
    rows("SELECT people_end_sessions(%s)::text", [person.pk])


def end_access(access: ProviderAccess, why: str) -> None:
    """End what someone has by the provider: their sessions, and the roles of its groups.

    Raises:
        LedgerError: it cannot be entered.

    """
    person = access.person
    end_sessions(person)
    take_groups(person, access.provider, [])
    ProviderAccess.objects.filter(pk=access.pk).update(ended_at=timezone.now(), refresh="")
    append(LedgerEvent.PROVIDER_ENDED, {"person": person.login, "why": why})
    log.warning("the identity provider ended the access of %s: %s", person.login, why)


class IdentityProviderClient:
    """Asks the provider of the settings. Raises requests.RequestException: it does not answer."""

    def __init__(self) -> None:
        (self._app,) = app_settings.PROVIDERS["openid_connect"]["APPS"]
        self._known: Mapping[str, Any] | None = None

    @property
    def configuration(self) -> Mapping[str, Any]:
        """What the provider says of itself."""
        if self._known is None:
            address = f"{self._app['settings']['server_url'].rstrip('/')}/.well-known/openid-configuration"
            self._known = self._answer(requests.get(address, timeout=_SECONDS))
        return self._known

    def groups(self, refresh: str) -> tuple[str, list[str]] | None:
        """Return the refresh token that is good from now on, and the groups; None where the token is good no longer."""
        client, secret = self._app["client_id"], self._app["secret"]
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        methods = self.configuration.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        by_form = "client_secret_post" in methods
        answer = requests.post(
            self.configuration["token_endpoint"],
            data=form | ({"client_id": client, "client_secret": secret} if by_form else {}),
            auth=None if by_form else (client, secret),
            timeout=_SECONDS,
            allow_redirects=False,
        )
        if answer.status_code in {400, 401} and self._error(answer) == "invalid_grant":
            return None
        tokens = self._answer(answer)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        claims = requests.get(self.configuration["userinfo_endpoint"], headers=headers, timeout=_SECONDS)
        if claims.status_code in {401, 403}:
            return None
        return str(tokens.get("refresh_token", refresh)), [
            str(group) for group in self._answer(claims).get("groups", [])
        ]

    def logged_out(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a logout token. Raises OAuth2Error: it is none of the provider's."""
        try:
            claims: Mapping[str, Any] = jwtkit.verify_and_decode(
                credential=token,
                keys_url=self.configuration["jwks_uri"],
                issuer=self.configuration["issuer"],
                audience=self._app["client_id"],
                lookup_kid=jwtkit.lookup_kid_jwk,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OAuth2Error("it is no token") from error
        if _LOG_OUT not in (claims.get("events") or {}) or "nonce" in claims:
            raise OAuth2Error("it is no logout token")
        return claims

    @staticmethod
    def _error(answer: requests.Response) -> object:
        try:
            return answer.json().get("error")
        except (ValueError, AttributeError):
            return None

    @staticmethod
    def _answer(answer: requests.Response) -> dict[str, Any]:
        answer.raise_for_status()
        fields = answer.json()
        if not isinstance(fields, dict):
            raise requests.RequestException("the provider's answer is no object")
        return fields


@csrf_exempt
@require_POST
def back_channel(request: HttpRequest, provider_id: str) -> HttpResponse:
    """End the sessions that the provider reports as over; its signature is the proof."""
    token = request.POST.get("logout_token", "")
    if not app_settings.PROVIDERS or not 0 < len(token) <= _LONGEST_TOKEN:
        return HttpResponse(status=400)
    try:
        claims = IdentityProviderClient().logged_out(token)
    except OAuth2Error:
        return HttpResponse(status=400)
    except requests.RequestException:
        return HttpResponse(status=503)
    known = ProviderAccess.objects.select_related("person")
    if "sub" in claims:
        accounts = SocialAccount.objects.filter(provider=provider_id, uid=str(claims["sub"]))
        known = known.filter(person__in=accounts.values("user_id"))
    elif claims.get("sid"):
        known = known.filter(session=str(claims["sid"]))
    else:
        return HttpResponse(status=400)
    for access in known:
        end_sessions(access.person)
        append(LedgerEvent.PROVIDER_ENDED, {"person": access.person.login, "why": "logged off at the provider"})
    return HttpResponse(status=200, headers={"Cache-Control": "no-store"})


def check_accesses(client: IdentityProviderClient) -> int:
    """Ask the provider once about each person who logged on by it within twelve hours; return how many had left.

    Where it does not answer, nothing ends: a provider that is away locks no dispatcher out.
    """
    since = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    ended = 0
    for access in ProviderAccess.objects.filter(ended_at=None, person__last_login__gt=since).exclude(refresh=""):
        try:
            answer = client.groups(secrets_box().decrypt(access.refresh.encode()).decode())
        except InvalidToken:  # of another secret-key
            continue
        except (requests.ConnectionError, requests.Timeout) as error:
            log.warning("the identity provider cannot be asked who has left: %s", type(error).__name__)
            return ended
        except (requests.RequestException, LookupError, TypeError, ValueError) as error:
            # An answer about one person that cannot be read must not keep the others from being asked about.
            log.warning("the identity provider's answer about %s: %s", access.person.login, type(error).__name__)
            continue
        if answer is None:
            end_access(access, "the provider refuses to renew the access")
            ended += 1
            continue
        refresh, groups = answer
        sealed = secrets_box().encrypt(refresh.encode()).decode("ascii")
        ProviderAccess.objects.filter(pk=access.pk, ended_at=None).update(refresh=sealed)
        try:
            take_groups(access.person, access.provider, groups)
        except PersonError as error:
            log.warning("groups of %s give no role: %s", access.person.login, error)
    return ended


class ProviderWatch:
    """Asks the provider again and again, in a thread, until it is closed; does nothing where there is none."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def start(self) -> None:
        """Begin."""
        if app_settings.PROVIDERS:
            threading.Thread(target=self._run, name="identity provider", daemon=True).start()

    def close(self) -> None:
        """End; from a signal's handler, too."""
        self._closed.set()

    def _run(self) -> None:
        client = IdentityProviderClient()
        while not self._closed.wait(EVERY_SECONDS):
            try:
                check_accesses(client)
            except (Error, DepartmentError, KeyError, ValueError) as error:
                log.warning("the identity provider's word was not taken: %s", type(error).__name__)
            finally:
                connection.close()
