"""Pages of audits: plans, one audit with its samples, findings and their answers, reports."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platepost.department.audits import services
from platepost.department.audits.dashboard import MonthDashboard, month_dashboard
from platepost.department.audits.files import FORMATS, audit_file, month_file
from platepost.department.audits.forms import AnswerForm, ClosingForm, HouseholdForm, JudgmentForm, MonthForm, PlanForm
from platepost.department.audits.household import household_of, seal_household
from platepost.department.audits.log import auditing
from platepost.department.audits.models import AuditFinding, AuditPlan, AuditSample, DrawnAudit
from platepost.department.audits.reports import post_accesses
from platepost.department.ledger.direct_feeds import direct_feeds, stored_register
from platepost.department.people.access import CurrentRequest, accepted, needs
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups

FEEDS_SINCE = timedelta(days=30)
"""For so long back the first page counts who looked at posts themselves."""
PAST = 50
"""Finished audits, and closed findings, that the first page lists, the latest."""
LISTED = 50
"""Entries of a finding that its page shows, the latest."""


@needs(Permission.REVIEW_SEARCHES)
@require_safe
def audits(request: CurrentRequest) -> HttpResponse:
    """Show the plans, the audits that are under way, and the findings that no one has closed."""
    return _audits(request)


@needs(Permission.AUDIT)
@require_POST
def plan(request: CurrentRequest) -> HttpResponse:
    """Plan audits."""
    form = PlanForm(request.POST)
    if accepted(form, lambda _: services.plan_audits(form.planned, person=request.user.login)):
        return redirect("audits")
    return _audits(request, form)


@needs(Permission.AUDIT)
@require_POST
def end_plan(request: CurrentRequest, number: int) -> HttpResponse:
    """End a plan: it asks for no further audits."""
    audit_plan = get_object_or_404(AuditPlan, pk=number)
    return _change_audit(request, lambda: services.end_plan(audit_plan, person=request.user.login))


@needs(Permission.REVIEW_SEARCHES)
@require_POST
def begin(request: CurrentRequest, number: int) -> HttpResponse:
    """Draw the samples of a plan's next audit."""
    audit_plan = get_object_or_404(AuditPlan, pk=number)
    return _change_audit(request, lambda: services.begin_audit(audit_plan, person=request.user))


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
    if accepted(form, lambda cleaned: services.judge(sample, person=request.user.login, **cleaned)):
        return redirect("audit", sample.audit_id)
    return _audit(request, sample.audit, bound=(sample.pk, form))


@needs(Permission.REVIEW_SEARCHES)
@require_POST
def finish(request: CurrentRequest, number: int) -> HttpResponse:
    """Say that an audit is done."""
    drawn_audit = get_object_or_404(DrawnAudit, pk=number)
    return _change_audit(request, lambda: services.finish_audit(drawn_audit, person=request.user.login))


@needs(Permission.OWN_ACCOUNT)
@require_safe
def finding(request: CurrentRequest, number: int) -> HttpResponse:
    """Show a finding to its subject, and to anyone who audits or reviews."""
    return _finding(request, _seen_by(request, number))


@needs(Permission.OWN_ACCOUNT)
@require_POST
def answer(request: CurrentRequest, number: int) -> HttpResponse:
    """Answer a finding."""
    audit_finding = _seen_by(request, number)
    return _record_answer(request, audit_finding, AnswerForm(request.POST), services.answer_finding)


@needs(Permission.AUDIT)
@require_POST
def close(request: CurrentRequest, number: int) -> HttpResponse:
    """Close a finding."""
    return _record_answer(request, _seen_by(request, number), ClosingForm(request.POST), services.close_finding)


