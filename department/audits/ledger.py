"""The page of the ledger, for auditors, and that of exigent searches, for supervisors."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from platepost.department.alerts.actions import AlertActor, review
from platepost.department.alerts.alerts import open_substitutes
from platepost.department.alerts.errors import AlertError
from platepost.department.audits.files import FORMATS, ledger_file
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.details import details
from platepost.department.ledger.entries import open_log
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.reading import MOST_ENTRIES, EntryFilter, logged
from platepost.department.ledger.reviews import (
    ReviewOutcome,
    decide_search,
    open_approvals,
    open_reviews,
    review_exigent,
)
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.forms import CHOOSE, MOST_NUMBER, DayField
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose, policy_in_force
from platepost.department.search.session_searches import SessionSearch, store_search
from platepost.department.search.stored import form_data, of_query, session_of

PAGE = 50
"""Entries of a page."""


class LedgerForm(forms.Form):
    """Why someone reads the ledger, and which entries they want."""

    purpose = forms.ChoiceField(
        choices=lambda: [(purpose.name, purpose.name) for purpose in policy_in_force().purposes]
    )
    case = forms.CharField(max_length=64, required=False)
    person = forms.CharField(max_length=64, required=False)
    event = forms.ChoiceField(
        choices=[("", "everything"), *((event.value, event.kind.label) for event in LedgerEvent)], required=False
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)
    before = forms.IntegerField(widget=forms.HiddenInput, required=False, max_value=MOST_NUMBER)
    of = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def entry_filter(self) -> EntryFilter:
        """Return which entries are wanted."""
        cleaned = self.cleaned_data
        if cleaned["of"]:  # what a search showed, whatever else the form asks for
            return EntryFilter(refers_to=cleaned["of"])
        return EntryFilter(
            person=cleaned["person"] or None,
            events=[LedgerEvent(cleaned["event"])] if cleaned["event"] else [],
            since=cleaned["since"] and timezone.make_aware(datetime.combine(cleaned["since"], time())),
            until=cleaned["until"]
            and timezone.make_aware(datetime.combine(cleaned["until"] + timedelta(days=1), time())),
            before=cleaned["before"],
        )

    def asked(self) -> Mapping[str, Any]:
        """Return what is asked, in JSON's types."""
        named = ("of",) if self.cleaned_data["of"] else ("person", "event", "since", "until", "before")
        return {name: str(self.cleaned_data[name]) for name in named if self.cleaned_data[name]}


class ReviewForm(forms.Form):
    """What a supervisor found of an exigent search."""

    entry = forms.UUIDField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        choices=[CHOOSE, *((outcome.value, outcome.value.replace("_", " ")) for outcome in ReviewOutcome)]
    )
    note = forms.CharField(max_length=500)


class ApprovalForm(forms.Form):
    """What a supervisor decides about a search that waits."""

    search = forms.UUIDField(widget=forms.HiddenInput)
    approved = forms.TypedChoiceField(
        label=_("Decision"),
        choices=[CHOOSE, ("True", _("approved")), ("False", _("denied"))],
        coerce=lambda value: value == "True",
    )
    note = forms.CharField(max_length=500)


class SubstituteForm(forms.Form):
    """What a supervisor found of a near match that one person confirmed alone."""

    record = forms.IntegerField(widget=forms.HiddenInput, max_value=MOST_NUMBER)
    revision = forms.IntegerField(widget=forms.HiddenInput, max_value=2**31 - 1)
    found = forms.CharField(max_length=160, label=_("What you found"))


@needs(Permission.READ_LEDGER)
@require_http_methods(["GET", "HEAD", "POST"])
def ledger(request: CurrentRequest) -> HttpResponse:
    """Show the form, and no entry; by POST store what is asked, and lead to the entries."""
    form = LedgerForm(request.POST if request.method == "POST" else None, initial={"purpose": "audit"})
    if not form.is_valid():
        return _ledger(request, form)
    fields = [(name, value) for name in form.fields if (value := request.POST.get(name, ""))]
    return redirect("ledger_entries", store_search(session_of(request), fields))


@needs(Permission.READ_LEDGER)
@require_safe
@of_query
def entries(request: CurrentRequest, stored: SessionSearch) -> HttpResponse:
    """Show entries, under an entry that states who reads them and why."""
    return _ledger(request, LedgerForm(form_data(stored)))


