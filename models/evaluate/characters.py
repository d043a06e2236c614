"""Which characters are read right, and what the others are taken for."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from platepost.models.evaluate.spelling import NOTHING, aligned, fold


@dataclass(frozen=True, slots=True)
class CharacterFigures:
    """One true character, O counted as 0 and I as 1."""

    character: str
    count: int
    right: float
    """Share read right."""
    taken_for: tuple[tuple[str, int], ...]
    """What it was read as instead and how often, most often first."""


def by_character(pairs: Iterable[tuple[str, str]]) -> list[CharacterFigures]:
    """Compare (truth, read) pairs character by character; the worst first, by how often it is read wrong.

    A picture without a read counts each of its
    characters as read as nothing.
    """
    seen: dict[str, Counter[str]] = {}
    for truth, read in pairs:
        for true, read_character in aligned(fold(truth), fold(read)):
            seen.setdefault(true, Counter())[read_character] += 1
    figures = [
        CharacterFigures(
            character=true,
            count=counts.total(),
            right=0.0 if true == NOTHING else counts[true] / counts.total(),
            taken_for=tuple((character, count) for character, count in counts.most_common() if character != true),
        )
        for true, counts in seen.items()
    ]
    return sorted(figures, key=lambda f: (-round(f.count * (1 - f.right)), f.character))
