"""What a notice of a breach says: the page and the PDF show the same words."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from platepost.department.sharing.errors import SharingError
from platepost.department.sharing.incidents import containment
from platepost.department.sharing.models import BreachIncident
from platepost.department.web.moments import date_text

_DONE = {
    "account": "We disabled the account. No one can log in with it.",
    "device": "The sessions of those who used the device are closed, and the keys with which they logged in are void.",
    "subscriber": "The key that was taken no longer opens our records.",
    "backup": "We destroyed what was left of the backup.",
}
"""By the incident's kind, once it was contained."""
_DONE_THERE = "The account is another department's. We answer none of that department's queries."
_INFORMATION = (
    "Records of automated license plate readers: the plate of a vehicle, pictures of it, where and when it passed a "
    "camera, and in which direction. No name, address or payment data is part of these records."
)
_ADVICE = (
    "You need not change your plate. If you are afraid that someone looked for you or for a place where you stay, "
    "call us or your local police. You may ask which of your records were seen."
)


@dataclass(frozen=True, slots=True)
class BreachNotice:
    """A notice, for the affected or the attorney general."""

    title: str
    about: tuple[str, ...]
    """The paragraphs below the title."""
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    """Each heading with its paragraphs."""


def require_sender(document: str) -> None:
    """Refuse to write a document of the department that could not state who sends it.

    Raises:
        SharingError: the department has not stated its name and whom to ask.

    """
    if not settings.DEPARTMENT_NAME or not settings.CONTACT:
        raise SharingError(
            f"a {document} must state who sends it and whom to ask. Set `name` and `contact` in department.toml, and"
            " restart the pages",
            "sharing_nameless",
        )


def breach_notice(incident: BreachIncident, *, attorney_general: bool) -> BreachNotice:
    """Return the notice of an incident whose exposure was computed, dated today.

    The title and the five headings are the statute's: Civ. Code 1798.29 (d).

    Raises:
        SharingError: the department has not stated its name and whom to ask.

    """
    require_sender("notice")
    since, until = (date_text(at, "F j, Y, g:i A T") for at in (incident.since, incident.until))
    copy = f"Copy for the Attorney General. It names none of the affected. Notices: {incident.plates}."
    what = _DONE_THERE if incident.kind == "account" and "@" in incident.subject else _DONE[incident.kind]
    done = [what] if all(done for _, done in containment(incident)) else []
    parts = {
        "What Happened": (
            f"{incident.says} This was between {since} and {until}. We learned of it on {_day(incident.known_on)}.",
        ),
        "What Information Was Involved": (_INFORMATION,),
        "What We Are Doing": (
            *done,
            "We computed from the log of all access which vehicles are affected, and notify each owner of record.",
        ),
        "What You Can Do": (_ADVICE,),
        "For More Information": (
            f"Ask the records manager of {settings.DEPARTMENT_NAME}: {settings.CONTACT.rstrip('.')}.",
            "Our policy, and how long we keep such records, are on our public page.",
        ),
    }
    return BreachNotice(
        "Notice of Data Breach",
        (
            *([copy] if attorney_general else []),
            f"From: {settings.DEPARTMENT_NAME}. Date: {_day(timezone.localdate())}.",
        ),
        tuple(parts.items()),
    )


def _day(at: date) -> str:
    return date_format(at, "F j, Y")
