"""Pages of sharing: the policy with its evidence, agencies and agreements, requests from outside, breaches."""

from collections.abc import Callable
from functools import partial

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from department.archive.errors import ArchiveRefusedError
from department.people.access import CurrentRequest, needs
from department.people.rights import Permission
from department.policy.policy import policy_in_force
from department.sharing import agencies as register
from department.sharing import clauses
from department.sharing import incidents as breach
from department.sharing import requests as outside
from department.sharing.errors import SharingError
from department.sharing.forms import (
    AgencyForm,
    AgreementForm,
    BecauseForm,
    DecisionForm,
    IncidentForm,
    PublishForm,
    RequestForm,
    RequestHoldForm,
    SealForm,
    VerificationForm,
)
from department.sharing.models import (
    Agency,
    BreachIncident,
    PolicyVersion,
    SharingAgreement,
    SharingRelease,
    SharingRequest,
)

Page = Callable[..., HttpResponse]
DECIDED = 50
"""Decided requests that the page lists."""


def _by_form(
    request: HttpRequest, form: forms.Form, change: Callable[..., object], to: str, page: Page
) -> HttpResponse:
    """Make a change that a form asks for; where it is refused, show the page with the form that says why."""
    if form.is_valid():
        try:
            change(form.cleaned_data)
            return redirect(to)
        except (SharingError, ArchiveRefusedError) as error:
            form.add_error(None, f"Refused: {error}.")
    return page(request, form, status=409)


