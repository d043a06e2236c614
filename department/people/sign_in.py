"""Signing in: what the pages say when it fails, and what becomes of a form whose session had ended."""

from ipaddress import ip_address
from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import authenticate
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from platepost.department.people import pending
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.rights import Permission


class LogInView(LoginView):  # type: ignore[misc]
    """The log-in; it says so where no passkey can work, which browsers themselves do not, and why a session ended."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page is made of."""
        host, _port = split_domain_port(self.request.get_host())
        shown = {"by_address": _is_address(host.strip("[]")), "ended": pending.ended(self.request)}
        return {**super().get_context_data(**kwargs), **shown}


class PasskeyLogInView(LoginWebAuthnView):  # type: ignore[misc]
    """The log-in by a passkey; where it fails, the person still comes to the page that they wanted."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:  # noqa: ARG002 - as in allauth
        """Go back to the log-in, which says what happened."""
        return _refused(self.request, "account_login")


class FreshPasskeyView(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """A fresh authentication by a passkey; where it fails, the person tries again."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:  # noqa: ARG002 - as in allauth
        """Show the page again, which says what happened."""
        return _refused(self.request, "mfa_reauthenticate_webauthn")


def code_step(request: HttpRequest) -> HttpResponseBase:
    """Ask for the code; say so where the password was typed too long ago."""
    response: HttpResponseBase = authenticate(request)
    begins_again = isinstance(response, HttpResponseRedirect) and response.url == reverse("account_login")
    if begins_again and not request.user.is_authenticated:
        messages.error(request, _("The sign-in took longer than 15 minutes and has expired. Start it again."))
    return response


@needs(Permission.OWN_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def form_again(request: CurrentRequest) -> HttpResponse:
    """Offer a form that was sent after the session had ended, or discard it."""
    form = pending.kept_form(request, request.user.login)
    if form is None or request.method == "POST":
        pending.drop_form(request)
        return redirect(form.page if form is not None else "home")
    return render(request, "people/form_again.html", {"kept": form})


def _refused(request: HttpRequest, route: str) -> HttpResponse:
    messages.error(
        request,
        _(
            "This passkey was not accepted: it is another account's, was removed, or the page was open for too long. "
            "Try again, or use another way to sign in."
        ),
    )
    next_url = request.POST.get("next", "")
    return HttpResponseRedirect(reverse(route) + (f"?{urlencode({'next': next_url})}" if next_url else ""))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
