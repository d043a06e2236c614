"""The console: hits as they come, and what people do about them.

What it receives comes from `platepost.department.alerts.console_feed`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import nullcontext, suppress
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
from platepost.department.alerts.alert_status import bare_view, system_name
from platepost.department.alerts.alerts import Waiting, alert_of, alerts_of, waiting_for
from platepost.department.alerts.console_feed import AT_ONCE, FEED, PURPOSE, ConsoleFeed, Listener
from platepost.department.alerts.console_hit import fetched_hits, hit_views, rereads
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
_MOST_CHARACTERS = 48
_DIGITS = 19
"""Fewer than these has every record's number."""
_EYE = [(answer.value, answer.value) for answer in EyeAnswer]
_Reason = TypeVar("_Reason", bound=StrEnum)


@needs(Permission.ANSWER_HITS)
@require_safe
def console(request: CurrentRequest) -> HttpResponse:
    """Show the page's frame; hits come by the stream."""
    people = authorizations(
        DepartmentPerson.objects.filter(disabled_at=None).exclude(pk=request.user.pk).order_by("login")
    )
    context = {
        "words": CONSOLE_WORDS,
        "system": system_name(),
        "begun": acknowledged_until(request.user) is not None,
        "colleagues": [person.person.login for person in people if person.may(Permission.ANSWER_HITS)],
    }
    return render(request, "alerts/console/console.html", context)


@needs(Permission.ANSWER_HITS)
@require_GET
def events(request: CurrentRequest) -> HttpResponseBase:
    """Send hits and what becomes of them until the session or the browser ends it: see `console_feed`."""
    if request.headers.get("Accept") != _STREAM:
        return HttpResponse("This address is for the console's script.", status=406, content_type="text/plain")
    person, session = request.user, request.session.session_key or ""
    after = request.headers.get("Last-Event-ID", "")
    signed_in = f"event: session\ndata: {json.dumps(_session(request))}\n\n".encode()
    stream = _stream(FEED, lambda send: FEED.join(person, session, send, after=after), signed_in)
    return StreamingHttpResponse(stream, content_type=_STREAM, headers={"X-Accel-Buffering": "no"})


def _session(request: CurrentRequest) -> dict[str, Any]:
    """Return when the session ends, and whether someone who does something puts that off."""
    ends, idle = session_end(request), idle_end(request)
    return {"ends": min(ends, idle or ends).isoformat(), "idle": idle is not None and idle < ends}


@needs(Permission.ANSWER_HITS)
@require_POST
def stay(request: CurrentRequest) -> HttpResponse:
    """Note that someone is at the console, which keeps the session; return when it ends now."""
    return JsonResponse(_session(request))


@needs(Permission.ANSWER_HITS)
@require_GET
def waiting(request: CurrentRequest) -> HttpResponse:
    """Return what waits for someone who is on another page, in words and without a plate; no hit where hits sound."""
    who = request.user
    on_shift = acknowledged_until(who) is not None
    found = Waiting(0, 0, 0) if FEED.listens(who.login) else waiting_for(who.login, on_shift=on_shift)
    disputed = request.authorization.may(Permission.REVIEW_EXIGENT) and count_disputed(who.login)
    link = reverse("console")
    if found.withdrawn:
        words = gettext("A hit was WITHDRAWN: do not act on it.")
    elif found.second:
        words = gettext("A hit waits for a second person: compare it now.")
    elif disputed:
        words = gettext("A hit was withdrawn, but its picture shows the listed plate: check it.")
        link = reverse("rejections")
    else:
        words = gettext("A hit waits to be taken.") if found.take else ""
    urgent = bool(found.withdrawn or found.second or disputed)
    silent = gettext("No sound: touch this page.")
    return JsonResponse({"text": words, "show": gettext("Show hits"), "silent": silent, "link": link, "urgent": urgent})


@needs(Permission.ANSWER_HITS)
@require_POST
def test(request: CurrentRequest) -> HttpResponse:
    """Send a test hit to the person's consoles: from the database by the stream, as hits come. It is no alert."""
    sent = {"person": request.user.login, "at": timezone.now().isoformat()}
    with entering(LedgerEvent.TEST_HIT, {"person": request.user.login}), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('alerts', %s)", [json.dumps(sent)])
    return HttpResponse(status=204)


