"""Pages of sharing: agencies and agreements, requests from outside, breaches."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from platepost.department.archive.evidence_package import AGE_BEGINS
from platepost.department.ledger.models import Agency
from platepost.department.people.access import CurrentRequest, FormActs, accepted, done_by_form, needs
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission, roles_that_may
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing import agencies as register
from platepost.department.sharing import incidents as breach
from platepost.department.sharing import requests as outside
from platepost.department.sharing.deadlines import deadline_months
from platepost.department.sharing.forms import (
    AgencyForm,
    ConfirmAgencyForm,
    ConfirmAgreementForm,
    DecisionForm,
    EndForm,
    IncidentForm,
    RecallForm,
    RedactedLogForm,
    RequestForm,
    RequestHoldForm,
    RequestReasonForm,
    SealForm,
    SharingAgreementForm,
    VerificationForm,
)
from platepost.department.sharing.letters import letter_of, letters_of
from platepost.department.sharing.models import BreachIncident, SharingRequest
from platepost.department.sharing.notice import BreachNotice, breach_notice
from platepost.department.sharing.notice_pdf import notice_pdf as pdf_of_notice
from platepost.department.web.pdf import pdf_answer

DECIDED = 50
"""Decided requests that the page lists."""


def _offered(bound: forms.Form | None, **kinds: type[forms.Form]) -> dict[str, Any]:
    """Return the forms of a page, one of which may have been sent, and what is wrong with that."""
    offered = {name: bound if type(bound) is kind else kind(auto_id=f"{name}_%s") for name, kind in kinds.items()}
    return {"forms": offered, "refused": bound if bound is not None and bound.is_bound else None}


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
        "agree": (SharingAgreementForm, lambda form: register.enter_agreement(**form.cleaned_data, person=person)),
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
    form, entered = RequestForm(request.POST or None), list[SharingRequest]()
    if form.is_bound and accepted(
        form, lambda _: entered.append(outside.receive(person=request.user.login, **form.request_fields))
    ):
        return redirect("request", entered[0].pk)
    shown = {
        "months": deadline_months(SharingRequest.objects.filter(decided_at=None), timezone.localdate()),
        "today": timezone.localdate(),
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
        "correct": (RequestForm, lambda form: outside.correct(sharing_request, person=person, **form.request_fields)),
        "acknowledged": (forms.Form, lambda _: outside.acknowledge(sharing_request, person=person)),
        "extend": (RequestReasonForm, lambda form: outside.extend(sharing_request, person=person, **form.cleaned_data)),
        "hold": (RequestHoldForm, lambda form: outside.hold_for(sharing_request, form.scope, person=person)),
        "decide": (
            partial(DecisionForm, parts=sharing_request.parts),
            lambda form: outside.decide(sharing_request, person=person, answers=form.answers),
        ),
        "undo": (forms.Form, lambda _: outside.take_back(sharing_request, person=person)),
        "sent": (forms.Form, lambda _: outside.note_sent(sharing_request, person=person)),
        "recall": (RecallForm, lambda form: outside.recall(person=person, **form.cleaned_data)),
    }
    form, done = done_by_form(request, acts, what)
    return redirect("request", number) if done else _request(request, sharing_request, form)


@needs(Permission.RELEASE_RECORDS, gives_file=True)
@require_POST
def redacted_log(request: CurrentRequest, number: int) -> HttpResponse:
    """Give the searches of some days, redacted, for people who ask for public records."""
    sharing_request = get_object_or_404(SharingRequest, pk=number)
    form = RedactedLogForm(request.POST)
    texts: list[str] = []
    if not accepted(
        form, lambda days: texts.append(outside.redacted_log(sharing_request, **days, person=request.user))
    ):
        return _request(request, sharing_request, form)
    name = f'attachment; filename="request-{sharing_request.pk}.csv"'
    return HttpResponse(texts[0], "text/csv; charset=utf-8", headers={"Content-Disposition": name})


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def letter(request: HttpRequest, number: int, which: str) -> HttpResponse:
    """Show a letter about a request, to be printed."""
    return _letter(request, number, which, lambda shown: render(request, "sharing/letter.html", shown))


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def letter_pdf(request: HttpRequest, number: int, which: str) -> HttpResponse:
    """Give a letter about a request as PDF."""

    def given(shown: dict[str, Any]) -> HttpResponse:
        document = {**shown, "title": shown["letter"].title, "author": settings.DEPARTMENT_NAME}
        return pdf_answer(render_to_string("sharing/letter_document.html", document), f"request-{number}-{which}.pdf")

    return _letter(request, number, which, given)


def _letter(
    request: HttpRequest, number: int, which: str, answer: Callable[[dict[str, Any]], HttpResponse]
) -> HttpResponse:
    sharing_request = get_object_or_404(SharingRequest, pk=number)
    if which not in letters_of(sharing_request):
        raise Http404
    form = forms.Form({})
    answers: list[HttpResponse] = []

    def write(_fields: object) -> None:
        shown = {"asked": sharing_request, "which": which, "letter": letter_of(sharing_request, which)}
        answers.append(answer(shown))

    return answers[0] if accepted(form, write) else _request(request, sharing_request, form)


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
    offered = _offered(bound, extend=RequestReasonForm, hold=RequestHoldForm, log=RedactedLogForm)
    offered["forms"]["decide"] = (
        bound if isinstance(bound, DecisionForm) else DecisionForm(parts=sharing_request.parts, auto_id="decide_%s")
    )
    offered["forms"]["correct"] = (
        bound
        if isinstance(bound, RequestForm)
        else RequestForm(initial=_entered(sharing_request), auto_id="correct_%s")
    )
    shown = {
        "asked": sharing_request,
        "releases": recalls,
        "clock_rule": outside.clock_rule(sharing_request),
        "letters": letters_of(sharing_request),
        "law_state": policy_in_force().law.state,
        **offered,
    }
    return render(request, "sharing/request.html", shown, status=409 if bound else 200)


def _entered(sharing_request: SharingRequest) -> dict[str, Any]:
    """Return what was entered of a request, for the form that corrects it."""
    fields = model_to_dict(sharing_request, fields=tuple(RequestForm.base_fields))
    by_rule = outside.due_by_rule(sharing_request.kind, sharing_request.received_on)
    return fields | {"due_on": None if sharing_request.due_on == by_rule else sharing_request.due_on}


@needs(Permission.ANSWER_REQUESTS)
def incidents(request: CurrentRequest) -> HttpResponse:
    """Show the incidents with their clocks and what is to be done at once, and open one."""
    form, opened = IncidentForm(request.POST or None), list[BreachIncident]()
    if form.is_bound and accepted(
        form, lambda cleaned: opened.append(breach.open_incident(person=request.user.login, **cleaned))
    ):
        return redirect("incident", opened[0].pk)
    listed = [
        (
            breach_incident,
            next((step.name for step in breach.lead_steps(breach_incident) if step.needed and not step.done), None),
        )
        for breach_incident in BreachIncident.objects.all()
    ]
    return render(
        request, "sharing/incidents.html", {"incidents": listed, "form": form}, status=409 if form.is_bound else 200
    )


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def incident(request: CurrentRequest, number: int) -> HttpResponse:
    """Show an incident: the lead's steps in order, each with what it needs."""
    return _incident(request, get_object_or_404(BreachIncident, pk=number))


