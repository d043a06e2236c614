"""Views of the console page: its stream of hits, and the steps that dispatchers take on them.

The stream comes from `platepost.department.alerts.console_feed`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any, TypeVar

from django import forms
from django.db import connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from platepost.department.alerts import actions
from platepost.department.alerts.actions import AlertActor, AlertRejection, EyeAnswers
from platepost.department.alerts.alert_status import bare_payload, system_name
from platepost.department.alerts.alerts import Waiting, alert_of, alerts_of, waiting_for
from platepost.department.alerts.console_feed import AT_ONCE, FEED, PURPOSE, ConsoleFeed, Listener
from platepost.department.alerts.console_hit import corrected_texts, fetched_hits, hit_payloads
from platepost.department.alerts.console_words import CONSOLE_WORDS
from platepost.department.alerts.errors import AlertError, StaleAlertError
from platepost.department.alerts.history import count_disputed
from platepost.department.alerts.liveness import listening_state
from platepost.department.alerts.shift import acknowledge, acknowledged_until, shift_start
from platepost.department.alerts.states import (
    AlertOutcome,
    AlertStep,
    CharacterAnswer,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
)
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.writing import entering
from platepost.department.lists.models import ListRequest
from platepost.department.people.access import CurrentRequest, idle_end, needs, session_end
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission
from platepost.department.people.services import covert_groups
from platepost.department.policy.errors import PurposeError

_STREAM = "text/event-stream"
_MAX_CHARACTERS = 48
"""Pairs of characters that one comparison may have."""
_MAX_RECORD_DIGITS = 18
"""Longest record number that is accepted; it fits a bigint."""
_EYE_CHOICES = [(answer.value, answer.value) for answer in EyeAnswer]
_Reason = TypeVar("_Reason", bound=StrEnum)


@needs(Permission.ANSWER_HITS)
@require_safe
def console(request: CurrentRequest) -> HttpResponse:
    """Show the page without hits; they arrive through the stream."""
    colleagues = authorizations(
        DepartmentPerson.objects.filter(disabled_at=None).exclude(pk=request.user.pk).order_by("login")
    )
    context = {
        "words": CONSOLE_WORDS,
        "system": system_name(),
        "begun": acknowledged_until(request.user) is not None,
        "colleagues": [each.person.login for each in colleagues if each.may(Permission.ANSWER_HITS)],
    }
    return render(request, "alerts/console/console.html", context)


@needs(Permission.ANSWER_HITS)
@require_GET
def events(request: CurrentRequest) -> HttpResponseBase:
    """Stream hits and their changes until the session ends or the browser disconnects: see `console_feed`."""
    if request.headers.get("Accept") != _STREAM:
        return HttpResponse("This address is for the console's script.", status=406, content_type="text/plain")
    person, session = request.user, request.session.session_key or ""
    after = request.headers.get("Last-Event-ID", "")
    signed_in = f"event: session\ndata: {json.dumps(_session(request))}\n\n".encode()
    stream = _stream(FEED, lambda send: FEED.join(person, session, send, after=after), signed_in)
    return StreamingHttpResponse(stream, content_type=_STREAM, headers={"X-Accel-Buffering": "no"})


def _session(request: CurrentRequest) -> dict[str, Any]:
    """Return when the session ends, and whether activity postpones that."""
    ends, idle = session_end(request), idle_end(request)
    return {"ends": min(ends, idle or ends).isoformat(), "idle": idle is not None and idle < ends}


@needs(Permission.ANSWER_HITS)
@require_POST
def keep_alive(request: CurrentRequest) -> HttpResponse:
    """Return when the session ends now. The request itself counts as activity: see `people.access`."""
    return JsonResponse(_session(request))


@needs(Permission.ANSWER_HITS)
@require_GET
def waiting(request: CurrentRequest) -> HttpResponse:
    """Return a notice, without a plate, for a person on another page; of no hit if a console of theirs will sound."""
    who = request.user
    on_shift = acknowledged_until(who) is not None
    waiting_hits = Waiting(0, 0, 0) if FEED.listens(who.login) else waiting_for(who.login, on_shift=on_shift)
    disputed = request.authorization.may(Permission.REVIEW_EXIGENT) and count_disputed(who.login)
    link = reverse("console")
    if waiting_hits.withdrawn:
        words = gettext("A hit was WITHDRAWN: do not act on it.")
    elif waiting_hits.second:
        words = gettext("A hit waits for a second person: compare it now.")
    elif disputed:
        words = gettext("A hit was withdrawn, but its picture shows the listed plate: check it.")
        link = reverse("rejections")
    else:
        words = gettext("A hit waits to be taken.") if waiting_hits.take else ""
    urgent = bool(waiting_hits.withdrawn or waiting_hits.second or disputed)
    silent = gettext("No sound: touch this page.")
    return JsonResponse({"text": words, "show": gettext("Show hits"), "silent": silent, "link": link, "urgent": urgent})


@needs(Permission.ANSWER_HITS)
@require_POST
def send_test_hit(request: CurrentRequest) -> HttpResponse:
    """Send a test hit to the person's consoles, the way of a real hit: from the database. It creates no alert."""
    sent = {"person": request.user.login, "at": timezone.now().isoformat()}
    with entering(LedgerEvent.TEST_HIT, {"person": request.user.login}), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('alerts', %s)", [json.dumps(sent)])
    return HttpResponse(status=204)