@needs(Permission.ANSWER_HITS)
@require_POST
def hits(request: CurrentRequest) -> HttpResponse:
    """Show hits that the stream has only listed, under an entry in the ledger: those that a console draws or opens."""
    named = request.POST.get("records", "").split(",")[:AT_ONCE]
    records = [int(number) for number in named if number.isascii() and number.isdecimal() and len(number) < _DIGITS]
    who, now = request.user, timezone.now()
    asked: dict[str, Any] = {"person": who.login, "agency": who.agency, "query": {"console": records}}
    shown = []
    if records:
        with open_entry(purpose=PURPOSE, groups=covert_groups(who), **asked) as entry:
            alerts = alerts_of(records, entry)
            views = hit_views(fetched_hits(entry, [alert.record_id for alert in alerts]))
            texts = rereads(entry, alerts)
            shown = [
                bare_view(alert)
                | views.get(alert.record_id, {})
                | FEED.status(alert, now)
                | {"reread": texts.get(alert.record_id, "")}
                for alert in alerts
                if alert.state.is_open
            ]
    return JsonResponse({"hits": shown})


async def _stream(
    feed: ConsoleFeed, join: Callable[[Callable[[bytes | None], object]], Listener], opening: bytes = b""
) -> AsyncIterator[bytes]:
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

    def send(payload: bytes | None) -> None:
        with suppress(RuntimeError):  # the program ends
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
    """What someone answers about one alert. Nothing has a default; what a step lacks, its service refuses."""

    hit = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    revision = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    step = forms.ChoiceField(choices=lambda: [(step, step) for step in _STEPS])
    region = forms.ChoiceField(choices=_EYE, required=False)
    vehicle = forms.ChoiceField(choices=_EYE, required=False)
    reason = forms.CharField(required=False, max_length=40)
    pairs = forms.RegexField(r"^([A-Z0-9]{2}( |$))*$", required=False, max_length=3 * _MOST_CHARACTERS)
    note = forms.CharField(required=False, max_length=160)
    to_person = forms.CharField(required=False, max_length=64)
    repeats = forms.RegexField(r"^([0-9]{1,18}(,|$)){0,200}$", required=False)

    def clean(self) -> dict[str, Any]:
        """Collect the answers to the characters by their place; None for one that was left out before others."""
        cleaned = super().clean() or {}
        values = [self.data.get(f"character{place}") for place in range(_MOST_CHARACTERS)]
        known = {answer.value for answer in CharacterAnswer}
        answers = [CharacterAnswer(value) if value in known else None for value in values]
        while answers and answers[-1] is None:
            answers.pop()
        cleaned["characters"] = answers
        return cleaned


def _eye(cleaned: Mapping[str, Any]) -> EyeAnswers:
    if not _is_compared(cleaned):
        raise AlertError("Answer for each character, for the state and for the vehicle.")
    return EyeAnswers(cleaned["characters"], EyeAnswer(cleaned["region"]), EyeAnswer(cleaned["vehicle"]))


def _is_compared(cleaned: Mapping[str, Any]) -> bool:
    characters = cleaned["characters"]
    return bool(characters and None not in characters and cleaned["region"] and cleaned["vehicle"])


def _rejection(cleaned: Mapping[str, Any]) -> AlertRejection:
    reason = _reason(RejectReason)(cleaned)
    pairs = [pair for pair in cleaned["pairs"].split() if pair[0] != pair[1]]
    return AlertRejection(reason, _eye(cleaned) if _is_compared(cleaned) else None, pairs)


def _reason(kind: type[_Reason]) -> Callable[[Mapping[str, Any]], _Reason]:
    def chosen(cleaned: Mapping[str, Any]) -> _Reason:
        try:
            return kind(cleaned["reason"])
        except ValueError as error:
            raise AlertError("Choose one of the answers.") from error

    return chosen


