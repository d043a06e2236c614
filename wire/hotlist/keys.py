"""Three strings that never become one: what was read, what is looked up, what is listed.

`plate_read` is what the camera saw and is never changed. `normalize` strips it to A-Z and 0-9; `plate_key` then folds
the characters that look alike on a plate, so that a list that says O finds a plate that says 0. `plate_matched` is the
list's own spelling or pattern, and only a match carries it.

A read may have `?` where something hides a character of the plate; a listed plate has none.

Only O/0 and I/1 are folded: California's personalized plates have no zero and its serials have both, and each further
pair would double what one listed plate covers. A post may declare more pairs; those are looked up one by one, within a
budget.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import NewType

TEST_PLATE = "PLATEPOST"
"""The plate of a post's self-test: no vehicle bears it, for plates of all states have at most eight characters."""

PlateText = NewType("PlateText", str)
"""A plate as spelled, normalized: A-Z and 0-9, and in a read `HIDDEN`."""

PlateKey = NewType("PlateKey", str)
"""A plate as looked up: normalized and folded."""

HIDDEN = "?"
"""Stands in a read for a character that something hides."""

FOLDING = {"O": "0", "I": "1"}
"""Which character stands for which in a key. A list says which folding it was built with."""

LOOK_ALIKE = {"O": "0", "0": "O", "I": "1", "1": "I"}
"""The other spelling of each folded character."""

_FOLD = str.maketrans(FOLDING)
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def normalize(text: str) -> PlateText:
    """Reduce any spelling of a plate to A-Z and 0-9: NFKC, upper case, everything else dropped.

    Spaces, hyphens and symbols (hearts, stars) vanish, full-width letters become plain. May return an empty string.
    """
    if text.isascii() and text.isalnum():
        return PlateText(text.upper())
    upper = unicodedata.normalize("NFKC", text).upper()
    return PlateText("".join(character for character in upper if character in _ALLOWED))


def normalize_read(text: str) -> PlateText:
    """Normalize what a camera read, keeping `?` for hidden characters."""
    return PlateText(HIDDEN.join(normalize(part) for part in text.split(HIDDEN)))


def fold(text: PlateText) -> PlateKey:
    """Fold the characters that look alike of a normalized plate."""
    return PlateKey(text.translate(_FOLD))


def plate_key(text: str) -> PlateKey:
    """Normalize any spelling of a plate, then fold it: the string that is looked up; a read keeps its `?`."""
    return fold(normalize_read(text))


def look_alike_indexes(text: PlateText) -> tuple[int, ...]:
    """Return where a normalized plate has a character that another could be taken for."""
    return tuple(index for index, character in enumerate(text) if character in LOOK_ALIKE)


def other_spellings(text: PlateText, *, most: int = 1024) -> Iterator[tuple[PlateText, tuple[int, ...]]]:
    """Yield every other spelling with the same key and the indexes that differ, fewest differences first.

    A plate with n such characters has 2**n - 1 of them; `most` bounds the work for text that is no plate.
    """
    indexes = look_alike_indexes(text)
    for count in range(1, len(indexes) + 1):
        for chosen in combinations(indexes, count):
            if most <= 0:
                return
            most -= 1
            spelled = list(text)
            for index in chosen:
                spelled[index] = LOOK_ALIKE[spelled[index]]
            yield PlateText("".join(spelled)), chosen


def filled(text: PlateText) -> Iterator[PlateText]:
    """Yield the plates that a read with one hidden character may be, look-alikes once."""
    for character in sorted(_ALLOWED - FOLDING.keys()):
        yield PlateText(text.replace(HIDDEN, character))


def taken_for(text: PlateText, pairs: Sequence[str], *, budget: int, most: int) -> Iterator[PlateText]:
    """Yield what a normalized plate may be taken for by declared pairs such as `B8`, fewest characters changed first.

    At most `budget` characters are changed at a time, and at most `most` texts yielded. What looks like 0 looks like O,
    too: how a reader spells them says nothing.
    """
    partners: dict[str, set[str]] = {}
    for one, other in (tuple(fold(PlateText(pair))) for pair in pairs):
        if one != other:
            partners.setdefault(one, set()).add(other)
            partners.setdefault(other, set()).add(one)
    key = fold(text)
    indexes = [index for index, character in enumerate(key) if character in partners]
    for count in range(1, min(budget, len(indexes)) + 1):
        for chosen in combinations(indexes, count):
            for others in product(*(sorted(partners[key[index]]) for index in chosen)):
                if most <= 0:
                    return
                most -= 1
                spelled = list(text)
                for index, other in zip(chosen, others, strict=True):
                    spelled[index] = other
                yield PlateText("".join(spelled))
