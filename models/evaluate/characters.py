"""Which characters are read right, and what the others are taken for."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.evaluate.metrics import fold

NOTHING: Final = "-"
"""Stands for a character that is not there: a lost one was read as nothing, an invented one truly is nothing."""


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

    Texts are aligned so that the fewest characters differ (Levenshtein). A picture without a read counts each of its
    characters as read as nothing.
    """
    seen: dict[str, Counter[str]] = {}
    for truth, read in pairs:
        for true, told in _aligned(fold(truth), fold(read)):
            seen.setdefault(true, Counter())[told] += 1
    figures = [
        CharacterFigures(
            character=true,
            count=counts.total(),
            right=0.0 if true == NOTHING else counts[true] / counts.total(),
            taken_for=tuple((told, count) for told, count in counts.most_common() if told != true),
        )
        for true, counts in seen.items()
    ]
    return sorted(figures, key=lambda f: (-round(f.count * (1 - f.right)), f.character))


def _aligned(first: str, second: str) -> list[tuple[str, str]]:
    rows = [list(range(len(second) + 1))]
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            row.append(min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (a != b)))
        rows.append(row)
    pairs: list[tuple[str, str]] = []
    i, j = len(first), len(second)
    while i or j:
        if i and j and rows[i][j] == rows[i - 1][j - 1] + (first[i - 1] != second[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((first[i], second[j]))
        elif i and rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((first[i], NOTHING))
        else:
            j -= 1
            pairs.append((NOTHING, second[j]))
    return pairs[::-1]
