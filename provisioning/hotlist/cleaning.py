"""The field's rules for what may stand on a list.

NCIC's manual asks for plates without spaces, hyphens and symbols, and forbids partials and words such as NONE or
UNKNOWN; spreadsheets add their own damage. A refused row costs a telephone call, a wrong one a wrong stop.
"""

import re
import string
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from platepost.provisioning.hotlist.encoding import UNREADABLE
from platepost.provisioning.hotlist.rows import RowRefusedError
from platepost.wire.hotlist.fingerprints import LONGEST_REFERENCE
from platepost.wire.hotlist.keys import PlateText, normalize
from platepost.wire.hotlist.layout import FEWEST_KNOWN, WILDCARDS, is_line, literals

SHORTEST_PLATE = 3
LONGEST_PLATE = 10
"""NCIC's LIC field has ten characters."""

PLACEHOLDERS = frozenset(
    {
        *("NONE", "UNKNOWN", "UNK", "UNKN", "NOTKNOWN", "NULL", "NIL", "TBD", "NOTAPPLICABLE", "MISSING", "BLANK"),
        *("PAPER", "PAPERPLATE", "PAPERPLATES", "PAPERTAG", "TEMP", "TEMPTAG", "TEMPORARY", "TEMPPLATE", "DEALER"),
        *("NOPLATE", "NOPLATES", "NOTAG", "NOTAGS", "NOLICENSE", "NOREG", "UNREADABLE", "ILLEGIBLE", "PARTIAL"),
        *("NOPLT", "NOLIC", "NOTONFILE", "NOTAVAIL", "UNAVAIL", "SEEVIN", "VINONLY", "VOID", "NAN"),
        *("TEST", "PENDING", "PLATE", "LICENSE"),
    }
)
# Spreadsheets write a sign or a point: 8E41480 without either is a plate of a Californian lorry.
_SPREADSHEET = re.compile(r"\d+([.,]\d+)?[eE]\+\d+|\d+[.,]\d+([eE]-?\d+)?")
# What spreadsheets make of MAR12, 3MAR12 or 6-1-26; capitals as in 12-MAR are a plate's own.
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_SPREADSHEET_DATE = re.compile(
    rf"\d{{1,2}}-{_MONTH}(?:-\d{{2,4}})?|{_MONTH}-\d{{2}}"
    r"|\d{1,2}([./])\d{1,2}\1(?:\d\d){1,2}|(?:19|20)\d\d-[01]\d-[0-3]\d"
)
_SPREADSHEET_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#SPILL!", "#VALUE!"})
# What stands for characters that no one knows, beside `?` and `*`; NFKC makes three points of an ellipsis.
_UNKNOWN_CHARACTERS = re.compile(r"[_%#]|\.\.|[-\u2010-\u2015]{2}")
# Between two plates, around remarks, in dates, in expressions; none is on a plate, as hearts and stars are.
_FOREIGN_MARKS = re.compile(r"[/\\|,;:()\[\]{}<>]")
_FILLER = frozenset({*(f"{letter * count}" for letter in "X0" for count in range(1, 33))})
_PUNCTUATION = str.maketrans("", "", " -.")
LATEST = datetime.fromtimestamp(0xFFFF_FFFF, UTC)
"""The last moment that an entry's 32 bits hold, in February 2106."""
_AROUND = f"{string.whitespace}\0"
_ADJOINING = re.compile(r"%[YymdjHIMS]%[YymdjHIMS]")
"""Numbers of a strptime format with nothing between them."""
_LINE_ENDS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
"""In a field of several lines: a space says the same on one."""
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,31}")
_STATE = re.compile(r"[A-Z]{2,3}")


def clean_plate(text: str) -> PlateText:
    """Return a listed plate normalized. Raises RowRefusedError with the reason it is not one."""
    plate = PlateText(text.translate(_PUNCTUATION).upper())
    # Most rows are A-Z and 0-9 between spaces and hyphens, and need no more than this.
    if not (text.isascii() and plate.isalnum()) or "." in text or "-" in text:
        plate = _reduced(text)
    if not plate:
        raise RowRefusedError("no plate")
    if plate in PLACEHOLDERS or plate in _FILLER:
        raise RowRefusedError("a word for a missing plate")
    if len(plate) < SHORTEST_PLATE:
        raise RowRefusedError(f"fewer than {SHORTEST_PLATE} characters")
    if len(plate) > LONGEST_PLATE:
        raise RowRefusedError(f"more than {LONGEST_PLATE} characters")
    return plate


def _reduced(text: str) -> PlateText:
    """Reduce any spelling to A-Z and 0-9, unless that would make another plate of it."""
    stripped = _readable(text)
    if stripped.upper() in _SPREADSHEET_ERRORS:
        raise RowRefusedError("an error that a spreadsheet has written")
    if "?" in stripped or "*" in stripped:
        raise RowRefusedError("a partial plate: put it in the patterns file")
    if _SPREADSHEET.fullmatch(stripped):
        raise RowRefusedError("a number that a spreadsheet has rewritten")
    if _SPREADSHEET_DATE.fullmatch(stripped):
        raise RowRefusedError("a date that a spreadsheet has made of a plate, or of another column")
    if _UNKNOWN_CHARACTERS.search(stripped):
        raise RowRefusedError("a mark for unknown characters: put partial plates in the patterns file")
    _plain_letters(stripped)
    return normalize(stripped)