@needs(Permission.SEE_STATUS)
@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """Show each clause with what keeps it and what is to be seen of it, and the versions that were published."""
    return _policy(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def publish(request: CurrentRequest) -> HttpResponse:
    """Publish the policy as it is in force."""
    person = request.user.login
    return _by_form(
        request,
        PublishForm(request.POST),
        lambda said: clauses.publish_policy(person=person, **said),
        "policy",
        _policy,
    )


def _policy(request: HttpRequest, form: forms.Form | None = None, *, status: int = 200) -> HttpResponse:
    shown = {
        "evidence": clauses.evidence(),
        "policy": policy_in_force(),
        "versions": PolicyVersion.objects.all(),
        "form": form or PublishForm(),
    }
    return render(request, "sharing/policy.html", shown, status=status)


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def agencies(request: HttpRequest) -> HttpResponse:
    """Show the register of agencies with what was agreed."""
    return _agencies(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def set_agency(request: CurrentRequest) -> HttpResponse:
    """Put an agency into the register, or change what it says."""
    form = AgencyForm(request.POST)
    change = lambda _: register.register_agency(form.agency, person=request.user.login)  # noqa: E731 - a line
    return _by_form(request, form, change, "agencies", _agencies)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def verify(request: CurrentRequest) -> HttpResponse:
    """Note that an agency was checked."""
    change = lambda said: register.verify_agency(**said, person=request.user.login)  # noqa: E731 - a line
    return _by_form(request, VerificationForm(request.POST), change, "agencies", _agencies)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def agree(request: CurrentRequest) -> HttpResponse:
    """Make an agreement."""
    form = AgreementForm(request.POST)
    change = lambda said: register.agree(said["agency"], form.agreed, person=request.user.login)  # noqa: E731 - a line
    return _by_form(request, form, change, "agencies", _agencies)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def end(request: CurrentRequest, number: int) -> HttpResponse:
    """End an agreement."""
    found = get_object_or_404(SharingAgreement, pk=number)
    change = lambda _: register.end_agreement(found, person=request.user.login)  # noqa: E731 - a line
    return _by_form(request, forms.Form(request.POST), change, "agencies", _agencies)


def _agencies(request: HttpRequest, bound: forms.Form | None = None, *, status: int = 200) -> HttpResponse:
    shown = {
        "agencies": Agency.objects.prefetch_related("verifications", "agreements"),
        "today": timezone.now().date(),
        "forms": _offered(bound, agency=AgencyForm, verification=VerificationForm, agreement=AgreementForm),
        "refused": bound if type(bound) is forms.Form else None,
    }
    return render(request, "sharing/agencies.html", shown, status=status)


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show the requests that wait for a decision, and those that were decided last."""
    return _requests(request)


@needs(Permission.ANSWER_REQUESTS)
@require_POST
def receive(request: CurrentRequest) -> HttpResponse:
    """Enter a request."""
    form = RequestForm(request.POST)
    change = lambda _: outside.receive(person=request.user.login, **form.said)  # noqa: E731 - a line
    return _by_form(request, form, change, "requests", _requests)


def _requests(request: HttpRequest, form: forms.Form | None = None, *, status: int = 200) -> HttpResponse:
    shown = {
        "waiting": SharingRequest.objects.filter(decided_at=None),
        "decided": SharingRequest.objects.exclude(decided_at=None).order_by("-decided_at")[:DECIDED],
        "form": form or RequestForm(initial={"received_on": timezone.localdate()}),
    }
    return render(request, "sharing/requests.html", shown, status=status)


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def one_request(request: HttpRequest, number: int) -> HttpResponse:
    """Show a request with its clock, hold and releases."""
    return _request(request, number=number)


@needs(Permission.ANSWER_REQUESTS)
@require_POST
def extend(request: CurrentRequest, number: int) -> HttpResponse:
    """Extend a request."""
    found, form = get_object_or_404(SharingRequest, pk=number), BecauseForm(request.POST)
    return _changed(request, found, form, lambda said: outside.extend(found, person=request.user.login, **said))


@needs(Permission.ANSWER_REQUESTS)
@require_POST
def hold(request: CurrentRequest, number: int) -> HttpResponse:
    """Hold what a request is about."""
    found, form = get_object_or_404(SharingRequest, pk=number), RequestHoldForm(request.POST)
    return _changed(request, found, form, lambda _: outside.hold_for(found, form.scope, person=request.user.login))


@needs(Permission.RELEASE_RECORDS)
@require_POST
def decide(request: CurrentRequest, number: int) -> HttpResponse:
    """Decide a request."""
    found, form = get_object_or_404(SharingRequest, pk=number), DecisionForm(request.POST)
    return _changed(request, found, form, lambda said: outside.decide(found, person=request.user.login, **said))


@needs(Permission.RELEASE_RECORDS)
@require_POST
def recall(request: CurrentRequest, number: int) -> HttpResponse:
    """Recall a release."""
    release, form = get_object_or_404(SharingRelease, pk=number), BecauseForm(request.POST)
    change = lambda said: outside.recall(release, person=request.user.login, **said)  # noqa: E731 - a line
    return _changed(request, release.request, form, change)


def _changed(
    request: HttpRequest, found: SharingRequest, form: forms.Form, change: Callable[..., object]
) -> HttpResponse:
    page = partial(_request, number=found.pk)
    return _by_form(request, form, change, reverse("request", args=[found.pk]), page)


def _request(request: HttpRequest, bound: forms.Form | None = None, *, number: int, status: int = 200) -> HttpResponse:
    found = get_object_or_404(SharingRequest, pk=number)
    shown = {
        "asked": found,
        "forms": _offered(bound, extend=BecauseForm, hold=RequestHoldForm, decide=DecisionForm),
        "refused": bound,
    }
    return render(request, "sharing/request.html", shown, status=status)


def _offered(bound: forms.Form | None, **kinds: type[forms.Form]) -> dict[str, forms.Form]:
    """Return the forms of a page, one of which may have been sent."""
    return {name: bound if type(bound) is kind else kind(auto_id=f"{name}_%s") for name, kind in kinds.items()}


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def incidents(request: HttpRequest) -> HttpResponse:
    """Show the incidents with their clocks and what is to be done at once."""
    return _incidents(request)


@needs(Permission.ANSWER_REQUESTS)
@require_POST
def open_incident(request: CurrentRequest) -> HttpResponse:
    """Open an incident."""
    change = lambda said: breach.open_incident(person=request.user.login, **said)  # noqa: E731 - a line
    return _by_form(request, IncidentForm(request.POST), change, "incidents", _incidents)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def sealed_list(request: CurrentRequest, number: int) -> HttpResponse:
    """Compute whom an incident affects, and give the list, encrypted to the records manager's key."""
    found, form = get_object_or_404(BreachIncident, pk=number), SealForm(request.POST)
    if not form.is_valid():
        return _incidents(request, form, status=422)
    try:
        sealed = breach.sealed_list(found, form.recipient, person=request.user)
    except SharingError as error:
        form.add_error(None, f"Refused: {error}.")
        return _incidents(request, form, status=409)
    name = f'attachment; filename="incident-{found.pk}.jwe"'
    return HttpResponse(sealed, "application/jose", headers={"Content-Disposition": name})


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def notice(request: HttpRequest, number: int, whom: str) -> HttpResponse:
    """Show the notice for the affected, or the attorney general's copy, to be printed."""
    found = get_object_or_404(BreachIncident, pk=number)
    shown = {"incident": found, "attorney_general": whom == "attorney-general", "steps": breach.containment(found)}
    return render(request, "sharing/notice.html", shown)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def notified(request: CurrentRequest, number: int) -> HttpResponse:
    """Note that the affected were told."""
    found = get_object_or_404(BreachIncident, pk=number)
    change = lambda _: breach.note_notices(found, person=request.user.login)  # noqa: E731 - a line
    return _by_form(request, forms.Form(request.POST), change, "incidents", _incidents)


def _incidents(request: HttpRequest, bound: forms.Form | None = None, *, status: int = 200) -> HttpResponse:
    shown = {
        "incidents": [(each, breach.containment(each), _many(each)) for each in BreachIncident.objects.all()],
        "forms": _offered(bound, incident=IncidentForm, seal=SealForm),
        "refused": bound if not isinstance(bound, IncidentForm) else None,
    }
    return render(request, "sharing/incidents.html", shown, status=status)


def _many(incident: BreachIncident) -> bool:
    return (incident.plates or 0) > breach.ATTORNEY_GENERAL