def _ledger(request: CurrentRequest, form: LedgerForm) -> HttpResponse:
    shown_entries = None
    if form.is_valid():
        person = request.user
        purpose = AccessPurpose(form.cleaned_data["purpose"], form.cleaned_data["case"] or None)
        try:
            asked, groups = form.asked(), covert_groups(person)
            with open_log(
                person=person.login, agency=person.agency, purpose=purpose, query=asked, groups=groups
            ) as log:
                shown_entries = logged(log, form.entry_filter(), limit=PAGE)
        except PurposeError as error:
            form.add_error(None, str(error))
        for name in ("before", "of"):  # their buttons state them again
            del form.fields[name]
    older = shown_entries[-1].number if shown_entries and len(shown_entries) == PAGE else None
    by = {entry.entry: entry for entry in shown_entries or ()}
    entries = [
        (entry, by.get(entry.refers_to) if entry.refers_to else None, details(entry.fields))
        for entry in shown_entries or ()
    ]
    shown = {
        "form": form,
        "entries": None if shown_entries is None else entries,
        "older": older,
        "opening": (LedgerEvent.INTENT, LedgerEvent.LOG_INTENT),
    }
    return render(request, "audits/ledger.html", shown, status=422 if form.errors else 200)


@needs(Permission.EXPORT_LEDGER, gives_file=True)
@require_POST
def ledger_download(request: CurrentRequest) -> HttpResponse:
    """Give entries of the ledger as a file: as many as one call returns, the latest of those that are asked for."""
    form = LedgerForm(request.POST)
    person = request.user
    ending = request.POST.get("format", "")
    if ending not in FORMATS:
        raise Http404
    if form.is_valid():
        purpose = AccessPurpose(form.cleaned_data["purpose"], form.cleaned_data["case"] or None)
        try:
            who: dict[str, Any] = {"person": person.login, "agency": person.agency, "groups": covert_groups(person)}
            with open_log(purpose=purpose, query={**form.asked(), "file": ending}, **who) as log:
                entries = logged(log, form.entry_filter())
        except PurposeError as error:
            form.add_error(None, str(error))
        else:
            event = form.cleaned_data["event"]
            words = {**form.asked()} | ({"event": LedgerEvent(event).kind.label} if event else {})
            asked = "; ".join(f"{name}: {value}" for name, value in words.items()) or gettext("all entries")
            if len(entries) == MOST_ENTRIES:
                asked += gettext("; the latest {count} of them").format(count=MOST_ENTRIES)
            return ledger_file(entries, asked).answer(ending, person=person)
    return render(request, "audits/ledger.html", {"form": form, "entries": None}, status=422)


@needs(Permission.REVIEW_EXIGENT)
@require_http_methods(["GET", "HEAD", "POST"])
def reviews(request: CurrentRequest) -> HttpResponse:
    """Show the exigent searches and the near matches that wait for a review, and take one."""
    posted = request.POST if request.method == "POST" else None
    alone, before = (posted is not None and name in posted for name in ("record", "search"))
    form: forms.Form = SubstituteForm(posted) if alone else ApprovalForm(posted) if before else ReviewForm(posted)
    if form.is_valid() and alone:
        cleaned = form.cleaned_data
        try:
            review(AlertActor(request.user), cleaned["record"], cleaned["revision"], cleaned["found"])
            return redirect("reviews")
        except AlertError as error:
            form.add_error(None, str(error))
    elif form.is_valid():
        cleaned, person = form.cleaned_data, request.user.get_username()
        try:
            if before:
                decide_search(cleaned["search"], person=person, approved=cleaned["approved"], note=cleaned["note"])
            else:
                outcome = ReviewOutcome(cleaned["outcome"])
                review_exigent(cleaned["entry"], person=person, outcome=outcome, note=cleaned["note"])
            return redirect("reviews")
        except LedgerError as error:
            form.add_error(None, str(error))
    waiting = [
        (
            open_review,
            open_review.is_overdue(),
            ReviewForm(initial={"entry": open_review.entry}, auto_id=f"{open_review.entry}_%s"),
        )
        for open_review in open_reviews()
    ]
    alerts = [
        (
            substitute,
            SubstituteForm(
                initial={"record": substitute.record_id, "revision": substitute.revision},
                auto_id=f"alert_{substitute.record_id}_%s",
            ),
        )
        for substitute in open_substitutes()
    ]
    approvals = [
        (approval, ApprovalForm(initial={"search": approval.entry}, auto_id=f"search_{approval.entry}_%s"))
        for approval in open_approvals()
        if approval.person != request.user.login
    ]
    refused = form.errors if form.is_bound else None
    shown = {"refused": refused, "waiting": waiting, "alerts": alerts, "approvals": approvals, "now": timezone.now()}
    return render(request, "audits/reviews.html", shown, status=422 if refused else 200)