def clean_pattern(text: str) -> str:
    """Return a partial plate normalized, wildcards kept. Raises RowRefusedError with the reason it is none."""
    stripped = _readable(text)
    if _UNKNOWN_CHARACTERS.search(stripped):
        raise RowRefusedError("a mark for unknown characters other than ? for one and * for any number")
    _plain_letters(stripped)
    pattern = "".join(piece if piece in WILDCARDS else normalize(piece) for piece in stripped)
    if not pattern:
        raise RowRefusedError("no pattern")
    if literals(pattern) == len(pattern):
        raise RowRefusedError("a whole plate: put it in the list")
    if literals(pattern) < FEWEST_KNOWN:
        raise RowRefusedError(f"fewer than {FEWEST_KNOWN} known characters would stop too many vehicles")
    if len(pattern) > LONGEST_PLATE:
        raise RowRefusedError(f"more than {LONGEST_PLATE} characters")
    return pattern


def clean_state(text: str) -> str | None:
    """Return a state's letters in upper case, None for an empty field. Raises RowRefusedError for anything else."""
    state = text.strip().upper()
    if not state:
        return None
    if not _STATE.fullmatch(state):
        raise RowRefusedError("the state is not two or three letters")
    return state


def clean_reference(text: str) -> str | None:
    """Return a reference stripped and on one line, None for an empty field.

    Raises RowRefusedError if the table cannot hold it.
    """
    reference = _LINE_ENDS.sub(" ", text.strip(_AROUND))
    if UNREADABLE in reference:
        raise RowRefusedError("the reference has bytes that are not of the file's encoding")
    if not is_line(reference):
        raise RowRefusedError("the reference has an invisible character")
    if len(reference.encode()) > LONGEST_REFERENCE:
        raise RowRefusedError(f"the reference has more than {LONGEST_REFERENCE} bytes")
    return reference or None


def clean_distribution(text: str) -> str | None:
    """Return a group's slug, None for an empty field. Raises RowRefusedError for anything else.

    A covert row whose group cannot be read must not become an open one.
    """
    group = text.strip(_AROUND)
    if not group:
        return None
    if not _SLUG.fullmatch(group):
        raise RowRefusedError("the distribution group is not small letters, digits and underscores, at most 32")
    return group


def clean_priority(text: str) -> int:
    """Return a priority from 1 to 9. Raises RowRefusedError for anything else."""
    stripped = text.strip()
    if len(stripped) != 1 or stripped not in "123456789":
        raise RowRefusedError("the priority is not a number from 1 to 9")
    return int(stripped)


def clean_moment(text: str, *, zone: tzinfo, formats: tuple[str, ...], end_of_day: bool) -> datetime | None:
    """Read a date or time, None for an empty field; ISO 8601 always, other formats (strptime) if the mapping has them.

    A date alone is its first moment in `zone`, or with `end_of_day` the first moment of the day after: a row that
    expires on a day counts until that day is over. Raises RowRefusedError when nothing fits.
    """
    stripped = text.strip()
    if not stripped:
        return None
    moment = _read_moment(stripped, formats)
    try:
        if not isinstance(moment, datetime):
            day = moment + timedelta(days=1) if end_of_day else moment
            moment = datetime.combine(day, time(), tzinfo=zone)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise RowRefusedError("a date beyond the calendar") from None
    if moment > LATEST:
        raise RowRefusedError(f"a date beyond {LATEST.year}: if it means none, name it in `never`")
    return moment


def has_time(pattern: str) -> bool:
    """Tell whether what a strptime format reads has a time of the day."""
    return any(directive in pattern for directive in ("%H", "%I", "%c", "%X"))


def _read_moment(text: str, formats: tuple[str, ...]) -> date:
    moments = {moment for pattern in formats if (moment := _read_by(text, pattern)) is not None}
    if len(moments) > 1:
        raise RowRefusedError("a date that two of the formats interpret differently")
    if moments:
        return moments.pop()
    if text.isdigit() and len(text) != len("20260601"):
        raise RowRefusedError("not a readable date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise RowRefusedError("not a readable date") from None


def _read_by(text: str, pattern: str) -> date | None:
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is the mapping's, given by the caller
    except ValueError:
        return None
    # strptime also takes one digit for two: 1062026, once 01062026, would be the sixth of October.
    if _ADJOINING.search(pattern) and not text.upper().startswith(moment.strftime(pattern.partition("%f")[0]).upper()):
        return None
    return moment if has_time(pattern) else moment.date()


def _readable(text: str) -> str:
    """Return a plate or pattern in plain characters. Raises RowRefusedError where dropping one made another plate."""
    if UNREADABLE in text:
        raise RowRefusedError("bytes that are not of the file's encoding")
    stripped = unicodedata.normalize("NFKC", text).strip(_AROUND)
    if any(unicodedata.category(character) == "Cc" for character in stripped):
        raise RowRefusedError("a control character")
    return stripped


def _plain_letters(text: str) -> None:
    """Refuse marks, letters and digits without which, or with others for them, it were another plate."""
    if _FOREIGN_MARKS.search(text):
        raise RowRefusedError("not a plate: two plates, a remark, or a date in this field?")
    if any(character.isalnum() and not character.isascii() for character in text):
        raise RowRefusedError("a letter outside A-Z")
