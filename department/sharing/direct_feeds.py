"""The page of subscribers that receive every read directly from the broker, and who answers for each."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from platepost.department.ledger.direct_feeds import agree_feed, confirm_feed, direct_feeds, stored_register
from platepost.department.people.access import CurrentRequest, accepted, needs
from platepost.department.people.forms import DayField
from platepost.department.people.rights import Permission


class AgreementForm(forms.Form):
    """The agreement by which a subscriber hears every read."""

    reader = forms.CharField(widget=forms.HiddenInput, max_length=64)
    says = forms.CharField(label=_("Agreement"), max_length=200, help_text=_("Its number, and with whom."))
    until = DayField(label=_("Last day"), help_text=_("To its end, where the department is."))

    def clean_reader(self) -> str:
        """Refuse who hears nothing."""
        reader = str(self.cleaned_data["reader"])
        if reader not in {feed.holder.name for feed in direct_feeds(stored_register())}:
            raise forms.ValidationError("The fleet granted them nothing.")
        return reader


@needs(Permission.SEE_STATUS)
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Show who hears every read, and what is wrong with that."""
    return _page(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def agree(request: CurrentRequest) -> HttpResponse:
    """Enter an agreement."""
    return _change_agreement(
        request, AgreementForm(request.POST), lambda cleaned: agree_feed(**cleaned, person=request.user.login)
    )


@needs(Permission.CONFIRM_AGREEMENTS)
@require_POST
def confirm(request: CurrentRequest, agreement: int) -> HttpResponse:
    """Be the second person for an agreement."""
    return _change_agreement(
        request, forms.Form(request.POST), lambda _: confirm_feed(agreement, person=request.user.login)
    )


def _change_agreement(request: HttpRequest, form: forms.Form, change: Callable[[Any], object]) -> HttpResponse:
    return redirect("direct_feeds") if accepted(form, change) else _page(request, form)


def _page(request: HttpRequest, refused: forms.Form | None = None) -> HttpResponse:
    shown = [
        (feed, feed.faults(), AgreementForm(initial={"reader": feed.holder.name}, auto_id=f"{feed.holder.name}_%s"))
        for feed in direct_feeds(stored_register())
    ]
    return render(
        request,
        "sharing/direct_feeds.html",
        {"direct_feeds": shown, "refused": refused},
        status=422 if refused else 200,
    )
