"""Pages of sharing: the policy with its evidence, agencies and agreements, requests from outside, breaches."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platepost.department.ledger.models import Agency
from platepost.department.people.access import CurrentRequest, FormActs, accepted, done_by_form, needs
from platepost.department.people.rights import Permission
from platepost.department.policy.law import NO_CEILING
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing import agencies as register
from platepost.department.sharing import clauses, laws
from platepost.department.sharing import incidents as breach
from platepost.department.sharing import requests as outside
from platepost.department.sharing.forms import (
    AgencyForm,
    ConfirmAgencyForm,
    ConfirmAgreementForm,
    DecisionForm,
    EndForm,
    IncidentForm,
    PublishForm,
    RecallForm,
    RedactedLogForm,
    RequestForm,
    RequestHoldForm,
    RequestReasonForm,
    SealForm,
    SharingAgreementForm,
    VerificationForm,
)
from platepost.department.sharing.models import BreachIncident, PolicyVersion, SharingRequest
from platepost.department.sharing.notice import BreachNotice, breach_notice

DECIDED = 50
"""Decided requests that the page lists."""


def _offered(bound: forms.Form | None, **kinds: type[forms.Form]) -> dict[str, Any]:
    """Return the forms of a page, one of which may have been sent, and what is wrong with that."""
    offered = {name: bound if type(bound) is kind else kind(auto_id=f"{name}_%s") for name, kind in kinds.items()}
    return {"forms": offered, "refused": bound if bound is not None and bound.is_bound else None}


@needs(Permission.SEE_STATUS)
@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """Show each clause with its control and its evidence, and the published versions of the policy."""
    return _policy(request, PublishForm())


@needs(Permission.RELEASE_RECORDS)
@require_POST
def propose_law(request: CurrentRequest) -> HttpResponse:
    """Propose that the law of the policy file binds the department."""
    return _change_law(request, laws.propose_law)


@needs(Permission.CONFIRM_AGREEMENTS)
@require_POST
def confirm_law(request: CurrentRequest) -> HttpResponse:
    """Be the second person for the law that waits."""
    return _change_law(request, laws.confirm_law)


def _change_law(request: CurrentRequest, change: Callable[..., object]) -> HttpResponse:
    form = forms.Form(request.POST)
    if accepted(form, lambda _: change(person=request.user.login)):
        return redirect("policy")
    return _policy(request, PublishForm(), refused=form)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def publish(request: CurrentRequest) -> HttpResponse:
    """Publish the policy as it is in force."""
    form = PublishForm(request.POST)
    if accepted(form, lambda cleaned: clauses.publish_policy(person=request.user.login, **cleaned)):
        return redirect("policy")
    return _policy(request, form)


def _policy(request: HttpRequest, form: forms.Form, *, refused: forms.Form | None = None) -> HttpResponse:
    policy = policy_in_force()
    shown = {
        "evidence": clauses.evidence(),
        "policy": policy,
        "law": policy.law,
        "no_ceiling": NO_CEILING,
        "bound": laws.bound_law(),
        "law_differs": laws.law_differs(),
        "waiting_law": laws.waiting_law(),
        "versions": PolicyVersion.objects.all(),
        "form": form,
        "refused": refused,
    }
    return render(request, "sharing/policy.html", shown, status=409 if form.is_bound or refused else 200)


@needs(Permission.SEE_AGENCIES)
@require_safe
def agencies(request: HttpRequest) -> HttpResponse:
    """Show the register of agencies with what was agreed."""
    return _agencies(request)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def change_agencies(request: CurrentRequest, what: str) -> HttpResponse:
    """Change the register: set or verify an agency, make or end an agreement."""
    person = request.user.login
    acts: FormActs = {
        "set": (AgencyForm, lambda form: register.register_agency(form.agency, person=person)),
        "verify": (VerificationForm, lambda form: register.verify_agency(**form.cleaned_data, person=person)),
        "agree": (SharingAgreementForm, lambda form: register.agree(**form.cleaned_data, person=person)),
        "end": (EndForm, lambda form: register.end_agreement(form.cleaned_data["agreement"], person=person)),
    }
    form, done = done_by_form(request, acts, what)
    return redirect("agencies") if done else _agencies(request, form)


@needs(Permission.CONFIRM_AGREEMENTS)
@require_POST
def confirm_agencies(request: CurrentRequest, what: str) -> HttpResponse:
    """Be the second person for an agency or an agreement."""
    person = request.user.login
    acts: FormActs = {
        "agency": (
            ConfirmAgencyForm,
            lambda form: register.confirm_agency(form.cleaned_data["agency"].name, person=person),
        ),
        "agreement": (
            ConfirmAgreementForm,
            lambda form: register.confirm_agreement(form.cleaned_data["agreement"], person=person),
        ),
    }
    form, done = done_by_form(request, acts, what)
    return redirect("agencies") if done else _agencies(request, form)


def _agencies(request: HttpRequest, bound: forms.Form | None = None) -> HttpResponse:
    shown = {
        "agencies": Agency.objects.prefetch_related("verifications", "agreements"),
        "today": timezone.localdate(),
        **_offered(bound, agency=AgencyForm, verification=VerificationForm, agreement=SharingAgreementForm),
    }
    return render(request, "sharing/agencies.html", shown, status=409 if bound else 200)


@needs(Permission.ANSWER_REQUESTS)
def requests(request: CurrentRequest) -> HttpResponse:
    """Show the requests that wait for a decision and those that were decided last, and enter one."""
    form = RequestForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if form.is_bound and accepted(form, lambda _: outside.receive(person=request.user.login, **form.request_fields)):
        return redirect("requests")
    shown = {
        "waiting": SharingRequest.objects.filter(decided_at=None),
        "decided": SharingRequest.objects.exclude(decided_at=None).order_by("-decided_at")[:DECIDED],
        "form": form,
    }
    return render(request, "sharing/requests.html", shown, status=409 if form.is_bound else 200)


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def one_request(request: HttpRequest, number: int) -> HttpResponse:
    """Show a request with its clock, hold and releases."""
    return _request(request, get_object_or_404(SharingRequest, pk=number))


@needs(Permission.RELEASE_RECORDS)
@require_POST
def change_request(request: CurrentRequest, number: int, what: str) -> HttpResponse:
    """Extend or decide a request, hold what it is about, recall what was released."""
    sharing_request, person = get_object_or_404(SharingRequest, pk=number), request.user.login
    acts: FormActs = {
        "extend": (RequestReasonForm, lambda form: outside.extend(sharing_request, person=person, **form.cleaned_data)),
        "hold": (RequestHoldForm, lambda form: outside.hold_for(sharing_request, form.scope, person=person)),
        "decide": (DecisionForm, lambda form: outside.decide(sharing_request, person=person, **form.cleaned_data)),
        "recall": (RecallForm, lambda form: outside.recall(person=person, **form.cleaned_data)),
    }
    form, done = done_by_form(request, acts, what)
    return redirect("request", number) if done else _request(request, sharing_request, form)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def redacted_log(request: CurrentRequest, number: int) -> HttpResponse:
    """Give the searches of some days, redacted, for people who ask for public records."""
    sharing_request, form, texts = (
        get_object_or_404(SharingRequest, pk=number),
        RedactedLogForm(request.POST),
        list[str](),
    )
    if not accepted(
        form, lambda days: texts.append(outside.redacted_log(sharing_request, **days, person=request.user))
    ):
        return _request(request, sharing_request, form)
    name = f'attachment; filename="request-{sharing_request.pk}.csv"'
    return HttpResponse(texts[0], "text/csv; charset=utf-8", headers={"Content-Disposition": name})


def _request(request: HttpRequest, sharing_request: SharingRequest, bound: forms.Form | None = None) -> HttpResponse:
    typed = bound if isinstance(bound, RecallForm) else None
    recalls = [
        (
            release,
            typed
            if typed is not None and typed.data.get("release") == str(release.pk)
            else RecallForm(initial={"release": release.pk}, auto_id=f"recall-{release.pk}_%s"),
        )
        for release in sharing_request.releases.all()
    ]
    offered = _offered(bound, extend=RequestReasonForm, hold=RequestHoldForm, decide=DecisionForm, log=RedactedLogForm)
    shown = {"asked": sharing_request, "releases": recalls, **offered}
    return render(request, "sharing/request.html", shown, status=409 if bound else 200)


@needs(Permission.ANSWER_REQUESTS)
def incidents(request: CurrentRequest) -> HttpResponse:
    """Show the incidents with their clocks and what is to be done at once, and open one."""
    form = IncidentForm(request.POST or None)
    if form.is_bound and accepted(form, lambda cleaned: breach.open_incident(person=request.user.login, **cleaned)):
        return redirect("incidents")
    return _incidents(request, form)


@needs(Permission.RELEASE_RECORDS)
@require_POST
def sealed_list(request: CurrentRequest, number: int) -> HttpResponse:
    """Compute whom an incident affects, and give the list, encrypted to the records manager's key."""
    incident, form, sealed = get_object_or_404(BreachIncident, pk=number), SealForm(request.POST), list[bytes]()
    if not accepted(form, lambda _: sealed.append(breach.sealed_list(incident, form.recipient, person=request.user))):
        return _incidents(request, form)
    name = f'attachment; filename="incident-{incident.pk}.jwe"'
    return HttpResponse(sealed[0], "application/jose", headers={"Content-Disposition": name})


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def notice(request: HttpRequest, number: int, whom: str) -> HttpResponse:
    """Show the notice for the affected, or the attorney general's copy, to be printed."""
    return render(request, "sharing/notice.html", {"notice": _notice(number, whom)})


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def notice_pdf(request: HttpRequest, number: int, whom: str) -> HttpResponse:
    """Give the notice for the affected, or the attorney general's copy, as PDF."""
    fields, form, names = _notice(number, whom), forms.Form({}), list[bytes]()
    from platepost.department.sharing.notice_pdf import notice_pdf as pdf_of  # noqa: PLC0415 - slow to load

    if not accepted(form, lambda _: names.append(pdf_of(fields))):
        return _incidents(request, form)
    name = f'attachment; filename="incident-{number}-notice-{whom}.pdf"'
    return HttpResponse(names[0], "application/pdf", headers={"Content-Disposition": name})


def _notice(number: int, whom: str) -> BreachNotice:
    if whom not in {"affected", "attorney-general"}:
        raise Http404
    incident = get_object_or_404(BreachIncident, pk=number, computed_at__isnull=False)
    return breach_notice(incident, attorney_general=whom == "attorney-general")


@needs(Permission.RELEASE_RECORDS)
@require_POST
def notified(request: CurrentRequest, number: int) -> HttpResponse:
    """Note that the affected were told."""
    incident, form = get_object_or_404(BreachIncident, pk=number), forms.Form(request.POST)
    if accepted(form, lambda _: breach.note_notices(incident, person=request.user.login)):
        return redirect("incidents")
    return _incidents(request, form)


def _incidents(request: HttpRequest, form: forms.Form) -> HttpResponse:
    shown = {
        "incidents": [
            (each, breach.containment(each), (each.plates or 0) > breach.ATTORNEY_GENERAL)
            for each in BreachIncident.objects.all()
        ],
        **_offered(form, incident=IncidentForm, seal=SealForm),
    }
    return render(request, "sharing/incidents.html", shown, status=409 if form.is_bound else 200)
