"""The pages of past hits: a list to narrow, each hit with what was decided, and the rejections a supervisor checks.

No address, title, or file name contains a plate. Reading the list or a hit makes an access log entry. The list of
rejections shows no plates and makes none, so it can refresh itself.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor
from platepost.department.alerts.alert_status import MEANWHILE, OUTCOMES, REASONS, decision_words, system_name
from platepost.department.alerts.alerts import alert_of
from platepost.department.alerts.console_feed import PURPOSE
from platepost.department.alerts.console_hit import shown_hit, trail_minutes
from platepost.department.alerts.errors import AlertError
from platepost.department.alerts.history import (
    PAGE,
    HistoryFilter,
    PastHit,
    count_unchecked,
    exported_history,
    known_values,
    past_hits,
    rejecters,
    steps_of,
    unchecked,
)
from platepost.department.alerts.states import LOOKED_AT, AlertState, AlertStep, WithdrawalReason
from platepost.department.custody.placeholder_image import picture_response
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.people.access import CurrentRequest, needs
from platepost.department.people.forms import MOST_NUMBER
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups
from platepost.department.policy.errors import PurposeError
from platepost.department.search.tickets import PictureTicket, give_ticket, use_ticket

DAY, MONTH = "day", "month"
_TIMES = {DAY: timedelta(days=1), MONTH: timedelta(days=31)}
_CLOCK_TOLERANCE = timedelta(minutes=5)
"""A post's clock may be this far ahead."""
_SHOWS_TRAIL = {AlertState.NEW, *LOOKED_AT}
"""States in which the database allows earlier reads of the plate to be shown."""
_OUTCOME_GROUPS = {"open": _("open"), "rejected": _("rejected"), "closed": _("closed"), "withdrawn": _("withdrawn")}
_ANSWERED_WITH_EARLIER = {"repeated": _("answered with an earlier hit")}
_STEPS = {
    AlertStep.TAKE: _("took it"),
    AlertStep.CONFIRM: _("confirmed it by eye"),
    AlertStep.SECOND: _("confirmed it as the second person"),
    AlertStep.SUBSTITUTE: _("continued without a second person"),
    AlertStep.REJECT: _("rejected it"),
    AlertStep.ACTIVE: _("confirmed it in {system}"),
    AlertStep.NOT_PRACTICAL: _("could not check {system}"),
    AlertStep.CLEARED: _("found it cleared in {system}"),
    AlertStep.OUTCOME: _("closed it"),
    AlertStep.OFFER: _("offered it"),
    AlertStep.TAKE_OVER: _("took it over"),
    AlertStep.WITHDRAW: _("withdrew it"),
    AlertStep.MEANWHILE: _("recorded what was done"),
    AlertStep.DISPUTE: _("found the listed plate in the picture and alerted a supervisor"),
    AlertStep.REPEAT: _("answered it with the first hit"),
    AlertStep.REVIEW: _("reviewed it"),
    AlertStep.REOPEN: _("reopened it"),
    AlertStep.UPHOLD: _("checked it as a supervisor"),
}


class HistoryForm(forms.Form):
    """Which hits someone wants to see."""

    time = forms.ChoiceField(
        choices=[(DAY, _("last 24 hours")), (MONTH, _("last 31 days"))], required=False, label=_("Time")
    )
    post = forms.ChoiceField(required=False, label=_("Post"))
    category = forms.ChoiceField(required=False, label=_("Category"))
    outcome = forms.ChoiceField(required=False, label=_("Outcome"))
    person = forms.ChoiceField(required=False, label=_("Person"))
    at = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    record = forms.IntegerField(required=False, widget=forms.HiddenInput, max_value=MOST_NUMBER)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        all_choice = [("", _("all"))]
        choices: dict[str, list[tuple[str, Any]]] = {
            name: [(value, value.replace("_", " ")) for value in values] for name, values in known_values().items()
        }
        choices["outcome"] = [
            *_OUTCOME_GROUPS.items(),
            *_ANSWERED_WITH_EARLIER.items(),
            *REASONS.items(),
            *OUTCOMES.items(),
        ]
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells mypy that it has choices
            field.choices = [*all_choice, *offered]

    def filter(self) -> HistoryFilter:
        """Return what was chosen; the last day where nothing was."""
        cleaned, now = self.cleaned_data, datetime.now(UTC)
        criteria = {name: cleaned[name] for name in ("post", "category", "outcome", "person")}
        before = (cleaned["at"], cleaned["record"]) if cleaned["at"] and cleaned["record"] else None
        return HistoryFilter(now - _TIMES[cleaned["time"] or DAY], now + _CLOCK_TOLERANCE, before=before, **criteria)


