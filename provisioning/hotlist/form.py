r"""The form of an export: how its file is written, and where in a row each field stands.

Three forms, told apart by what `[columns]` says:

- a header names the columns: `plate = "LIC"`;
- no header, columns by number, as vendors' column templates have them: `plate = 3`, counted from 1;
- no delimiter, fields at fixed places, as in extracts of mainframes: `plate = { start = 12, length = 10 }`, the first
  character of a line being 1. A place may not be given where the source's form has none.

::

    [source]
    form = "delimited"        or "fixed"
    header = true             false: columns are given by number
    delimiter = ";"           one character, "\t" for a tab
    encoding = "auto"         or a name that Python knows, such as "latin-1", "cp1252", "utf-16-le"
    skip = 0                  lines before the header, or before the first row
    ignore = "^(HDR|TRL)"     lines that are no rows: counted, not refused
    trimmed = false           true: what is empty at the end of a row is left out, and a short row is a whole one
"""

import codecs
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MEANINGS = ("plate", "state", "category", "priority", "entered", "expires", "reference", "distribution")
"""What a field of a row may mean, in the order in which sources hand fields on."""


def _known_encoding(name: str) -> str:
    if name == "auto":
        return name
    try:
        # Not all that Python knows by a name turns bytes into text (hex, rot13), or text of any length (idna).
        "plate".encode(name).decode(name, errors="replace")
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"no encoding {name!r}; auto, or one that Python knows, such as latin-1") from error
    if codecs.lookup(name).name in {"idna", "punycode"}:
        raise ValueError(f"{name!r} is for host names: use auto, or an encoding such as latin-1")
    return name


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


class MappingTable(BaseModel):
    """A table of the mapping file, which has no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class FileFormat(MappingTable):
    """How the file is written."""

    form: Literal["delimited", "fixed"] = "delimited"
    header: bool = True
    delimiter: str = Field(default=",", min_length=1, max_length=1, pattern=r'[^\r\n"]')
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "auto"
    skip: int = Field(default=0, ge=0, le=1000)
    ignore: Annotated[str, AfterValidator(_compiles)] | None = None
    trimmed: bool = False


class FixedField(MappingTable):
    """A field of a fixed-width line: its first character, counted from 1, and how many there are."""

    start: int = Field(ge=1, le=65_536)
    length: int = Field(ge=1, le=1024)

    def slice(self) -> slice:
        """Return the slice of a line that is this field."""
        return slice(self.start - 1, self.start - 1 + self.length)


Column = str | Annotated[int, Field(ge=1, le=16_384)] | FixedField
"""Where a field stands: its name in the header, its number from 1, or its place in a fixed-width line."""


class ColumnMapping(MappingTable):
    """Where each field stands. Only the plate's must be there; the others are used where they are."""

    plate: Column = "plate"
    state: Column = "state"
    category: Column = "category"
    priority: Column = "priority"
    entered: Column = "entered"
    expires: Column = "expires"
    reference: Column = "reference"
    distribution: Column = "distribution"

    def given(self) -> dict[str, str | int | FixedField]:
        """Return where the mapping itself says that fields stand; the defaults are names in a header."""
        return {meaning: getattr(self, meaning) for meaning in MEANINGS if meaning in self.model_fields_set}


def check_form(source: FileFormat, columns: ColumnMapping) -> None:
    """Raise ValueError where columns are given in a way that the source's form does not have."""
    wanted: tuple[type, ...]
    if source.form == "fixed":
        wanted, words = (FixedField,), "a fixed-width file gives each field as { start = ..., length = ... }"
    elif source.header:
        wanted, words = (str, int), "a file with a header gives each column by its name, or its number"
    else:
        wanted, words = (int,), "a file without a header gives each column by its number, from 1"
    column_names = columns.given()
    wrong = sorted(meaning for meaning, column in column_names.items() if not isinstance(column, wanted))
    if wrong:
        raise ValueError(f"columns.{', columns.'.join(wrong)}: {words}")
    if str not in wanted and "plate" not in column_names:
        raise ValueError(f"columns.plate is missing: {words}")
