"""Texts of plates compared, whatever way they are written."""

from typing import Final

HIDDEN: Final = "?"
NOTHING: Final = "-"
"""Stands for a character that is not there: a lost one was read as nothing, an invented one truly is nothing."""
_FOLD: Final = str.maketrans("OI", "01")


def normalize(text: str) -> str:
    """Keep letters and digits only, upper case, and what a reader says is hidden."""
    return "".join(character for character in text.upper() if character.isalnum() or character == HIDDEN)


def fold(text: str) -> str:
    """Normalize, and write O as 0 and I as 1, which share a key on the hot list and one shape on most plates."""
    return normalize(text).translate(_FOLD)


def edit_distance(first: str, second: str) -> int:
    """Return the least number of characters to insert, delete or replace (Levenshtein 1966); none is `NOTHING`."""
    return sum(a != b for a, b in aligned(first, second))


def aligned(first: str, second: str) -> list[tuple[str, str]]:
    """Return the characters of two texts in pairs, so that the fewest differ; `NOTHING` where one has none."""
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
