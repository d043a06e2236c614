"""A hot list in force: a read goes in, matches come out.

The filter answers first, the table says why, the patterns are tried in any case. A match is a *possible* match: it says
how it came about and what differed, and a person looks at the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from device.hotlist.errors import ChainTooLong, WrongBase
from device.hotlist.fingerprints import Entry
from device.hotlist.keys import PlateText, fold, look_alike_indexes, normalise, other_spellings
from device.hotlist.layout import epoch
from device.hotlist.listing import Listing
from device.hotlist.manifest import Manifest
from device.hotlist.package import Opened
from device.hotlist.patterns import Patterns

LONGEST_TEXT = 16
"""Characters beyond which a read is no plate, and not worth trying patterns on."""

LONGEST_CHAIN = 256
"""Deltas that a list may stand on; each is a file to verify when the post starts."""


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

    A complete list, or one with deltas applied; `chain` has the manifests from the complete list on.
    """

    def __init__(self, opened: Opened, *, base: "HotList | None" = None) -> None:
        """Take a complete list, or the list that a delta makes of `base`; the base stays as it is.

        Raises:
            Malformed: the package does not hold what its format says, or does not fit the base.
            UnsupportedFormat: it has what this software does not know.
            WrongBase: it is a delta to another list.
            ChainTooLong: more came and went since the complete list than a post carries.

        """
        if base is not None:
            base = base.base_of(opened.manifest)
        elif opened.manifest.kind == "delta":
            raise WrongBase("a delta is no list by itself")
        self.chain: tuple[Manifest, ...] = (*(base.chain if base is not None else ()), opened.manifest)
        self.complete: HotList | None = None if base is None else base.complete or base
        """The complete list under the deltas; None where it is this one itself."""
        self.listing: Listing = Listing(opened, base=None if base is None else base.listing)
        self._hash = self.listing.hash
        self._patterns = Patterns(self.listing.patterns)

    @property
    def manifest(self) -> Manifest:
        """What the newest package of the list says of itself."""
        return self.chain[-1]

    def base_of(self, delta: Manifest) -> "HotList":
        """Return the list that a delta applies to: this one, or the complete list under it.

        Raises:
            WrongBase: it is neither.
            ChainTooLong: the list has more deltas than a post carries already.

        """
        if self.chain[-1].is_base_of(delta):
            if len(self.chain) > LONGEST_CHAIN:
                raise ChainTooLong(f"{LONGEST_CHAIN} deltas on one complete list are the most")
            return self
        if self.chain[0].is_base_of(delta):
            return self.complete or self
        wanted = delta.base.version if delta.base is not None else "none"
        raise WrongBase(f"the delta applies to version {wanted}, in force is {self.version}")

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
        for entry in self.listing.entries(digest):
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


_ORDER = {kind: index for index, kind in enumerate(MatchKind)}


def _differences(text: str, other: str) -> tuple[int, ...]:
    """Return where two plates differ; from the first difference on if they differ in length."""
    differing = [index for index, (one, two) in enumerate(zip(text, other, strict=False)) if one != two]
    if len(text) == len(other):
        return tuple(differing)
    first = differing[0] if differing else min(len(text), len(other))
    return tuple(range(min(first, len(text) - 1), len(text)))
