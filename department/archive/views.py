"""The pages of the archive: terms, plans of purges and their approval, holds. What is refused, a form says in words."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platepost.department.archive import holds as services
from platepost.department.archive.holds import HoldScope
from platepost.department.archive.models import BackupRecord, Hold, PurgePlan, RetentionTerm
from platepost.department.archive.purge import PurgeAuthority, approve_purge, plan_purge, planned_parts, stale_because
from platepost.department.archive.retention import due, set_term
from platepost.department.people.access import CurrentRequest, accepted, needs
from platepost.department.people.authorization import people_with
from platepost.department.people.forms import CHOOSE, MOST_NUMBER, DayField, TimeField, not_past
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups
from platepost.department.search.errors import SearchNotFoundError
from platepost.department.search.session_searches import SessionSearch, session_search
from platepost.department.search.stored import session_of
from platepost.department.web.moments import day

_LINES = forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"})
_NO_RECORD = _("No record has a number that long.")
_DIGITS = 18
"""Of a record's number at most."""
_REVIEW_AFTER = timedelta(days=182)
"""After which a hold is reviewed, unless another day is entered."""
PLANS = 50
"""Plans that the page lists, the latest."""


def _classes() -> list[tuple[str, str]]:
    return [(term.retention, term.label) for term in RetentionTerm.objects.all()]


def _purged() -> list[tuple[str, str]]:
    return [choice for choice in _classes() if choice[0] != "backup"]  # files, which `backup` destroys


class TermForm(forms.Form):
    """For how long a class is kept."""

    retention = forms.ChoiceField(label=_("Class"), choices=_classes)
    days = forms.IntegerField(label=_("Days"), min_value=0, max_value=36_525)


class PurgePlanForm(forms.Form):
    """By whose word, and what. Whether the law asks for it, the database says."""

    resolution = forms.CharField(
        label=_("Resolution of the legislative body"), max_length=64, required=False, help_text=_("Its number.")
    )
    resolution_date = DayField(label=_("Its date"), required=False)
    attorney = forms.CharField(
        label=_("Attorney who gave the agency's written consent"), max_length=120, required=False
    )
    consent_date = DayField(label=_("Date of the consent"), required=False)
    classes = forms.MultipleChoiceField(
        label=_("Classes"),
        choices=_purged,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("All if none."),
    )
    review = forms.CharField(
        label=_("Review of the doubtful records"), max_length=500, required=False, help_text=_("Without it they stay.")
    )
    backups = forms.CharField(
        label=_("Backups elsewhere that have what is to go"), widget=_LINES, required=False, help_text=_("One a line.")
    )


def _usual_review() -> date:
    return timezone.localdate() + _REVIEW_AFTER


class HoldForm(forms.Form):
    """What is to be held, and why."""

    kind = forms.ChoiceField(choices=[CHOOSE, *((kind, kind) for kind in Hold.KINDS)])
    case = forms.CharField(label=_("Number of the case, request or action"), max_length=64)
    reason = forms.CharField(max_length=500)
    review_on = DayField(
        label=_("To be reviewed on"),
        validators=[not_past],
        initial=_usual_review,
        help_text=_("It does not end automatically."),
    )
    records = forms.RegexField(
        r"^[\d\s,]*$",
        label=_("Records"),
        required=False,
        help_text=_("Their numbers. A hit is held with its read. Or enter a time:"),
    )
    since = TimeField(label=_("Captured from"), required=False)
    until = TimeField(ends=True, label=_("Captured before"), required=False)
    posts = forms.CharField(label=_("At these posts only"), required=False)
    plates = forms.CharField(label=_("Of these plates only"), widget=_LINES, required=False, help_text=_("One a line."))

    def clean_records(self) -> list[int]:
        """Return the numbers."""
        try:
            numbers = [int(number) for number in self.cleaned_data["records"].replace(",", " ").split()]
        except ValueError as error:  # of thousands of digits
            raise forms.ValidationError(_NO_RECORD) from error
        if any(number > MOST_NUMBER for number in numbers):
            raise forms.ValidationError(_NO_RECORD)
        return numbers

    def scope(self, groups: Sequence[str]) -> HoldScope:
        """Return what is to be held, by someone in covert groups."""
        cleaned = self.cleaned_data
        return HoldScope(
            records=cleaned["records"],
            posts=cleaned["posts"].replace(",", " ").split(),
            plates=services.folded_plates(cleaned["plates"]),
            since=cleaned["since"],
            until=cleaned["until"],
            groups=groups,
        )