@needs(Permission.AUDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: CurrentRequest) -> HttpResponse:
    """Show a month's searches by purpose and agency, and how old the reads were that they showed."""
    data = request.POST if request.method == "POST" else request.GET
    form = MonthForm(data if "month" in data else None, initial={"month": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        return redirect(f"{reverse('audit_report')}?month={form.cleaned_data['month']:%Y-%m}")
    dashboard = _dashboard(request, form) if form.is_valid() else None
    shown = {"form": form, "dashboard": dashboard, "report": dashboard and dashboard.report}
    return render(request, "audits/report.html", shown, status=422 if form.errors else 200)


@needs(Permission.EXPORT_LEDGER, gives_file=True)
@require_POST
def report_file(request: CurrentRequest) -> HttpResponse:
    """Give a month as a file."""
    form = MonthForm(request.POST)
    if not form.is_valid():
        return render(request, "audits/report.html", {"form": form}, status=422)
    return month_file(_dashboard(request, form)).answer(_format(request), person=request.user)


@needs(Permission.EXPORT_LEDGER, gives_file=True)
@require_POST
def audit_download(request: CurrentRequest, number: int) -> HttpResponse:
    """Give an audit with its samples, findings and follow-up as a file."""
    drawn_audit = get_object_or_404(DrawnAudit, pk=number)
    shown = [(sample, search) for sample, search in _samples(request, drawn_audit)]
    return audit_file(drawn_audit, shown, _findings_of(drawn_audit)).answer(_format(request), person=request.user)


@needs(Permission.OWN_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def household(request: CurrentRequest) -> HttpResponse:
    """Let someone name the plates of their own household, with consent, or take the consent back."""
    taken_back = "take_back" in request.POST
    form = HouseholdForm(request.POST if request.method == "POST" and not taken_back else None)
    login, public = request.user.login, settings.HOUSEHOLD_PUBLIC
    if taken_back:
        seal_household(login, [], public)
    if taken_back or (
        form.is_bound and accepted(form, lambda cleaned: seal_household(login, cleaned["plates"], public))
    ):
        return redirect("household")
    context = {"form": form, "noted": household_of(login)}
    return render(request, "audits/household.html", context, status=422 if form.is_bound else 200)


def _audits(request: CurrentRequest, form: PlanForm | None = None, refused: forms.Form | None = None) -> HttpResponse:
    feeds = [(feed.holder.name, feed.faults()) for feed in direct_feeds(stored_register())]
    context = {
        "feeds": [(name, faults) for name, faults in feeds if faults],
        "accesses": post_accesses(timezone.now() - FEEDS_SINCE),
        "plans": AuditPlan.objects.filter(ended_at=None),
        "under_way": DrawnAudit.objects.filter(finished_at=None).select_related("plan"),
        "finished": DrawnAudit.objects.exclude(finished_at=None)
        .select_related("plan")
        .annotate(
            drawn=Count("samples", distinct=True),
            found=Count("samples__finding", distinct=True),
            open=Count("samples__finding", filter=Q(samples__finding__closed_at=None), distinct=True),
        )
        .order_by("-finished_at")[:PAST],
        "closed": AuditFinding.objects.exclude(closed_at=None).order_by("-closed_at")[:PAST],
        "findings": AuditFinding.objects.filter(closed_at=None).prefetch_related("answers"),
        "now": timezone.now(),
        "form": form or PlanForm(initial={"auditor": request.user.login, "begins": timezone.localdate()}),
        "refused": refused,
    }
    return render(request, "audits/audits.html", context, status=422 if form or refused else 200)


def _audit(
    request: CurrentRequest, drawn_audit: DrawnAudit, *, bound: tuple[int, forms.Form] | None = None
) -> HttpResponse:
    shown = [(sample, search, _form_of(sample, bound)) for sample, search in _samples(request, drawn_audit)]
    context = {
        "audit": drawn_audit,
        "shown": shown,
        "left": sum(sample.outcome is None for sample, *_ in shown),
        "findings": _findings_of(drawn_audit),
    }
    return render(request, "audits/audit.html", context, status=422 if bound else 200)


def _samples(
    request: CurrentRequest, drawn_audit: DrawnAudit
) -> list[tuple[AuditSample, services.AuditedSearch | None]]:
    """Return the samples of an audit with their searches, which are read under an entry of the ledger."""
    samples = list(drawn_audit.samples.all())
    person = request.user
    asked, groups = {"audit": drawn_audit.plan_id, "samples of": drawn_audit.pk}, covert_groups(person)
    with auditing(person.login, person.agency, asked, groups=groups) as log:
        searches = {search.entry: search for search in services.searches_of(log, [sample.entry for sample in samples])}
    return [(sample, searches.get(sample.entry)) for sample in samples]


def _findings_of(drawn_audit: DrawnAudit) -> list[AuditFinding]:
    return list(AuditFinding.objects.filter(sample__audit=drawn_audit).prefetch_related("answers"))


def _dashboard(request: CurrentRequest, form: forms.Form) -> MonthDashboard:
    return month_dashboard(form.cleaned_data["month"], person=request.user.login, agency=request.user.agency)


def _format(request: CurrentRequest) -> str:
    file_format = request.POST.get("format", "")
    if file_format not in FORMATS:
        raise Http404
    return file_format


def _form_of(sample: AuditSample, bound: tuple[int, forms.Form] | None) -> forms.Form:
    if bound is not None and bound[0] == sample.pk:
        return bound[1]
    return JudgmentForm(auto_id=f"id_{sample.pk}_%s")


def _finding(request: CurrentRequest, audit_finding: AuditFinding, *, bound: forms.Form | None = None) -> HttpResponse:
    person = request.user
    with auditing(person.login, person.agency, {"finding": audit_finding.pk}, groups=covert_groups(person)) as log:
        searches = services.searches_of(log, audit_finding.entries[-LISTED:])
    context: dict[str, Any] = {"finding": audit_finding, "searches": searches, "now": timezone.now()}
    context["answer"] = bound if isinstance(bound, AnswerForm) else AnswerForm()
    context["closing"] = bound if isinstance(bound, ClosingForm) else ClosingForm()
    return render(request, "audits/finding.html", context, status=422 if bound else 200)


def _seen_by(request: CurrentRequest, number: int) -> AuditFinding:
    audit_finding = get_object_or_404(AuditFinding, pk=number)
    if audit_finding.subject != request.user.login and not request.authorization.may(Permission.REVIEW_SEARCHES):
        raise Http404
    return audit_finding


def _record_answer(
    request: CurrentRequest, audit_finding: AuditFinding, form: forms.Form, service: Callable[..., None]
) -> HttpResponse:
    if accepted(form, lambda cleaned: service(audit_finding, person=request.user.login, **cleaned)):
        return redirect("finding", audit_finding.pk)
    return _finding(request, audit_finding, bound=form)


def _change_audit(request: CurrentRequest, change: Callable[[], DrawnAudit | None]) -> HttpResponse:
    """Make a change that a button asks for; show the audit that was drawn, or all of them."""
    form, drawn_audits = forms.Form(request.POST), list[DrawnAudit | None]()
    if not accepted(form, lambda _: drawn_audits.append(change())):
        return _audits(request, refused=form)
    return redirect("audit", drawn_audits[0].pk) if drawn_audits[0] else redirect("audits")
