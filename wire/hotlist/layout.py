r"""The body of a package: a JSON header, then columns of unsigned little-endian integers.

::

    8 bytes   b"PPHOTL1\n"
    4 bytes   length of the header, u32 little-endian
    header    JSON (UTF-8), padded with spaces so that the first section starts at a multiple of 8
    sections  one after another, each padded with zero bytes to a multiple of 8

Columns take no more memory than their numbers, and are searched where they lie. The header's members are closed: one
that is not known refuses the whole list, since it might change what an entry means.
"""

import re
import struct
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.errors import Malformed, UnsupportedFormat
from platepost.wire.records.base import Line
from platepost.wire.records.jws import AmbiguousJsonError, read_object

MAGIC = b"PPHOTL1\n"
WILDCARDS = "?*"
FEWEST_KNOWN = 3
"""Known characters of a partial plate: one with fewer makes a hit of every other vehicle."""
MOST_PATTERNS = 500
"""Every read is tried against every pattern, and every pattern stops innocent drivers."""
_LINE = re.compile(str(Line.pattern))
_ALIGNMENT = 8
_LENGTH = struct.Struct("<I")
_FORMATS: dict[str, Literal["B", "H", "I", "Q"]] = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

_Model = TypeVar("_Model", bound=BaseModel)

type_of_width = {width: name for name, width in _WIDTHS.items()}

Category = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A category's slug; it is a level of an MQTT topic."""
Priority = Annotated[int, Field(ge=1, le=9)]
"""1 is the most urgent."""
State = Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
"""The state, province or country of a plate."""
Distribution = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""The slug of a group of people who alone hear of a covert entry; it is a level of an MQTT topic."""


def is_line(text: str) -> bool:
    """Say whether a text is one that people may read in a console: see `Line`."""
    return text.isprintable() or _LINE.fullmatch(text) is not None


def literals(pattern: str) -> int:
    """Count the characters of a pattern that are not wildcards."""
    return sum(character not in WILDCARDS for character in pattern)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Detail(_Closed):
    """What entries share: category, priority, state, and whom a match concerns.

    A `safe` entry is the department's own vehicle: a read of it alarms no one. One with a `distribution` is covert.
    """

    category: Category
    priority: Priority
    state: State | None = None
    distribution: Distribution | None = None
    safe: Literal[True] | None = None

    @model_validator(mode="after")
    def _safe_or_covert(self) -> Self:
        if self.safe and self.distribution:
            raise ValueError("an entry that raises no alert is not distributed")
        return self


class PatternEntry(_Closed):
    """One partial plate, answered for by a case, an author and an end."""

    pattern: str = Field(min_length=1, max_length=16, pattern=r"^[A-Z0-9?*]+$")
    characters: int | None = Field(default=None, ge=FEWEST_KNOWN, le=16)
    category: Category
    priority: Priority
    state: State | None = None
    distribution: Distribution | None = None
    case: Annotated[str, Line] = Field(min_length=1, max_length=120)
    author: Annotated[str, Line] = Field(min_length=1, max_length=120)
    expires: AwareDatetime

    @model_validator(mode="after")
    def _stops_few(self) -> Self:
        if literals(self.pattern) < FEWEST_KNOWN:
            raise ValueError(f"fewer than {FEWEST_KNOWN} known characters would stop too many vehicles")
        fixed = sum(piece != "*" for piece in self.pattern)
        if self.characters is not None and (
            self.characters < fixed or (self.characters > fixed and "*" not in self.pattern)
        ):
            raise ValueError("the pattern cannot have that number of characters")
        return self


class Filter(_Closed):
    """The Bloom filter's shape."""

    log2_bits: int = Field(ge=3, le=bloom.LARGEST_LOG2_BITS)
    probes: int = Field(ge=1, le=bloom.MOST_PROBES)


class ColumnExtent(_Closed):
    """Where a column lies."""

    type: Literal["u8", "u16", "u32", "u64"]
    offset: int = Field(ge=0)
    count: int = Field(ge=0)


