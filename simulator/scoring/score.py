"""How well reads tell what really happened.

A read belongs to a passage if both are in view at about the same time and their texts resemble one another; of several,
the one that resembles it most, and where the same plate passes again, the passage that it shares most time with. A
further read of the same passage is a duplicate; a read that belongs to none is undue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Self

from platepost.device.vision.clips import ClipRead
from platepost.simulator.scoring.truth import TruePassage, Truth
from platepost.wire.hotlist.keys import normalize, normalize_read, plate_key

RESEMBLING = 0.5
"""Least `difflib` ratio at which a read's text is taken for an attempt at the passage's; half of the characters."""

SLACK_SECONDS = 1.0
"""A plate is read before the truth calls it whole and large enough, and after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredRead:
    """One read, by the frames between which its passage was seen."""

    text: str
    confidence: float
    first_frame: int
    last_frame: int

    @classmethod
    def of(cls, read: ClipRead) -> Self:
        """Return what the score needs of a read."""
        return cls(text=read.text, confidence=read.confidence, first_frame=read.first_frame, last_frame=read.last_frame)


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """What became of one passage."""

    passage: TruePassage
    read: ScoredRead | None
    """The best read of it, None if it was missed."""
    duplicates: tuple[ScoredRead, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the text is right to the character."""
        return self.read is not None and normalize_read(self.read.text) == normalize(self.passage.text)

    @property
    def right_folded(self) -> bool:
        """Whether the text is right if O and 0, I and 1 count as the same."""
        return self.read is not None and plate_key(self.read.text) == plate_key(self.passage.text)


@dataclass(frozen=True, slots=True)
class Score:
    """What became of every passage, and the reads that belong to none."""

    outcomes: tuple[ScoredPassage, ...]
    undue: tuple[ScoredRead, ...]

    @property
    def passages(self) -> int:
        """How many passages there really are."""
        return len(self.outcomes)

    @property
    def captured(self) -> int:
        """How many of them were read at all."""
        return sum(outcome.read is not None for outcome in self.outcomes)

    @property
    def right(self) -> int:
        """How many were read right to the character."""
        return sum(outcome.right for outcome in self.outcomes)

    @property
    def right_folded(self) -> int:
        """How many were read right if O and 0, I and 1 count as the same."""
        return sum(outcome.right_folded for outcome in self.outcomes)

    @property
    def duplicates(self) -> int:
        """How many reads said again what another had said."""
        return sum(len(outcome.duplicates) for outcome in self.outcomes)


def score(reads: Sequence[ScoredRead], truth: Truth) -> Score:
    """Match the reads of a clip to its passages."""
    slack = round(SLACK_SECONDS * truth.fps)
    met = [
        (_resemblance(read.text, passage.text), _together(read, passage), number, place)
        for number, passage in enumerate(truth.passages)
        for place, read in enumerate(reads)
        if _together(read, passage) >= -slack
    ]
    longest: dict[tuple[str, int], int] = {}
    for _, together, number, place in met:
        key = plate_key(truth.passages[number].text), place
        longest[key] = max(together, longest.get(key, together))
    likeness = [
        (ratio, number, place)
        for ratio, together, number, place in sorted(met, key=lambda entry: (-entry[0], -entry[1], *entry[2:]))
        if together == longest[plate_key(truth.passages[number].text), place]
    ]
    read_of: dict[int, int] = {}
    duplicates: dict[int, list[ScoredRead]] = {}
    taken: set[int] = set()
    for ratio, number, place in likeness:
        if ratio >= RESEMBLING and number not in read_of and place not in taken:
            read_of[number] = place
            taken.add(place)
    for ratio, number, place in likeness:
        if ratio >= RESEMBLING and place not in taken:
            duplicates.setdefault(number, []).append(reads[place])
            taken.add(place)
    outcomes = tuple(
        ScoredPassage(
            passage,
            reads[read_of[number]] if number in read_of else None,
            tuple(duplicates.get(number, ())),
        )
        for number, passage in enumerate(truth.passages)
    )
    return Score(outcomes, tuple(read for place, read in enumerate(reads) if place not in taken))


def _together(read: ScoredRead, passage: TruePassage) -> int:
    """Return how many frames both are in view, below 0 by how many they miss one another."""
    first, last = passage.frames
    return min(read.last_frame, last) - max(read.first_frame, first)


def _resemblance(one: str, other: str) -> float:
    return SequenceMatcher(None, plate_key(one), plate_key(other), autojunk=False).ratio()