@needs(Permission.ANSWER_HITS)
@require_POST
def hits(request: CurrentRequest) -> HttpResponse:
    """Return the full hits of which the stream had sent only rows. They are written to the access log."""
    texts = request.POST.get("records", "").split(",")[:AT_ONCE]
    records = [
        int(number) for number in texts if number.isascii() and number.isdecimal() and len(number) <= _MAX_RECORD_DIGITS
    ]
    who, now = request.user, timezone.now()
    asked: dict[str, Any] = {"person": who.login, "agency": who.agency, "query": {"console": records}}
    shown: list[dict[str, Any]] = []
    if records:
        with open_entry(purpose=PURPOSE, groups=covert_groups(who), **asked) as entry:
            alerts = alerts_of(records, entry)
            payloads = hit_payloads(fetched_hits(entry, [alert.record_id for alert in alerts]))
            corrected = corrected_texts(entry, alerts)
            shown = [
                bare_payload(alert)
                | payloads.get(alert.record_id, {})
                | FEED.status(alert, now)
                | {"reread": corrected.get(alert.record_id, "")}
                for alert in alerts
                if alert.state.is_open
            ]
    return JsonResponse({"hits": shown})


async def _stream(
    feed: ConsoleFeed, join: Callable[[Callable[[bytes | None], object]], Listener], opening: bytes = b""
) -> AsyncIterator[bytes]:
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

    def send(payload: bytes | None) -> None:
        with suppress(RuntimeError):  # the event loop is closed: the process is stopping
            loop.call_soon_threadsafe(queue.put_nowait, payload)

    listener = join(send)
    feed.start()
    try:
        if opening:
            yield opening
        while (payload := await queue.get()) is not None:
            yield payload
    finally:
        feed.leave(listener)


class StepForm(forms.Form):
    """What someone answers about one alert.

    No field has a default. The service of each step refuses it if an answer is missing.
    """

    hit = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    step = forms.ChoiceField(choices=lambda: [(step, step) for step in _STEPS])
    region = forms.ChoiceField(choices=_EYE_CHOICES, required=False)
    vehicle = forms.ChoiceField(choices=_EYE_CHOICES, required=False)
    reason = forms.CharField(required=False, max_length=40)
    pairs = forms.RegexField(r"^([A-Z0-9]{2}( |$))*$", required=False, max_length=3 * _MAX_CHARACTERS)
    note = forms.CharField(required=False, max_length=160)
    to_person = forms.CharField(required=False, max_length=64)
    repeats = forms.RegexField(r"^([0-9]{1,18}(,|$)){0,200}$", required=False)

    def clean(self) -> dict[str, Any]:
        """Collect the answers to the characters by their place; None for one that was left out before others."""
        cleaned = super().clean() or {}
        values = [self.data.get(f"character{place}") for place in range(_MAX_CHARACTERS)]
        known = {answer.value for answer in CharacterAnswer}
        answers = [CharacterAnswer(value) if value in known else None for value in values]
        while answers and answers[-1] is None:
            answers.pop()
        cleaned["characters"] = answers
        return cleaned


def _eye_answers(cleaned: Mapping[str, Any]) -> EyeAnswers:
    if not _is_compared(cleaned):
        raise AlertError("Answer for each character, for the state and for the vehicle.")
    return EyeAnswers(cleaned["characters"], EyeAnswer(cleaned["region"]), EyeAnswer(cleaned["vehicle"]))


def _is_compared(cleaned: Mapping[str, Any]) -> bool:
    characters = cleaned["characters"]
    return bool(characters and None not in characters and cleaned["region"] and cleaned["vehicle"])


def _rejection(cleaned: Mapping[str, Any]) -> AlertRejection:
    reason = _reason_of(RejectReason)(cleaned)
    pairs = [pair for pair in cleaned["pairs"].split() if pair[0] != pair[1]]
    return AlertRejection(reason, _eye_answers(cleaned) if _is_compared(cleaned) else None, pairs)


