"""The page on which two persons admit what a post's key signed after its end: see `custody.admissions`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from platepost.department.custody.admissions import (
    admissions,
    ask_admission,
    confirm_admission,
    end_admission,
    record_stolen,
)
from platepost.department.ledger.direct_feeds import stored_register
from platepost.department.people.access import CurrentRequest, accepted, needs
from platepost.department.people.forms import CHOOSE, TimeField
from platepost.department.people.rights import Permission
from platepost.department.web.moments import minute
from platepost.provisioning.fleet.register import PostKey


class AdmissionForm(forms.Form):
    """What is to be admitted."""

    key = forms.ChoiceField(label=_("Post and key"))
    since = TimeField(label=_("Signed from"), help_text=_("By the unit's clock; after the key had ended."))
    until = TimeField(label=_("Signed until"), ends=True)
    reason = forms.CharField(
        label=_("Reason"), max_length=1000, help_text=_("Where the unit was meanwhile, and how you know that.")
    )

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._keys = {f"{post} {key.kid}": (post, key) for post, key in _ended_keys()}
        choices = [(name, _shown(post, key)) for name, (post, key) in self._keys.items()]
        self.fields["key"].choices = [CHOOSE, *choices]  # type: ignore[attr-defined]  # a choice of keys

    def clean(self) -> dict[str, Any]:
        """Refuse a span that begins before the key's end: what was made then needs no admission."""
        cleaned = super().clean() or {}
        if "key" in cleaned and "since" in cleaned:
            post, key = self._keys[cleaned["key"]]
            if key.until is not None and cleaned["since"] < _minute(key.until):
                raise ValidationError(_("This key had not ended then. Enter a time after its end."))
            cleaned |= {"post": post, "key": key.kid}
        return cleaned


def _minute(moment: datetime) -> datetime:
    """Return a time as people can enter it."""
    return moment.replace(second=0, microsecond=0)


def _ended_keys() -> list[tuple[str, PostKey]]:
    register = stored_register()
    posts = () if register is None else register.posts
    return [(post.name, key) for post in posts for key in post.keys if key.until is not None]


def _shown(post: str, key: PostKey) -> str:
    return f"{post}: {key.kid[:12]}, {key.ended}, {minute(key.until)}"


@needs(Permission.SEE_STATUS)
@require_safe
def show(request: CurrentRequest) -> HttpResponse:
    """Show what is admitted, and by whom."""
    return _page(request)


@needs(Permission.ADMIT_RECORDS)
@require_POST
def ask(request: CurrentRequest) -> HttpResponse:
    """Ask for an admission."""
    return _change_admission(
        request, AdmissionForm(request.POST), lambda cleaned: ask_admission(**cleaned, person=request.user.login)
    )


@needs(Permission.APPROVE_PEOPLE)
@require_POST
def confirm(request: CurrentRequest, number: int) -> HttpResponse:
    """Confirm an admission as the second person."""
    return _change_admission(
        request, forms.Form(request.POST), lambda _: confirm_admission(number, person=request.user.login)
    )


@needs(Permission.APPROVE_PEOPLE)
@require_POST
def end(request: CurrentRequest, number: int) -> HttpResponse:
    """End an admission."""
    return _change_admission(
        request, forms.Form(request.POST), lambda _: end_admission(number, person=request.user.login)
    )


@needs(Permission.APPROVE_PEOPLE)
@require_POST
def stolen(request: CurrentRequest, number: int) -> HttpResponse:
    """Record the key of an admission as stolen."""
    return _change_admission(
        request, forms.Form(request.POST), lambda _: record_stolen(number, person=request.user.login)
    )


def _change_admission(request: CurrentRequest, form: forms.Form, change: Callable[[Any], object]) -> HttpResponse:
    return redirect("admissions") if accepted(form, change) else _page(request, form)


def _page(request: CurrentRequest, refused: forms.Form | None = None) -> HttpResponse:
    asking = refused if isinstance(refused, AdmissionForm) else AdmissionForm()
    shown = {"admissions": admissions(), "form": asking, "refused": None if refused is asking else refused}
    return render(request, "status/admissions.html", shown, status=422 if refused else 200)
