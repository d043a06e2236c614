"""What a look-up asks, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from platepost.wire.records.regions import OTHER

StateAgreement = Literal["agrees", "contradicts", "unknown"]
"""Whether the state read from the plate is the listed one; unknown where either is not said."""
_TOLD_APART = "CA"
"""The state that a plate of `OTHER` is surely not of."""
_COUNTRY = "US-"
"""What a state read may begin with; lists have the letters of the state alone."""


class MatchKind(StrEnum):
    """How a read matched."""

    EXACT = "exact"
    LOOK_ALIKE = "look_alike"
    PARTIAL = "partial"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another reading of the reader, and the probability that it is right."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What was read: `plate_read` as it was seen, and how sure the reader is.

    Attributes:
        plate_read: the text; it is normalized for the look-up and never changed.
        confidence: probability that the whole text is right, where known.
        characters: the same of each character of `plate_read`; empty where not known.
        alternatives: other readings.
        state: that issued the plate by its look, such as US-CA, or `other`; None where that is unknown.

    """

    plate_read: str
    confidence: float | None = None
    characters: tuple[float, ...] = ()
    alternatives: tuple[Candidate, ...] = ()
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One listed plate or pattern that a read matches.

    Attributes:
        kind: `exact`, `look_alike` (O for 0, I for 1, a declared pair), `partial` (a pattern, or something hides a
            character of the plate) or `near` (an alternative of the reader).
        plate_matched: the list's spelling of the plate, or the pattern. The list holds no plate in clear: the spelling
            is the read's own, with the look-alike characters as the list has them.
        category: slug, as in the topic of the hit.
        priority: 1 (most urgent) to 9.
        state: of the plate, where the list says it.
        reference: the list's case or entry; a pattern's case number.
        differs: indexes into the normalized read where it and the list differ.
        list_version: of the list that says so.
        confidence: probability that the plate bears what matched, where the reader tells: of the whole text, of the
            alternative, or of the characters that both know.
        state_agreement: whether the state read is the listed one. A contradiction is said, and takes no match away:
            readers take states for one another more readily than characters.
        author: who answers for a pattern.
        distribution: the group that alone may hear of the match.

    """

    kind: MatchKind
    plate_matched: str
    category: str
    priority: int
    state: str | None
    reference: str | None
    differs: tuple[int, ...]
    list_version: int
    confidence: float | None = None
    state_agreement: StateAgreement = "unknown"
    author: str | None = None
    distribution: str | None = None


@dataclass(frozen=True, slots=True)
class LookUpResult:
    """What a list says to a read.

    Attributes:
        matches: the most urgent first.
        safe: whether the read is of a vehicle that the list names as the department's own; matches of it are dropped.

    """

    matches: tuple[Match, ...] = ()
    safe: bool = False


def agreement(read: str | None, listed: str | None) -> StateAgreement:
    """Compare the state read, such as US-CA, CA or `other`, with the state listed, such as CA."""
    if not read or not listed:
        return "unknown"
    if read == OTHER:
        return "contradicts" if listed == _TOLD_APART else "unknown"
    return "agrees" if read.upper().removeprefix(_COUNTRY) == listed else "contradicts"