def _reason_of(kind: type[_Reason]) -> Callable[[Mapping[str, Any]], _Reason]:
    """Return a function that takes a form's reason as a member of `kind`. It raises AlertError if it is none."""

    def chosen(cleaned: Mapping[str, Any]) -> _Reason:
        try:
            return kind(cleaned["reason"])
        except ValueError as error:
            raise AlertError("Choose one of the answers.") from error

    return chosen


def _offer(actor: AlertActor, hit: int, revision: int, login: str) -> None:
    alert = alert_of(hit, actor.entry)
    to = DepartmentPerson.objects.filter(login=login.strip().lower()).first()
    if alert is None or alert.revision != revision:
        raise StaleAlertError("The alert has changed since it was shown.")
    if to is None:
        raise AlertError("Unknown username.")
    actions.hand_over(actor, [alert], to)


@dataclass(frozen=True, slots=True)
class _StepHandler:
    """How the console carries out one step."""

    action: Callable[..., object]
    """Takes the actor, the hit's record, its revision, and what `argument` returns, if there is one."""
    argument: Callable[[Mapping[str, Any]], object] | None = None
    """Makes the last argument from the form's values."""
    answers_repeats: bool = False
    """Whether the step also answers other hits of the same vehicle."""


_STEPS: dict[AlertStep, _StepHandler] = {
    AlertStep.TAKE: _StepHandler(actions.take),
    AlertStep.CONFIRM: _StepHandler(actions.confirm, _eye_answers),
    AlertStep.SECOND: _StepHandler(actions.second, _eye_answers),
    AlertStep.SUBSTITUTE: _StepHandler(actions.substitute),
    AlertStep.REJECT: _StepHandler(actions.reject, _rejection, answers_repeats=True),
    AlertStep.ACTIVE: _StepHandler(actions.system_active),
    AlertStep.CLEARED: _StepHandler(actions.system_cleared, answers_repeats=True),
    AlertStep.NOT_PRACTICAL: _StepHandler(actions.system_not_practical, itemgetter("note")),
    AlertStep.OUTCOME: _StepHandler(actions.close, _reason_of(AlertOutcome), answers_repeats=True),
    AlertStep.MEANWHILE: _StepHandler(actions.record_meanwhile, _reason_of(MeanwhileAnswer), answers_repeats=True),
    AlertStep.DISPUTE: _StepHandler(actions.dispute),
    AlertStep.OFFER: _StepHandler(_offer, itemgetter("to_person")),
    AlertStep.TAKE_OVER: _StepHandler(actions.take_over),
}
"""The steps that a person takes on the console; the others are made elsewhere."""


@needs(Permission.ANSWER_HITS)
@require_POST
def step(request: CurrentRequest) -> HttpResponse:
    """Carry out one step on an alert. Each console receives the result through its stream."""
    form = StepForm(request.POST)
    if not form.is_valid():
        return _plain_answer("Something is missing.", 422)
    cleaned = form.cleaned_data
    who = request.user
    groups = covert_groups(who)
    handler = _STEPS[AlertStep(cleaned["step"])]
    # Logged like showing one hit, not like a search: otherwise counts would show who may see covert hits.
    asked: dict[str, Any] = {"person": who.login, "agency": who.agency, "query": {"console": [cleaned["hit"]]}}
    try:
        # Only members of covert groups need an access log entry here: they may act on a covert hit.
        with open_entry(purpose=PURPOSE, groups=groups, **asked) if groups else nullcontext() as entry:
            arguments = [AlertActor(who, entry), cleaned["hit"], cleaned["revision"]]
            if handler.argument is not None:
                arguments.append(handler.argument(cleaned))
            if handler.answers_repeats:
                handler.action(*arguments, repeats=_numbers(cleaned["repeats"]))
            else:
                handler.action(*arguments)
    except StaleAlertError as error:
        return _plain_answer(str(error), 409)
    except (AlertError, PurposeError) as error:
        return _plain_answer(str(error), 422)
    return HttpResponse(status=204)


@needs(Permission.ANSWER_HITS)
@require_http_methods(["GET", "HEAD", "POST"])
def shift(request: CurrentRequest) -> HttpResponse:
    """Show each post's list, faults, and open hits; a POST records that the person has reviewed them."""
    start = shift_start()
    refusal = ""
    if request.method == "POST" and request.POST.get("newest") != str(start.newest):
        refusal = "A newer list has arrived since you opened this page. Review it again."
    elif request.method == "POST":
        try:
            acknowledge(request.user, start)
            return redirect("console")
        except AlertError as error:
            refusal = str(error)
    context: dict[str, Any] = {"start": start, "refused": refusal, "listening_state": listening_state()}
    context["list_held"] = ListRequest.held_since()
    context["until"] = acknowledged_until(request.user)
    return render(request, "alerts/console/shift.html", context, status=422 if refusal else 200)


def _plain_answer(why: str, status: int) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]