class LiftForm(forms.Form):
    """Why a hold is lifted."""

    because = forms.CharField(label=_("Why it is lifted"), max_length=500)


class HoldReviewForm(forms.Form):
    """When a hold is to be looked at again."""

    review_on = DayField(label=_("Reviewed; again on"), validators=[not_past])


@needs(Permission.PLAN_PURGE)
@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """Show terms, what is due, and the plans."""
    return _archive(request)


@needs(Permission.PURGE)
@require_POST
def change_term(request: CurrentRequest) -> HttpResponse:
    """Keep a class for some days."""
    form = TermForm(request.POST)
    if accepted(form, lambda cleaned: set_term(request.user.login, cleaned["retention"], cleaned["days"])):
        return redirect("archive")
    return _archive(request, term_form=form)


@needs(Permission.PLAN_PURGE)
@require_POST
def propose(request: CurrentRequest) -> HttpResponse:
    """Plan the purge of what is due."""
    form = PurgePlanForm(request.POST)
    plans: list[PurgePlan] = []

    def plan(cleaned: Mapping[str, Any]) -> None:
        named = ("resolution", "resolution_date", "attorney", "consent_date")
        authority = PurgeAuthority(**{name: cleaned[name] or None for name in named})
        review, backups = cleaned["review"] or None, cleaned["backups"].split("\n")
        more = [line.strip() for line in backups if line.strip()]
        plans.append(plan_purge(request.user.login, authority, classes=cleaned["classes"], review=review, backups=more))

    if accepted(form, plan):
        return redirect("archive_plan", plans[0].plan)
    return _archive(request, plan_form=form)


def _archive(request: HttpRequest, **bound: forms.Form) -> HttpResponse:
    parts = due()
    terms = [
        (term, [part for part in parts if part.retention == term.retention]) for term in RetentionTerm.objects.all()
    ]
    shown = {
        "terms": [(term, len(over), sum(part.overdue for part in over)) for term, over in terms],
        "backups": BackupRecord.objects.filter(removed_at=None),
        "plans": [
            (
                purge_plan,
                purge_plan.approved_at and not purge_plan.begun_at and stale_because(purge_plan.plan) is not None,
            )
            for purge_plan in PurgePlan.objects.order_by("-planned_at")[:PLANS]
        ],
        "term_form": TermForm(auto_id="term-%s"),
        "plan_form": PurgePlanForm(),
    }
    return render(request, "archive/archive.html", shown | bound, status=409 if bound else 200)


@needs(Permission.PLAN_PURGE)
@require_safe
def plan(request: HttpRequest, plan: UUID) -> HttpResponse:
    """Show what a plan lets go, how much of it is held and why, and how far it is."""
    return _plan(request, plan)


@needs(Permission.PURGE)
@require_POST
def approve(request: CurrentRequest, plan: UUID) -> HttpResponse:
    """Approve a plan, as another person than the one who made it."""
    form = forms.Form(request.POST)
    if accepted(form, lambda _: approve_purge(request.user.login, plan)):
        return redirect("archive_plan", plan)
    return _plan(request, plan, form)


def _plan(request: HttpRequest, number: UUID, form: forms.Form | None = None) -> HttpResponse:
    purge_plan = get_object_or_404(PurgePlan, plan=number)
    parts = planned_parts(number)
    shown = {
        "plan": purge_plan,
        "parts": [(part, part.shown.get("records", 0) - part.shown.get("held", 0)) for part in parts],
        "gone": sum(part.dropped for part in parts),
        "holds": Hold.objects.filter(pk__in=purge_plan.holds),
        "stale": None if purge_plan.begun_at else stale_because(number),
        "approvers": people_with(Permission.PURGE),
        "form": form,
    }
    return render(request, "archive/plan.html", shown, status=409 if form else 200)


