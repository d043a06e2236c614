"""Letters about a request: templates of what the department answers, by what was decided. They are in English."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from platepost.department.people.models import DepartmentPerson
from platepost.department.sharing.models import SharingRequest
from platepost.department.sharing.notice import require_sender

_PUBLIC = "public records"
_COMPELLED = {"subpoena": "your subpoena", "discovery": "your request for discovery"}


@dataclass(frozen=True, slots=True)
class AnswerLetter:
    """A letter to whoever asked."""

    title: str
    about: Sequence[str]
    """From whom, to whom, when: lines above the text."""
    paragraphs: Sequence[str]


def letter_of(request: SharingRequest) -> AnswerLetter:
    """Return the letter that a request needs now: that it was received or extended, or how it was decided.

    Raises:
        SharingError: the department has not stated its name and whom to ask.

    """
    require_sender("letter")
    if request.decision is not None:
        title, paragraphs = _decided(request)
    elif request.extended_because:
        title, paragraphs = "More time for your request", _extended(request)
    else:
        title, paragraphs = "We received your request", _received(request)
    about = (
        f"From: {settings.DEPARTMENT_NAME}, records manager",
        f"To: {request.requester}",
        f"Date: {_day(timezone.localdate())}",
        f"Your {_called(request)}, received on {_day(request.received_on)}; our number: {request.pk}",
    )
    return AnswerLetter(title, about, (*paragraphs, f"Questions: {settings.CONTACT.rstrip('.')}."))


def _received(request: SharingRequest) -> Sequence[str]:
    return (
        f"You asked for: {request.says}",
        f"We will answer by {_day(request.due_on)}.",
        *(["Nothing that your request is about will be deleted meanwhile."] if request.hold_id else []),
    )


def _extended(request: SharingRequest) -> Sequence[str]:
    law = " Government Code section 7922.535 (b) allows this once, for unusual circumstances."
    by_law = law if _is_public(request) else ""
    return (
        f"You asked for: {request.says}",
        f"We need more time, and will answer by {_day(request.due_on)}.",
        f"The reason: {(request.extended_because or '').rstrip('.')}.{by_law}",
    )


def _decided(request: SharingRequest) -> tuple[str, Sequence[str]]:
    request_line = f"You asked for: {request.says}"
    reason = f"The reason: {(request.because or '').rstrip('.')}."
    responsible = f"Responsible for this decision: {_name(request.decided_by or '')}, records manager."
    if request.decision == "denied":
        law = (
            " This is the written justification that Government Code section 7922.540 requires."
            if _is_public(request)
            else ""
        )
        return "We cannot give you what you asked for", (
            request_line,
            f"Your request is denied. {reason}{law}",
            responsible,
        )
    partly = request.decision == "partly granted"
    granted = f"Your request is {request.decision}. {reason if partly else ''}".strip()
    if _is_public(request):
        sent = (
            "With this letter you receive the log of searches for the days that you asked about. It states for each"
            " search its day, its purpose, and how much was shown. It names no person, plate, or case. It withholds"
            " small counts, which could reveal an investigation or a person. Our monthly figures and our policy are on"
            " our public page."
        )
    else:
        sent = (
            "You receive the records as one encrypted and signed package. It contains the proof that they are complete"
            " and unchanged. Use it only for the purpose that you stated, and destroy it when that has ended."
        )
    title = "Part of what you asked for" if partly else "What you asked for"
    return title, (request_line, granted, sent, responsible)


def _called(request: SharingRequest) -> str:
    name = _COMPELLED.get(
        request.kind, f"your request for {_PUBLIC}" if _is_public(request) else "your agency's request"
    )
    return name.removeprefix("your ") + (f" {request.order_number}" if request.order_number else "")


def _is_public(request: SharingRequest) -> bool:
    return request.kind == _PUBLIC


def _name(login: str) -> str:
    person = DepartmentPerson.objects.filter(login=login).first()
    return person.name if person is not None else login


def _day(day: date) -> str:
    return date_format(day, "F j, Y")