@needs(Permission.RELEASE_RECORDS, gives_file=True)
@require_POST
def sealed_list(request: CurrentRequest, number: int) -> HttpResponse:
    """Compute whom an incident affects, and give the list, encrypted to the records manager's key."""
    incident = get_object_or_404(BreachIncident, pk=number)
    form = SealForm(request.POST)
    sealed: list[bytes] = []
    if not accepted(form, lambda _: sealed.append(breach.sealed_list(incident, form.recipient, person=request.user))):
        return _incident(request, incident, form)
    by_age = sealed[0].startswith(AGE_BEGINS)
    name = f'attachment; filename="incident-{incident.pk}.{"zip.age" if by_age else "jwe"}"'
    kind = "application/octet-stream" if by_age else "application/jose"
    return HttpResponse(sealed[0], kind, headers={"Content-Disposition": name})


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def notice(request: CurrentRequest, number: int, whom: str) -> HttpResponse:
    """Show the notice for the affected, or the attorney general's copy, to be printed."""
    incident = _computed(number, whom)
    form = forms.Form({})
    notices: list[BreachNotice] = []
    if not accepted(form, lambda _: notices.append(_notice(incident, whom))):
        return _incident(request, incident, form)
    shown = {"notice": notices[0], "incident": incident, "whom": whom}
    return render(request, "sharing/notice.html", shown)


@needs(Permission.ANSWER_REQUESTS)
@require_safe
def notice_pdf(request: CurrentRequest, number: int, whom: str) -> HttpResponse:
    """Give the notice for the affected, or the attorney general's copy, as PDF."""
    incident = _computed(number, whom)
    form = forms.Form({})
    pdfs: list[bytes] = []
    if not accepted(form, lambda _: pdfs.append(pdf_of_notice(_notice(incident, whom)))):
        return _incident(request, incident, form)
    name = f'attachment; filename="incident-{number}-notice-{whom}.pdf"'
    return HttpResponse(pdfs[0], "application/pdf", headers={"Content-Disposition": name})


def _computed(number: int, whom: str) -> BreachIncident:
    if whom not in {"affected", "attorney-general"}:
        raise Http404
    return get_object_or_404(BreachIncident, pk=number, computed_at__isnull=False)


def _notice(incident: BreachIncident, whom: str) -> BreachNotice:
    return breach_notice(incident, attorney_general=whom == "attorney-general")


@needs(Permission.RELEASE_RECORDS)
@require_POST
def notified(request: CurrentRequest, number: int) -> HttpResponse:
    """Note that the affected were told."""
    incident, form = get_object_or_404(BreachIncident, pk=number), forms.Form(request.POST)
    if accepted(form, lambda _: breach.note_notices(incident, person=request.user.login)):
        return redirect("incident", number)
    return _incident(request, incident, form)


def _incident(request: CurrentRequest, incident: BreachIncident, form: forms.Form | None = None) -> HttpResponse:
    steps = breach.lead_steps(incident)
    own_account = incident.kind == "account" and "@" not in incident.subject
    is_contained = next(step.done for step in steps if step.name == "contain")
    may_disable = own_account and not is_contained and request.authorization.may(Permission.DISABLE_PERSON)
    shown = {
        "incident": incident,
        "steps": steps,
        "containment": breach.containment(incident),
        "copy_above": breach.ATTORNEY_GENERAL,
        "may_disable": may_disable,
        "helpers": _who_may(Permission.DISABLE_PERSON) if own_account and not may_disable else [],
        **_offered(form, seal=SealForm),
    }
    return render(request, "sharing/incident.html", shown, status=409 if form else 200)


def _who_may(permission: Permission) -> list[tuple[DepartmentPerson, str]]:
    """Return the people who have a permission now, each with their roles that give it."""
    roles = roles_that_may(permission)
    people = DepartmentPerson.objects.filter(disabled_at=None, grants__ended_at=None, grants__role__in=roles)
    who = [each for each in authorizations(people.distinct().order_by("name")) if each.may(permission)]
    return [(each.person, ", ".join(sorted(role.label for role in each.roles & roles))) for each in who]
