"""Pages of audits: plans, one audit with its samples, findings and their answers, reports."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from department.audits import services
from department.audits.errors import AuditError
from department.audits.forms import AnswerForm, ClosingForm, JudgmentForm, MonthForm, PlanForm
from department.audits.log import auditing
from department.audits.models import AuditFinding, AuditPlan, AuditSample, DrawnAudit
from department.audits.reports import month_report
from department.people.access import CurrentRequest, needs
from department.people.rights import Permission

LISTED = 50
"""Entries of a finding that its page shows, the latest."""


@needs(Permission.REVIEW_SEARCHES)
@require_safe
def audits(request: CurrentRequest) -> HttpResponse:
    """Show the plans, the audits that are under way, and the findings that nobody has closed."""
    return _audits(request, PlanForm(initial={"auditor": request.user.login, "begins": timezone.localdate()}))


@needs(Permission.AUDIT)
@require_POST
def plan(request: CurrentRequest) -> HttpResponse:
    """Plan audits."""
    form = PlanForm(request.POST)
    if form.is_valid():
        try:
            services.plan_audits(form.planned, person=request.user.login)
            return redirect("audits")
        except AuditError as error:
            form.add_error(None, str(error))
    return _audits(request, form, status=422)


@needs(Permission.AUDIT)
@require_POST
def end_plan(request: CurrentRequest, number: int) -> HttpResponse:
    """Have a plan ask for no more audits."""
    found = get_object_or_404(AuditPlan, pk=number)
    return _changed(request, lambda: services.end_plan(found, person=request.user.login), "audits")


@needs(Permission.REVIEW_SEARCHES)
@require_POST
def begin(request: CurrentRequest, number: int) -> HttpResponse:
    """Draw the samples of a plan's next audit."""
    found = get_object_or_404(AuditPlan, pk=number)
    try:
        return redirect("audit", services.begin_audit(found, person=request.user).pk)
    except AuditError as error:
        return _refused(request, error)


@needs(Permission.REVIEW_SEARCHES)
@require_safe
def audit(request: CurrentRequest, number: int) -> HttpResponse:
    """Show an audit with its samples: each search beside its case."""
    return _audit(request, get_object_or_404(DrawnAudit, pk=number))


@needs(Permission.REVIEW_SEARCHES)
@require_POST
def judge(request: CurrentRequest, number: int) -> HttpResponse:
    """Say of a sample whether it is in order."""
    sample = get_object_or_404(AuditSample, pk=number)
    form = JudgmentForm(request.POST)
    if not form.is_valid():
        return _audit(request, sample.audit, bound=(sample.pk, form), status=422)
    try:
        services.judge(sample, person=request.user.login, **form.cleaned_data)
    except AuditError as error:
        form.add_error(None, str(error))
        return _audit(request, sample.audit, bound=(sample.pk, form), status=409)
    return redirect("audit", sample.audit_id)


@needs(Permission.REVIEW_SEARCHES)
@require_POST
def finish(request: CurrentRequest, number: int) -> HttpResponse:
    """Say that an audit is done."""
    found = get_object_or_404(DrawnAudit, pk=number)
    return _changed(request, lambda: services.finish_audit(found, person=request.user.login), "audits")


@needs(Permission.OWN_ACCOUNT)
@require_safe
def finding(request: CurrentRequest, number: int) -> HttpResponse:
    """Show a finding to its subject, and to whoever audits or reviews."""
    return _finding(request, _seen_by(request, number))


@needs(Permission.OWN_ACCOUNT)
@require_POST
def answer(request: CurrentRequest, number: int) -> HttpResponse:
    """Answer a finding."""
    found = _seen_by(request, number)
    return _said(request, found, AnswerForm(request.POST), services.answer_finding)


@needs(Permission.AUDIT)
@require_POST
def close(request: CurrentRequest, number: int) -> HttpResponse:
    """Close a finding."""
    return _said(request, _seen_by(request, number), ClosingForm(request.POST), services.close_finding)


@needs(Permission.AUDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: CurrentRequest) -> HttpResponse:
    """Show a month's searches by purpose and agency, and how old the reads were that they showed."""
    form = MonthForm(request.POST if request.method == "POST" else None, initial={"month": timezone.localdate()})
    found = None
    if form.is_valid():
        found = month_report(form.cleaned_data["month"], person=request.user.login, agency=request.user.agency)
    return render(request, "audits/report.html", {"form": form, "report": found})


def _audits(request: HttpRequest, form: PlanForm, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "plans": AuditPlan.objects.filter(ended_at=None),
        "under_way": DrawnAudit.objects.filter(finished_at=None).select_related("plan"),
        "findings": AuditFinding.objects.filter(closed_at=None).prefetch_related("answers"),
        "now": timezone.now(),
        "form": form,
        "error": error,
    }
    return render(request, "audits/audits.html", context, status=status)


def _audit(
    request: CurrentRequest, found: DrawnAudit, *, bound: tuple[int, forms.Form] | None = None, status: int = 200
) -> HttpResponse:
    samples = list(found.samples.all())
    person = request.user
    with auditing(person.login, person.agency, {"audit": found.plan_id, "samples of": found.pk}) as log:
        searches = {each.entry: each for each in services.searches_of(log, [sample.entry for sample in samples])}
    shown = [(sample, searches.get(sample.entry), _form_of(sample, bound)) for sample in samples]
    context = {"audit": found, "shown": shown, "left": sum(sample.outcome is None for sample in samples)}
    return render(request, "audits/audit.html", context, status=status)


def _form_of(sample: AuditSample, bound: tuple[int, forms.Form] | None) -> forms.Form:
    if bound is not None and bound[0] == sample.pk:
        return bound[1]
    return JudgmentForm(auto_id=f"id_{sample.pk}_%s")


def _finding(
    request: CurrentRequest, found: AuditFinding, *, bound: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    person = request.user
    with auditing(person.login, person.agency, {"finding": found.pk}) as log:
        searches = services.searches_of(log, found.entries[-LISTED:])
    context: dict[str, Any] = {"finding": found, "searches": searches, "now": timezone.now()}
    context["answer"] = bound if isinstance(bound, AnswerForm) else AnswerForm()
    context["closing"] = bound if isinstance(bound, ClosingForm) else ClosingForm()
    return render(request, "audits/finding.html", context, status=status)


def _seen_by(request: CurrentRequest, number: int) -> AuditFinding:
    found = get_object_or_404(AuditFinding, pk=number)
    if found.subject != request.user.login and not request.currency.may(Permission.REVIEW_SEARCHES):
        raise Http404
    return found


def _said(request: CurrentRequest, found: AuditFinding, form: forms.Form, service: Callable[..., None]) -> HttpResponse:
    if form.is_valid():
        try:
            service(found, person=request.user.login, **form.cleaned_data)
            return redirect("finding", found.pk)
        except AuditError as error:
            form.add_error(None, str(error))
    return _finding(request, found, bound=form, status=422)


def _changed(request: CurrentRequest, change: Callable[[], None], to: str) -> HttpResponse:
    try:
        change()
    except AuditError as error:
        return _refused(request, error)
    return redirect(to)


def _refused(request: CurrentRequest, error: AuditError) -> HttpResponse:
    form = PlanForm(initial={"auditor": request.user.login, "begins": timezone.localdate()})
    return _audits(request, form, error=str(error), status=409)
