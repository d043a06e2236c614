"""The few words that an alert takes. Of the state's system nothing is stored but outcome and time."""

import re

from platepost.department.alerts.errors import AlertError

LONGEST = 160
_CODED = re.compile(
    r"[/:=;|<>]|[0-9]{4}|[A-Za-z][0-9]|[0-9][A-Za-z]|"
    r"\b(?:vin|lic|dob|oca|ori|fcn|nic|oln|sid|fbi|regis|registered owner|date of birth|caution)\b",
    re.IGNORECASE,
)
"""As the database's `alerts_plain`: codes, numbers, plates, names of fields."""


def require_plain(note: str) -> str:
    """Return a note without space around it.

    Raises:
        AlertError: it is empty, too long, or looks like an answer of the state's system.

    """
    text = note.strip()
    if not text:
        raise AlertError(f"Enter a reason, in one line of at most {LONGEST} characters.", "alerts_note")
    if len(text) > LONGEST or not text.isprintable():
        raise AlertError(f"Use one line of at most {LONGEST} characters.", "alerts_note")
    if _CODED.search(text):
        raise AlertError(
            "This looks like an answer of the state's system, or like a number. Say it in words: no answer of that"
            " system is kept here, nor a plate.",
            "alerts_note",
        )
    return text
