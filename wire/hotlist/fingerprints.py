"""The sorted table of keyed fingerprints: which plates are listed, and what for.

Columns of equal length, entry by entry in the order of the first:

===============  =====================  ==============================================================================
section          type                   content
===============  =====================  ==============================================================================
fingerprints     u64, ascending         of the folded plate; equal ones (one plate, several entries) stand together
texts            u32                    of the unfolded spelling
details          u8, u16 or u32         index into the header's details: category, priority, state
expires          u32, may be absent     seconds since 1970 from which the entry no longer matches; 0 = never
references       u32, may be absent     where the entry's reference begins in the heap, plus 1; 0 = none
reference_heap   u8, may be absent      references one after another: a byte of length (1 to 120), then UTF-8
===============  =====================  ==============================================================================

At a million entries a plate that is not listed has the fingerprint of one that is with a probability of 2**-44.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import le, ne

from platepost.wire.hotlist.errors import Malformed
from platepost.wire.hotlist.layout import Detail, is_line

_PIECE = 1 << 16
_LINE_END = 10
LONGEST_REFERENCE = 120
"""Bytes of UTF-8 that a reference may have."""


@dataclass(frozen=True, slots=True)
class HotListEntry:
    """One listed plate's row, as the table knows it."""

    text_fingerprint: int
    detail: Detail
    expires: int  # seconds since 1970, 0 = never
    reference: str | None

    def in_force(self, moment: int) -> bool:
        """Say whether the entry still counts at a moment (seconds since 1970)."""
        return not self.expires or moment < self.expires


class FingerprintTable:
    """Entries found by fingerprint with a binary search over the columns.

    Raises Malformed when the columns do not belong together; what the constructor accepts, `entries` can read.
    """

    def __init__(self, columns: Mapping[str, memoryview], details: Sequence[Detail]) -> None:
        self._fingerprints = _column(columns, "fingerprints", "Q")
        self._texts = _column(columns, "texts", "I")
        self._details = _column(columns, "details", "BHI")
        self._expires = _column(columns, "expires", "I") if "expires" in columns else None
        self._references = _column(columns, "references", "I") if "references" in columns else None
        self._heap = _column(columns, "reference_heap", "B") if "reference_heap" in columns else memoryview(b"")
        self._rows = details
        self._check()

    def __len__(self) -> int:
        return len(self._fingerprints)

    def __iter__(self) -> Iterator[tuple[int, HotListEntry]]:
        """Yield every entry with its fingerprint, in their order."""
        return ((fingerprint, self._entry(index)) for index, fingerprint in enumerate(self._fingerprints))

    @property
    def plates(self) -> int:
        """How many plates it has: entries with one fingerprint are of one plate."""
        following = islice(self._fingerprints, 1, None)
        return sum(map(bool, map(ne, self._fingerprints, following))) + bool(len(self._fingerprints))

    def entries(self, fingerprint: int) -> Iterator[HotListEntry]:
        """Yield every entry of a fingerprint; none for one that is not listed."""
        index = bisect_left(self._fingerprints, fingerprint)
        while index < len(self._fingerprints) and self._fingerprints[index] == fingerprint:
            yield self._entry(index)
            index += 1

    def _entry(self, index: int) -> HotListEntry:
        return HotListEntry(
            text_fingerprint=self._texts[index],
            detail=self._rows[self._details[index]],
            expires=self._expires[index] if self._expires is not None else 0,
            reference=self._reference(index),
        )

    def _reference(self, index: int) -> str | None:
        if self._references is None:
            return None
        start = self._references[index]  # one past the byte of length, since positions count from 1
        if not start:
            return None
        return str(self._heap[start : start + self._heap[start - 1]], "utf-8")

    def _check(self) -> None:
        count = len(self._fingerprints)
        for column in (self._texts, self._details, self._expires, self._references):
            if column is not None and len(column) != count:
                raise Malformed("the table's columns differ in length")
        starts = _starts(self._heap)
        if not count:
            return
        # An unsorted table would lose listed plates without a sound.
        if not all(map(le, self._fingerprints, islice(self._fingerprints, 1, None))):
            raise Malformed("the table's fingerprints are not in order")
        if max(self._details) >= len(self._rows):
            raise Malformed("an entry points at no detail")
        references = self._references if self._references is not None else ()
        if max(references, default=0) > len(self._heap) or not all(
            starts[at >> 3] >> (at & 7) & 1 for at in references if at
        ):
            raise Malformed("an entry points at no reference")


def _starts(heap: memoryview) -> bytearray:
    """Return, as bits, where references begin in a heap, plus 1; Malformed where it is not one reference after another.

    A length that reached into the next reference would tell of other entries, of covert ones too.
    """
    starts = bytearray((len(heap) >> 3) + 1)
    end = len(heap)
    at = 0
    while at < end:
        # Some thousand at a time: line ends in the place of the lengths make one text of them.
        begin = at
        piece = bytearray(heap[at : at + _PIECE + LONGEST_REFERENCE + 1])
        count = 0
        while at < end and at - begin <= _PIECE:
            length = piece[at - begin]
            piece[at - begin] = _LINE_END
            at, count = at + 1, count + 1
            starts[at >> 3] |= 1 << (at & 7)
            if not 0 < length <= LONGEST_REFERENCE:
                raise Malformed("a reference is empty or too long")
            at += length
        if at > end:
            raise Malformed("a reference continues past the heap's end")
        try:
            text = piece[: at - begin].decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("a reference is not UTF-8") from None
        if text.count("\n") != count or not is_line(text.replace("\n", "")):
            raise Malformed("a reference has an invisible character")
    return starts


def _column(columns: Mapping[str, memoryview], name: str, formats: str) -> memoryview:
    try:
        column = columns[name]
    except KeyError:
        raise Malformed(f"the body lacks the section {name!r}") from None
    if column.format not in formats:
        raise Malformed(f"the section {name!r} is of another type than it must be")
    return column