@needs(Permission.PLACE_HOLD)
@require_http_methods(["GET", "HEAD", "POST"])
def holds(request: CurrentRequest) -> HttpResponse:
    """List the holds in force, and place one. Plates and records are counted, not shown."""
    form = HoldForm(request.POST) if request.method == "POST" else _hold_of_search(request)

    def place(cleaned: Mapping[str, Any]) -> None:
        why = {name: cleaned[name] for name in ("kind", "case", "reason", "review_on")}
        hold = services.place_hold(person=request.user.login, scope=form.scope(covert_groups(request.user)), **why)
        placed = {"hold": hold.pk, "day": day(hold.review_on)}
        messages.info(request, _("Hold %(hold)s was placed. It is to be reviewed on %(day)s.") % placed)

    if form.is_bound and accepted(form, place):
        query = _query_of(request)
        return redirect(f"{reverse('holds')}?{urlencode({'query': query})}" if query else "holds")
    return _holds(request, form)


@needs(Permission.PLACE_HOLD)
@require_POST
def hold_chosen(request: CurrentRequest) -> HttpResponse:
    """Lead to the form of a hold on reads that a search has listed; it is placed there."""
    query, records = chosen_reads(request)
    return redirect(f"{reverse('holds')}?{urlencode({'query': query.id, 'record': records}, doseq=True)}")


def chosen_reads(request: CurrentRequest) -> tuple[SessionSearch, list[int]]:
    """Return the search that a form or an address names, and those of its reads that are chosen; raises Http404."""
    data = request.POST if request.method == "POST" else request.GET
    try:
        query = session_search(session_of(request), UUID(data.get("query", "")))
    except (ValueError, SearchNotFoundError) as error:
        raise Http404 from error
    numbers = (int(number) for number in data.getlist("record") if number.isdecimal() and len(number) <= _DIGITS)
    return query, [number for number in numbers if number in query.listed]


def _hold_of_search(request: CurrentRequest) -> HoldForm:
    """Return the form of a hold on reads that a search has listed; an empty one without a search."""
    if "query" not in request.GET:
        return HoldForm()
    query, records = chosen_reads(request)
    case = next(iter(query.fields.get("case", ())), "")
    return HoldForm(initial={"kind": Hold.KINDS[0], "case": case, "records": " ".join(map(str, records))})


def _query_of(request: HttpRequest) -> UUID | None:
    """Return the search from which a person came to the page, and to which it leads back."""
    try:
        return UUID(request.GET.get("query", ""))
    except ValueError:
        return None


@needs(Permission.REMOVE_HOLD)
@require_POST
def review(request: CurrentRequest, hold: int) -> HttpResponse:
    """Note that a hold was reviewed, and stays."""
    form = HoldReviewForm(request.POST)
    by = request.user.login
    if accepted(form, lambda cleaned: services.review_hold(person=by, hold=hold, review_on=cleaned["review_on"])):
        return redirect("holds")
    return _holds(request, refused=form, of=hold)


@needs(Permission.REMOVE_HOLD)
@require_POST
def lift(request: CurrentRequest, hold: int) -> HttpResponse:
    """Lift a hold."""
    form = LiftForm(request.POST)
    if accepted(
        form, lambda cleaned: services.lift_hold(person=request.user.login, hold=hold, because=cleaned["because"])
    ):
        return redirect("holds")
    return _holds(request, refused=form, of=hold)


def _holds(
    request: HttpRequest, form: HoldForm | None = None, refused: forms.Form | None = None, of: int | None = None
) -> HttpResponse:
    """Show the holds; `refused` is the form of one of them, `of` that number: what was typed stands there again."""
    today, typed = timezone.localdate(), type(refused)
    listed = [
        (
            hold,
            hold.review_on <= today,
            refused if typed is HoldReviewForm and hold.pk == of else HoldReviewForm(auto_id=f"again-{hold.pk}-%s"),
            refused if typed is LiftForm and hold.pk == of else LiftForm(auto_id=f"lift-{hold.pk}-%s"),
        )
        for hold in Hold.objects.filter(lifted_at=None).order_by("review_on", "id")
    ]
    lifters = people_with(Permission.REMOVE_HOLD)
    shown = {"holds": listed, "form": form or HoldForm(), "refused": refused, "lifters": lifters}
    shown["query"] = _query_of(request)
    wrong = refused or (form is not None and form.is_bound)
    return render(request, "archive/holds.html", shown, status=409 if wrong else 200)
