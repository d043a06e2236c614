"""An export's text: its encoding found, what cannot be decoded marked rather than dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from platepost.provisioning.hotlist.rows import SourceError

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""What stands for bytes that are not of the encoding; a used field with it refuses its row."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16's, which it begins with
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How the files of spreadsheets begin: XLSX and ODS, which are ZIP archives, and XLS."""
_LOOKED_AT = 4096


def detect(beginning: bytes) -> str:
    """Return the encoding of a file that begins so: by its mark, by zero bytes (UTF-16, UTF-32), UTF-8 otherwise."""
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name
    if beginning.count(0) * 2 > len(beginning):  # three of four
        return "utf-32-le" if beginning[::4].count(0) < beginning[3::4].count(0) else "utf-32-be"
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    if max(even, odd) * 4 > len(beginning):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open an export; `auto` looks for its encoding. Line ends are kept as they are, as `csv` wants them.

    Raises SourceError when the file cannot be read, or is no text.
    """
    try:
        with path.open("rb") as binary:
            beginning = binary.read(_LOOKED_AT)
        if beginning.startswith(_WORKBOOKS):
            raise SourceError(f"{path}: is a spreadsheet or an archive: save the sheet as CSV (UTF-8)")
        if encoding == "auto":
            encoding = detect(beginning)
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            yield file
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise SourceError(f"{path}: is not {encoding}: {error}") from error