def _offer(actor: AlertActor, hit: int, revision: int, login: str) -> None:
    alert, to = alert_of(hit, actor.entry), DepartmentPerson.objects.filter(login=login.strip().lower()).first()
    if alert is None or alert.revision != revision:
        raise StaleAlertError("The alert has changed since it was shown.")
    if to is None:
        raise AlertError("Unknown username.")
    actions.hand_over(actor, [alert], to)


_STEPS: dict[str, tuple[Callable[..., object], Callable[[Mapping[str, Any]], object] | None]] = {
    AlertStep.TAKE: (actions.take, None),
    AlertStep.CONFIRM: (actions.confirm, _eye),
    AlertStep.SECOND: (actions.second, _eye),
    AlertStep.SUBSTITUTE: (actions.substitute, None),
    AlertStep.REJECT: (actions.reject, _rejection),
    AlertStep.ACTIVE: (actions.system_active, None),
    AlertStep.CLEARED: (actions.system_cleared, None),
    AlertStep.NOT_PRACTICAL: (actions.system_not_practical, itemgetter("note")),
    AlertStep.OUTCOME: (actions.close, _reason(AlertOutcome)),
    AlertStep.MEANWHILE: (actions.account, _reason(MeanwhileAnswer)),
    AlertStep.DISPUTE: (actions.dispute, None),
    AlertStep.OFFER: (_offer, itemgetter("to_person")),
    AlertStep.TAKE_OVER: (actions.take_over, None),
}
"""What each step does, and what of the answers it takes besides; the others are not made here."""
_DECIDING = {AlertStep.REJECT, AlertStep.CLEARED, AlertStep.OUTCOME, AlertStep.MEANWHILE}
"""Steps that answer other hits of the same vehicle, too."""


@needs(Permission.ANSWER_HITS)
@require_POST
def step(request: CurrentRequest) -> HttpResponse:
    """Take what someone does about an alert. Each console receives the result by its stream."""
    form = StepForm(request.POST)
    if not form.is_valid():
        return _plain_answer("Something is missing.", 422)
    cleaned = form.cleaned_data
    who = request.user
    groups = covert_groups(who)
    does, takes = _STEPS[cleaned["step"]]
    # As a hit that is shown: no search, so that no count tells who acts under an entry.
    asked: dict[str, Any] = {"person": who.login, "agency": who.agency, "query": {"console": [cleaned["hit"]]}}
    try:
        # What is of a covert group is acted upon under an entry.
        with open_entry(purpose=PURPOSE, groups=groups, **asked) if groups else nullcontext() as entry:
            repeats = {"repeats": [*map(int, filter(None, cleaned["repeats"].split(",")))]}
            more = repeats if cleaned["step"] in _DECIDING else {}
            does(
                AlertActor(who, entry),
                cleaned["hit"],
                cleaned["revision"],
                *([takes(cleaned)] if takes else []),
                **more,
            )
    except StaleAlertError as error:
        return _plain_answer(str(error), 409)
    except (AlertError, PurposeError) as error:
        return _plain_answer(str(error), 422)
    return HttpResponse(status=204)


@needs(Permission.ANSWER_HITS)
@require_http_methods(["GET", "HEAD", "POST"])
def shift(request: CurrentRequest) -> HttpResponse:
    """Show each post's list, faults and open hits; a POST notes that someone has looked at them."""
    start, refused = shift_start(), ""
    if request.method == "POST" and request.POST.get("newest") != str(start.newest):
        refused = "A newer list has arrived since you opened this page. Review it again."
    elif request.method == "POST":
        try:
            acknowledge(request.user, start)
            return redirect("console")
        except AlertError as error:
            refused = str(error)
    context: dict[str, Any] = {"start": start, "refused": refused, "listening_state": listening_state()}
    context["list_held"] = ListRequest.held_since()
    context["until"] = acknowledged_until(request.user)
    return render(request, "alerts/console/shift.html", context, status=422 if refused else 200)


def _plain_answer(why: str, status: int) -> HttpResponse:
    return HttpResponse(why, status=status, content_type="text/plain; charset=utf-8")