class Header(_Closed):
    """The body's header: everything but the columns. A delta has neither key nor filter: both are its base's."""

    hash_key: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", repr=False)
    folding: dict[str, str]
    filter: Filter | None = None
    details: list[Detail]
    patterns: list[PatternEntry] = Field(max_length=MOST_PATTERNS)
    sections: dict[str, ColumnExtent]

    @model_validator(mode="after")
    def _sections_without_gaps(self) -> Self:
        end = 0
        for section in sorted(self.sections.values(), key=lambda section: (section.offset, section.count)):
            if section.offset != end:
                raise ValueError("sections overlap, leave a gap or are not aligned")
            end += _padded(section.count * _WIDTHS[section.type])
        return self

    @property
    def sections_length(self) -> int:
        """Bytes that the sections take, padding included: all that follows the header."""
        return sum(_padded(section.count * _WIDTHS[section.type]) for section in self.sections.values())


def encode(header: Mapping[str, object], columns: Mapping[str, tuple[str, bytes | memoryview]]) -> bytes:
    """Lay out a body from the header's members other than `sections` and each column's (type, little-endian bytes)."""
    sections: dict[str, dict[str, object]] = {}
    offset = 0  # counted from the first section, so that the header's own length does not matter
    for name, (kind, data) in columns.items():
        sections[name] = {"type": kind, "offset": offset, "count": len(data) // _WIDTHS[kind]}
        offset += _padded(len(data))
    model = Header.model_validate({**header, "sections": sections})
    text = model.model_dump_json(exclude_none=True).encode()
    start = len(MAGIC) + _LENGTH.size
    text = text.ljust(_padded(start + len(text)) - start)
    parts: list[bytes | memoryview] = [MAGIC, _LENGTH.pack(len(text)), text]
    for _, data in columns.values():
        parts += [data, bytes(_padded(len(data)) - len(data))]
    return b"".join(parts)


def decode(body: memoryview) -> tuple[Header, dict[str, memoryview]]:
    """Read a body's header and find its columns, without copying them.

    Raises:
        Malformed: it is not such a body, or a column lies outside it.
        UnsupportedFormat: the header has a member that this software does not know.

    """
    start = len(MAGIC) + _LENGTH.size
    if body[: len(MAGIC)] != MAGIC or len(body) < start:
        raise Malformed("the body does not begin as a hot list's body does")
    (length,) = _LENGTH.unpack(body[len(MAGIC) : start])
    first = start + length
    if first % _ALIGNMENT or first > len(body):
        raise Malformed("the body's header does not fit into the body")
    header = parse(Header, bytes(body[start:first]), "the body's header")
    if first + header.sections_length != len(body):
        raise Malformed("the body does not end with its last section")
    return header, {name: _column(body[first:], name, extent) for name, extent in header.sections.items()}


def _column(columns: memoryview, name: str, extent: ColumnExtent) -> memoryview:
    end = extent.offset + extent.count * _WIDTHS[extent.type]
    if any(columns[end : _padded(end)]):
        raise Malformed(f"section {name!r} is not padded with zeros")
    return _native(columns[extent.offset : end], extent.type)


def parse(model: type[_Model], text: bytes, what: str) -> _Model:
    """Validate JSON of one meaning against a closed model; the error says where it is wrong, never what stood there."""
    try:
        read_object(text)
        return model.model_validate_json(text, strict=True)
    except AmbiguousJsonError as error:
        ambiguity = str(error)
    except ValidationError as error:
        ambiguity = ""
        details = error.errors(include_url=False, include_context=False, include_input=False)
    if ambiguity:
        raise Malformed(f"{what}: {ambiguity}")
    where = ", ".join(sorted({_place(item) for item in details}))[:240]
    if any(item["type"] in {"extra_forbidden", "literal_error"} for item in details):
        raise UnsupportedFormat(f"{what} has a member or value that this software does not know: {where}")
    raise Malformed(f"{what} is wrong at: {where}")


def _place(fault: ErrorDetails) -> str:
    """Return where a fault is and, where this software has words of its own for it, what it is."""
    place = ".".join(str(part) for part in fault["loc"]) or "all of it"
    return f"{place} ({fault['msg'].removeprefix('Value error, ')})" if fault["type"] == "value_error" else place


def epoch(moment: datetime) -> int:
    """Return whole seconds since 1970 of an aware moment; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be compared with a list's")
    return int(moment.timestamp())


def _native(data: memoryview, kind: str) -> memoryview:
    """Return a little-endian column as integers of this machine."""
    width = _WIDTHS[kind]
    if sys.byteorder == "big" and width > 1:
        swapped = bytearray(len(data))
        for byte in range(width):
            swapped[byte::width] = data[width - 1 - byte :: width]
        data = memoryview(swapped)
    return data.cast(_FORMATS[kind])


def _padded(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT
