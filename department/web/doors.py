"""The page of side doors: who gets records without asking these pages, and who answers for that."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from department.ledger.doors import agree_reads, confirm_reads, reads_doors
from department.ledger.errors import AgreementError
from department.people.access import CurrentRequest, needs
from department.people.rights import Permission
from device.files import StateFile
from provisioning.fleet.register import PostKeyRegister


class AgreementForm(forms.Form):
    """The agreement by which a subscriber hears every read."""

    reader = forms.CharField(widget=forms.HiddenInput, max_length=64)
    says = forms.CharField(label="Agreement", max_length=200, help_text="Its number, and with whom.")
    until = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))


@needs(Permission.SEE_STATUS)
@require_safe
def doors(request: HttpRequest) -> HttpResponse:
    """Show who hears every read, and what is wrong with that."""
    return _page(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def agree(request: CurrentRequest) -> HttpResponse:
    """Enter an agreement."""
    form = AgreementForm(request.POST)
    if not form.is_valid():
        return _page(request, error="An agreement has a name and a last day.", status=422)
    said = form.cleaned_data
    try:
        agree_reads(said["reader"], said["says"], said["until"], person=request.user.login)
    except AgreementError as error:
        return _page(request, error=str(error), status=422)
    return redirect("doors")


@needs(Permission.CONFIRM_READS)
@require_POST
def confirm(request: CurrentRequest, agreement: int) -> HttpResponse:
    """Be the second person for an agreement."""
    try:
        confirm_reads(agreement, person=request.user.login)
    except AgreementError as error:
        return _page(request, error=str(error), status=422)
    return redirect("doors")


def _page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    register = StateFile(settings.KEPT_REGISTER, PostKeyRegister, about="the register of the posts' keys").read()
    shown = [
        (door, door.faults(), AgreementForm(initial={"reader": door.holder.name}, auto_id=f"{door.holder.name}_%s"))
        for door in reads_doors(register)
    ]
    return render(request, "web/doors.html", {"doors": shown, "error": error}, status=status)