@needs(Permission.ANSWER_HITS)
@require_safe
def history(request: CurrentRequest) -> HttpResponse:
    """Show the hits of the last day or month, with their plates, under an entry in the ledger."""
    form = HistoryForm(request.GET)
    hits: list[PastHit] = []
    more = False
    if form.is_valid():
        try:
            hits = past_hits(request.user, form.filter(), limit=PAGE + 1)
            more = len(hits) > PAGE
            hits = hits[:PAGE]
        except PurposeError as error:
            form.add_error(None, str(error))
    chosen = {
        name: value for name, value in request.GET.items() if name in form.fields and name not in {"at", "record"}
    }
    context = {
        "form": form,
        "hits": [(hit, decision_words(hit.alert)) for hit in hits],
        "older": hits[-1].alert if more else None,
        "chosen": chosen,
        "may_export": request.authorization.may(Permission.EXPORT),
    }
    return render(request, "alerts/history/history.html", context, status=422 if form.errors else 200)


@needs(Permission.EXPORT, gives_file=True)
@require_POST
def history_csv(request: CurrentRequest) -> HttpResponse:
    """Return the hits of a period as a CSV file, and log the export."""
    form = HistoryForm(request.POST)
    if not form.is_valid() or not request.authorization.may(Permission.ANSWER_HITS):
        return redirect("history")
    text = exported_history(request.user, form.filter())
    name = f'attachment; filename="hits-{datetime.now(UTC):%Y%m%d-%H%M%S}.csv"'
    return HttpResponse(text, "text/csv; charset=utf-8", headers={"Content-Disposition": name})


class HitForm(forms.Form):
    """Which hit, and what someone does about it."""

    record = forms.IntegerField(min_value=1, max_value=MOST_NUMBER)
    step = forms.ChoiceField(
        choices=[(step, step) for step in ("", AlertStep.REOPEN, AlertStep.UPHOLD, AlertStep.DISPUTE)], required=False
    )
    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    note = forms.CharField(max_length=160, required=False)
    trail = forms.BooleanField(required=False)


@needs(Permission.ANSWER_HITS)
@require_POST
def history_hit(request: CurrentRequest) -> HttpResponse:
    """Show one hit with all that was decided; reopen it, dispute its withdrawal, or note that it was checked."""
    form = HitForm(request.POST)
    if not form.is_valid():
        raise Http404
    cleaned = form.cleaned_data
    refused = done = ""
    if cleaned["step"]:
        try:
            done = _act(request, cleaned)
        except (AlertError, PurposeError) as error:
            refused = str(error)
    trail = cleaned["trail"] and trail_minutes() > 0 and request.authorization.may(Permission.SEARCH)
    with _entry(request, cleaned["record"], trail=trail) as entry:
        alert = alert_of(cleaned["record"], entry)
        if alert is None:
            raise Http404
        hit = shown_hit(entry, alert.record_id, trail=trail)
    session = request.session.session_key or ""
    pictures = [
        (kind, give_ticket(session, PictureTicket((alert.record_id,), kind, PURPOSE, str(entry.entry))))
        for kind in (hit.pictures if hit is not None else ())
    ]
    context: dict[str, Any] = {
        "alert": alert,
        "hit": hit,
        "is_listed": alert.stands_as_listed,
        "pictures": pictures,
        "decision": decision_words(alert),
        "system_name": system_name(),
        "steps": [(step, _words(step.step), _reason(step.reason)) for step in steps_of(alert.record_id)],
        "map": hit.map if hit is not None else None,
        "trail_minutes": trail_minutes() if alert.state in _SHOWS_TRAIL else 0,
        "may_reopen": alert.state is AlertState.REJECTED or alert.answered_as == "rejected",
        "may_uphold": request.authorization.may(Permission.REVIEW_EXIGENT)
        and (alert.state is AlertState.REJECTED or alert.disputed_by is not None)
        and alert.upheld_by is None,
        "may_dispute": alert.withdrawn_because == WithdrawalReason.TEXT_CHANGED and alert.disputed_by is None,
        "refused": refused,
        "done": done,
    }
    return render(request, "alerts/history/hit.html", context, status=409 if refused else 200)


