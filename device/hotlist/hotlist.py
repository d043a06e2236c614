"""A hot list in force: a read goes in, matches come out.

The filter answers first, the table says why, the patterns are tried in any case. A match is a *possible* match: it says
how it came about and what differed, and a person looks at the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from device.hotlist import bloom
from device.hotlist.errors import Malformed, UnsupportedFormat
from device.hotlist.fingerprints import Entry, FingerprintTable
from device.hotlist.hashing import PlateHash, fingerprint
from device.hotlist.keys import FOLDING, PlateText, fold, look_alike_indexes, normalise, other_spellings
from device.hotlist.layout import decode, epoch
from device.hotlist.manifest import Manifest
from device.hotlist.package import Opened
from device.hotlist.patterns import Patterns

LONGEST_TEXT = 16
"""Characters beyond which a read is no plate, and not worth trying patterns on."""


class MatchKind(StrEnum):
    """How a read matched."""

    EXACT = "exact"
    LOOK_ALIKE = "look_alike"
    PARTIAL = "partial"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Match:
    """One listed plate or pattern that a read matches.

    Attributes:
        kind: `exact`, `look_alike` (O for 0, I for 1), `partial` (a pattern) or `near` (an alternative of the reader).
        plate_matched: the list's spelling of the plate, or the pattern. The list holds no plate in clear: the spelling
            is the read's own, with the look-alike characters as the list has them.
        category: slug, as in the topic of the hit.
        priority: 1 (most urgent) to 9.
        state: of the plate, where the list says it.
        reference: the list's case or entry; a pattern's case number.
        differs: indexes into the normalised read where it and the list differ.
        list_version: of the list that says so.

    """

    kind: MatchKind
    plate_matched: str
    category: str
    priority: int
    state: str | None
    reference: str | None
    differs: tuple[int, ...]
    list_version: int


class HotList:
    """A verified, unsealed list. Immutable, and safe to share between threads.

    Raises Malformed or UnsupportedFormat when the package does not hold what its format says.
    """

    def __init__(self, opened: Opened) -> None:
        header, columns = decode(opened.body)
        if header.folding != FOLDING:
            raise UnsupportedFormat("the list folds other characters than this software does")
        unknown = columns.keys() - _SECTIONS
        if unknown:
            raise UnsupportedFormat(f"the list has sections that this software does not know: {sorted(unknown)}")
        self.manifest: Manifest = opened.manifest
        self._hash = PlateHash(bytes.fromhex(header.hash_key))
        self._table = FingerprintTable(columns, header.details)
        self._patterns = Patterns(header.patterns)
        self._log2_bits, self._probes = header.filter.log2_bits, header.filter.probes
        self._bits = columns.get("filter", memoryview(b""))
        if self._bits.format != "B" or len(self._bits) != (1 << self._log2_bits) // 8:
            raise Malformed("the filter has not the size that it says")
        if len(self._table) != self.manifest.entries or len(self._patterns) != self.manifest.patterns:
            raise Malformed("the list has not as many entries as the manifest says")

    @property
    def version(self) -> int:
        """The list's version."""
        return self.manifest.version

    @property
    def issuer(self) -> str:
        """Who signed it."""
        return self.manifest.issuer

    @property
    def agency(self) -> str:
        """Whose list it is."""
        return self.manifest.agency

    @property
    def built(self) -> datetime:
        """When it was built."""
        return self.manifest.built

    @property
    def expires(self) -> datetime:
        """From when the issuer no longer stands by it."""
        return self.manifest.expires

    @property
    def entries(self) -> int:
        """How many entries it has, patterns not counted."""
        return self.manifest.entries

    @property
    def patterns(self) -> int:
        """How many patterns it has."""
        return self.manifest.patterns

    @property
    def digest(self) -> str:
        """SHA-256 of what follows the manifest, hexadecimal."""
        return self.manifest.digest

    def match(
        self, plate_read: str, *, at: datetime, alternatives: Sequence[str] = (), near_budget: int = 0
    ) -> tuple[Match, ...]:
        """Return what a read matches at a moment, the most urgent first.

        Args:
            plate_read: what was read; it is normalised here and never changed.
            at: when it was read (aware); entries and patterns that had ended by then do not match.
            alternatives: the reader's other readings, the likeliest first. Looked up only if the read itself matches
                nothing, and only as many as
            near_budget: says; 0, the default, looks up none. Each one doubles what a listed plate covers.

        """
        moment = epoch(at)
        text = normalise(plate_read)
        if not text or len(text) > LONGEST_TEXT:
            return ()
        found = [*self._listed(text, moment), *self._partial(text, moment)]
        if not found:
            for alternative in alternatives[:near_budget]:
                found += self._near(text, normalise(alternative), moment)
        return tuple(sorted(found, key=lambda match: (match.priority, _ORDER[match.kind])))

    def _listed(self, text: PlateText, moment: int) -> Iterator[Match]:
        digest = self._hash.digest(fold(text))
        if not bloom.contains(self._bits, self._log2_bits, self._probes, digest):
            return
        for entry in self._table.entries(fingerprint(digest)):
            if not entry.in_force(moment):
                continue
            spelling, differs = self._spelling(text, entry)
            yield Match(
                kind=MatchKind.LOOK_ALIKE if differs else MatchKind.EXACT,
                plate_matched=spelling,
                category=entry.detail.category,
                priority=entry.detail.priority,
                state=entry.detail.state,
                reference=entry.reference,
                differs=differs,
                list_version=self.version,
            )

    def _spelling(self, text: PlateText, entry: Entry) -> tuple[str, tuple[int, ...]]:
        """Find how the list spells a plate whose key it has, by trying the spellings of that key."""
        if self._hash.text_fingerprint(text) == entry.text_fingerprint:
            return text, ()
        for spelling, differs in other_spellings(text):
            if self._hash.text_fingerprint(spelling) == entry.text_fingerprint:
                return spelling, differs
        # Not to be had from a sound list; say the little that is known rather than hide a hit.
        return fold(text), look_alike_indexes(text) or tuple(range(len(text)))

    def _partial(self, text: PlateText, moment: int) -> Iterator[Match]:
        for found in self._patterns.match(text, moment):
            entry = found.entry
            yield Match(
                kind=MatchKind.PARTIAL,
                plate_matched=entry.pattern,
                category=entry.category,
                priority=entry.priority,
                state=entry.state,
                reference=entry.case,
                differs=found.differs,
                list_version=self.version,
            )

    def _near(self, text: PlateText, alternative: PlateText, moment: int) -> Iterator[Match]:
        if not alternative or alternative == text:
            return
        for match in self._listed(alternative, moment):
            yield replace(match, kind=MatchKind.NEAR, differs=_differences(text, match.plate_matched))

    def __repr__(self) -> str:
        return f"HotList(agency={self.agency!r}, version={self.version}, entries={self.entries})"


_SECTIONS = frozenset({"filter", "fingerprints", "texts", "details", "expires", "references", "reference_heap"})
_ORDER = {kind: index for index, kind in enumerate(MatchKind)}


def _differences(text: str, other: str) -> tuple[int, ...]:
    """Return where two plates differ; from the first difference on if they differ in length."""
    differing = [index for index, (one, two) in enumerate(zip(text, other, strict=False)) if one != two]
    if len(text) == len(other):
        return tuple(differing)
    first = differing[0] if differing else min(len(text), len(other))
    return tuple(range(min(first, len(text) - 1), len(text)))
