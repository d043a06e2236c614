"""A hot list in force: a read goes in, matches come out.

The filter answers first, the table says why, the patterns are tried in any case. A match is a *possible* match: it says
how it came about and what differed, and a person looks at the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from math import prod

from platepost.wire.hotlist.errors import ChainTooLong, WrongBase
from platepost.wire.hotlist.fingerprints import HotListEntry
from platepost.wire.hotlist.keys import (
    HIDDEN,
    PlateText,
    filled,
    fold,
    look_alike_indexes,
    normalize_read,
    other_spellings,
    plate_key,
    taken_for,
)
from platepost.wire.hotlist.layout import FEWEST_KNOWN, epoch
from platepost.wire.hotlist.listing import Listing
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.match import LookUpResult, Match, MatchKind, Query, agreement
from platepost.wire.hotlist.package import Opened
from platepost.wire.hotlist.patterns import Patterns
from platepost.wire.hotlist.settings import HotListSettings

LONGEST_TEXT = 16
"""Characters beyond which a read is no plate, and not worth trying patterns on."""

LONGEST_CHAIN = 256
"""Deltas that a list may stand on; each is a file to verify when the post starts."""

MOST_LOOK_ALIKES = 8
"""Texts of declared pairs that one read is looked up as, whatever the budget: each costs some microseconds."""


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
            raise WrongBase("a delta is not a list by itself")
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
        base_version = delta.base.version if delta.base is not None else "none"
        raise WrongBase(f"the delta applies to version {base_version}, but version {self.version} is active")

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

    def match(self, plate_read: str, *, at: datetime) -> tuple[Match, ...]:
        """Return what a text alone matches at a moment; see `consult`."""
        return self.consult(Query(plate_read=plate_read), at=at).matches

    def consult(self, query: Query, *, at: datetime, settings: HotListSettings | None = None) -> LookUpResult:
        """Say what a read matches at a moment.

        The read itself and the patterns are always looked up. Only if the read itself is not listed, and the vehicle
        is not the department's own, are texts of declared pairs, and only if these do not match, the reader's
        alternatives. A pattern that fits says nothing of whether the read is right, and hides none of these.

        A read with one hidden character is looked up as each plate that it may be, and what is listed matches as
        `partial`; with more hidden only patterns are tried, for it might be too many vehicles.

        Args:
            query: what was read.
            at: when it was read (aware); entries and patterns that had ended by then do not match.
            settings: how far to go beyond the read itself: not at all where None.

        """
        moment = epoch(at)
        text = normalize_read(query.plate_read)
        if not text or len(text) > LONGEST_TEXT:
            return LookUpResult()
        matches, safe = self._listed(text, moment, query.confidence) if HIDDEN not in text else ([], False)
        if not safe:
            if HIDDEN in text:
                matches = self._hidden(text, moment, query)
            elif settings is not None:
                matches = matches or self._taken_for(text, moment, query, settings)
                matches = matches or self._near(text, moment, query, settings)
            matches += self._partial(text, moment, query)
        judged = [replace(match, state_agreement=agreement(query.state, match.state)) for match in matches]
        return LookUpResult(tuple(sorted(judged, key=lambda match: (match.priority, _ORDER[match.kind]))), safe)

    def _listed(self, text: PlateText, moment: int, confidence: float | None) -> tuple[list[Match], bool]:
        """Return the matches of a text, and whether it is a safe plate's, whose own spelling matches nothing."""
        entries = [entry for entry in self.listing.entries(self._hash.digest(fold(text))) if entry.in_force(moment)]
        safe = {entry.text_fingerprint for entry in entries if entry.detail.safe}
        return [
            self._found(text, entry, confidence)
            for entry in entries
            if not entry.detail.safe and entry.text_fingerprint not in safe
        ], bool(safe)

    def _found(self, text: PlateText, entry: HotListEntry, confidence: float | None) -> Match:
        spelling, differs = self._spelling(text, entry)
        return Match(
            kind=MatchKind.LOOK_ALIKE if differs else MatchKind.EXACT,
            plate_matched=spelling,
            category=entry.detail.category,
            priority=entry.detail.priority,
            state=entry.detail.state,
            reference=entry.reference,
            differs=differs,
            list_version=self.version,
            confidence=confidence,
            distribution=entry.detail.distribution,
        )

    def _spelling(self, text: PlateText, entry: HotListEntry) -> tuple[str, tuple[int, ...]]:
        """Find how the list spells a plate whose key it has, by trying the spellings of that key."""
        if self._hash.text_fingerprint(text) == entry.text_fingerprint:
            return text, ()
        for spelling, differs in other_spellings(text):
            if self._hash.text_fingerprint(spelling) == entry.text_fingerprint:
                return spelling, differs
        # Not to be had from a sound list; say the little that is known rather than hide a hit.
        return fold(text), look_alike_indexes(text) or tuple(range(len(text)))

    def _hidden(self, text: PlateText, moment: int, query: Query) -> list[Match]:
        known = [index for index, character in enumerate(text) if character != HIDDEN]
        if len(text) - len(known) > 1 or len(known) < FEWEST_KNOWN:
            return []
        confidence = _sure(query, text, known)
        return [
            replace(match, kind=MatchKind.PARTIAL, differs=_differences(text, match.plate_matched))
            for plate in filled(text)
            for match in self._listed(plate, moment, confidence)[0]
        ]

    def _partial(self, text: PlateText, moment: int, query: Query) -> Iterator[Match]:
        for match in self._patterns.match(text, moment):
            entry = match.entry
            yield Match(
                kind=MatchKind.PARTIAL,
                plate_matched=entry.pattern,
                category=entry.category,
                priority=entry.priority,
                state=entry.state,
                reference=entry.case,
                differs=match.differs,
                list_version=self.version,
                confidence=_sure(query, text, match.known),
                author=entry.author,
                distribution=entry.distribution,
            )

    def _taken_for(self, text: PlateText, moment: int, query: Query, settings: HotListSettings) -> list[Match]:
        pairs = settings.look_alike_pairs
        confidences = {plate_key(other.text): other.confidence for other in query.alternatives}
        matches: list[Match] = []
        for other in taken_for(text, pairs, budget=settings.look_alike_budget, most=MOST_LOOK_ALIKES):
            for match in self._listed(other, moment, confidences.get(fold(other)))[0]:
                differs = _differences(text, match.plate_matched)
                matches.append(replace(match, kind=MatchKind.LOOK_ALIKE, differs=differs))
        return matches

    def _near(self, text: PlateText, moment: int, query: Query, settings: HotListSettings) -> list[Match]:
        matches: list[Match] = []
        likely = [other for other in query.alternatives if other.confidence >= settings.near_confidence]
        likely.sort(key=lambda other: other.confidence, reverse=True)
        for other in likely[: settings.near_alternatives]:
            alternative = normalize_read(other.text)
            if not alternative or alternative == text or HIDDEN in alternative:
                continue
            for match in self._listed(alternative, moment, other.confidence)[0]:
                differs = _differences(text, match.plate_matched)
                matches.append(replace(match, kind=MatchKind.NEAR, differs=differs))
        return matches

    def __repr__(self) -> str:
        return f"HotList(agency={self.agency!r}, version={self.version}, entries={self.entries})"


_ORDER = {kind: index for index, kind in enumerate(MatchKind)}


def _sure(query: Query, text: PlateText, known: Sequence[int]) -> float | None:
    """Return the probability that the characters at these places of a read are right, where the reader tells."""
    sure = [query.characters[index] for index in known] if len(query.characters) == len(text) else []
    return prod(sure) if sure else None


def _differences(text: str, other: str) -> tuple[int, ...]:
    """Return where two plates differ; from the first difference on if they differ in length."""
    differing = [index for index, (one, two) in enumerate(zip(text, other, strict=False)) if one != two]
    if len(text) == len(other):
        return tuple(differing)
    first = differing[0] if differing else min(len(text), len(other))
    return tuple(range(min(first, len(text) - 1), len(text)))