def _act(request: CurrentRequest, cleaned: Mapping[str, Any]) -> str:
    """Take a step about a past hit; return what was done, for the page. Raises AlertError and PurposeError."""
    record = cleaned["record"]
    revision = -1 if cleaned["revision"] is None else cleaned["revision"]  # no such revision: refused as stale
    # Only members of covert groups need an access log entry here: they may act on a covert hit.
    with _entry(request, record) if covert_groups(request.user) else nullcontext() as entry:
        actor = AlertActor(request.user, entry)
        if cleaned["step"] == AlertStep.REOPEN:
            actions.reopen(actor, record, revision, cleaned["note"])
            return gettext("Reopened. It is assigned to you: compare it again on the page of hits.")
        if cleaned["step"] == AlertStep.DISPUTE:
            actions.dispute(actor, record, revision)
            return gettext("Supervisors are alerted. The hit stays withdrawn: do not act on it.")
        actions.uphold(actor, record, revision)
        return gettext("Saved: a supervisor has checked this hit.")


def _entry(request: CurrentRequest, record: int, *, trail: bool = False) -> OpenEntry:
    who, asked = request.user, {"console": [record], "history": "hit"} | ({"trail": record} if trail else {})
    return open_entry(person=who.login, agency=who.agency, purpose=PURPOSE, query=asked, groups=covert_groups(who))


@needs(Permission.SEE_PICTURES)
@require_GET
def history_picture(request: CurrentRequest, ticket: UUID) -> HttpResponseBase:
    """Show a picture of a hit, once, under an entry of its own."""
    used = use_ticket(request.session.session_key or "", ticket)
    if used is None or len(used.records) != 1:
        raise Http404
    (record,) = used.records
    return picture_response(_entry(request, record), record, used.kind)


@needs(Permission.REVIEW_EXIGENT)
@require_safe
def rejections(request: CurrentRequest) -> HttpResponse:
    """Show what no supervisor has checked, without a plate; the page refreshes itself."""
    unchecked_hits = unchecked()
    rejected_by = rejecters([alert.record_id for alert in unchecked_hits])
    matches = [
        (alert, _("Withdrawn, but the picture shows the listed plate"), alert.disputed_by)
        if alert.disputed_by
        else (alert, decision_words(alert), rejected_by.get(alert.record_id, ""))
        for alert in unchecked_hits
    ]
    return render(request, "alerts/history/rejections.html", {"rejections": matches})


def rejections_label(request: HttpRequest) -> str:
    """Return the label of the navigation entry, with the number that wait."""
    del request
    count = count_unchecked()
    return gettext("Rejections ({count})").format(count=count) if count else gettext("Rejections")


def _words(step: str) -> str:
    return str(_STEPS[AlertStep(step)]).format(system=system_name())


def _reason(reason: str | None) -> str:
    known = {str(value): words for value, words in (*REASONS.items(), *OUTCOMES.items(), *MEANWHILE.items())}
    return str(known.get(reason, reason.replace("_", " "))) if reason else ""
