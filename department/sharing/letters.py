"""Letters about a request: templates of what the department answers, by what was decided. They are in English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing.models import SharingRequest
from platepost.department.sharing.notice import require_sender
from platepost.department.sharing.requests import EXTENSION_LAW, WITHHELD, clock_rule

_PUBLIC = "public records"
_COMPELLED = {"subpoena": "your subpoena", "discovery": "your request for discovery"}


LETTERS = ("received", "extended", "answer")
"""Letters about a request, in the order in which they are sent."""


@dataclass(frozen=True, slots=True)
class AnswerLetter:
    """A letter to whoever asked."""

    title: str
    about: Sequence[str]
    """From whom, to whom, when: lines above the text."""
    heading: str
    """Above the parts."""
    parts: Sequence[tuple[str, str]]
    """Each part of what was asked, with the answer to it; empty while there is none."""
    paragraphs: Sequence[str]


def letters_of(request: SharingRequest) -> list[str]:
    """Return which of `LETTERS` a request has by now."""
    has = {"received": True, "extended": bool(request.extended_because), "answer": request.decision is not None}
    return [name for name in LETTERS if has[name]]


def letter_of(request: SharingRequest, which: str) -> AnswerLetter:
    """Return a letter about a request, dated today.

    Args:
        request: about which.
        which: one of `letters_of`.

    Raises:
        SharingError: the department has not stated its name and whom to ask.

    """
    require_sender("letter")
    parts, heading = [(part, "") for part in request.parts], "You asked for"
    if which == "received":
        title, paragraphs = "We received your request", _received(request)
    elif which == "extended":
        title, paragraphs = "More time for your request", _extended(request)
    else:
        title, paragraphs = _TITLES[request.decision or ""], _decided(request)
        parts = [(part, _answer(outcome, because)) for part, outcome, because in request.answered_parts]
        heading = "You asked for, and our answer"
    about = (
        f"From: {settings.DEPARTMENT_NAME}, records manager",
        f"To: {request.requester}",
        *request.address.splitlines(),
        f"Date: {_day(timezone.localdate())}",
        f"Your {_called(request)}, received on {_day(request.received_on)}; our number: {request.pk}",
    )
    return AnswerLetter(title, about, heading, parts, (*paragraphs, f"Questions: {settings.CONTACT.rstrip('.')}."))


_TITLES = {
    "granted": "What you asked for",
    "partly granted": "Part of what you asked for",
    "denied": "We cannot give you what you asked for",
}
"""Of the answer, by the decision."""


def _answer(outcome: str, because: str) -> str:
    reason = f" {because.rstrip('.')}." if because else ""
    return {
        "granted": f"Granted.{reason}",
        "granted with redactions": f"Granted, with parts redacted.{reason}",
        "denied": f"Denied.{reason}",
        "no such records": f"We have no such records.{reason}",
    }[outcome]


def _received(request: SharingRequest) -> Sequence[str]:
    return (
        f"We will answer by {_day(request.answer_by)}. The deadline is {_day(request.due_on)}: {clock_rule(request)}.",
        *(["Nothing that your request is about will be deleted meanwhile."] if request.hold_id else []),
    )


def _extended(request: SharingRequest) -> Sequence[str]:
    by_law = f" {EXTENSION_LAW} allows this once, for unusual circumstances." if _is_californian(request) else ""
    return (
        f"We need more time, and will answer by {_day(request.answer_by)}.",
        f"The reason: {(request.extended_because or '').rstrip('.')}.{by_law}",
    )


def _decided(request: SharingRequest) -> Sequence[str]:
    paragraphs = list[str]()
    if request.log_since and request.log_until:
        paragraphs += _log(request.log_since, request.log_until, request.log_totals or {})
    if request.decision != "denied":
        paragraphs.append(_FIGURES if _is_public(request) else _PACKAGE)
    outcomes = {outcome for _part, outcome, _because in request.answered_parts}
    if outcomes & {"denied", "granted with redactions"} and _is_californian(request):
        law = "Government Code section 7922.540"
        paragraphs.append(f"This is the written justification that {law} requires for what we withhold.")
    paragraphs.append(f"Responsible for this decision: {_name(request.decided_by or '')}, records manager.")
    return paragraphs


_FIGURES = "Our monthly figures and our policy are on our public page."
_PACKAGE = (
    "You receive the records as one encrypted and signed package. It contains the proof that they are complete and"
    " unchanged. Use it only for the purpose that you stated, and destroy it when that has ended."
)


def _log(since: date, until: date, totals: Mapping[str, int]) -> Sequence[str]:
    count = sum(totals.values())
    by_purpose = "; ".join(
        f"{number} for purposes with too few searches to be published" if purpose == WITHHELD else f"{purpose} {number}"
        for purpose, number in sorted(totals.items(), key=lambda item: -item[1])
    )
    searched = f"From {_day(since)} to {_day(until)} our personnel searched the records {count:,} times"
    enclosed = (
        "Enclosed: the log of these searches, as a file that a spreadsheet opens. It states for each day the purposes,"
        " and how much was shown. It states no person, plate, or case. Small counts are withheld, because they could"
        " reveal an investigation or a person."
    )
    counted = "A search, and each look at a result of it, counts as one."
    return f"{searched}{f': {by_purpose}' if by_purpose else ''}. {counted}", enclosed


def _called(request: SharingRequest) -> str:
    name = _COMPELLED.get(
        request.kind, f"your request for {_PUBLIC}" if _is_public(request) else "your agency's request"
    )
    return name.removeprefix("your ") + (f" {request.order_number}" if request.order_number else "")


def _is_californian(request: SharingRequest) -> bool:
    return _is_public(request) and policy_in_force().law.state == "CA"


def _is_public(request: SharingRequest) -> bool:
    return request.kind == _PUBLIC


def _name(login: str) -> str:
    person = DepartmentPerson.objects.filter(login=login).first()
    return person.name if person is not None else login


def _day(day: date) -> str:
    return date_format(day, "F j, Y")
