"""Partial plates: what a witness saw of one, looked for in every read.

`?` stands for one character and `*` for any number of them, none included; `characters` fixes the length when the
witness was sure of it. Patterns are few and each is answered for by a case, an author and an end, because a wide one
stops many innocent drivers.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from device.hotlist.keys import FOLDING, PlateText, fold
from device.hotlist.layout import WILDCARDS, PatternEntry, epoch


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A pattern that fits a read.

    `known` are the read's indexes where the pattern has a character, `differs` those of them where the two only look
    alike.
    """

    entry: PatternEntry
    differs: tuple[int, ...]
    known: tuple[int, ...]


class Patterns:
    """The partial plates of one list."""

    def __init__(self, entries: Iterable[PatternEntry]) -> None:
        self._patterns = tuple((entry, _compile(entry.pattern), epoch(entry.expires)) for entry in entries)

    def __len__(self) -> int:
        return len(self._patterns)

    def match(self, text: PlateText, moment: int) -> Iterator[PatternMatch]:
        """Yield the patterns that fit a normalized read and have not ended at a moment (seconds since 1970)."""
        key = fold(text)
        for entry, expression, expires in self._patterns:
            if moment >= expires or entry.characters not in {None, len(text)}:
                continue
            found = expression.fullmatch(key)
            if found is not None:
                yield PatternMatch(entry, _differs(entry.pattern, found, text), _known(entry.pattern, found))


def _compile(pattern: str) -> re.Pattern[str]:
    """Turn a pattern into an expression over keys, a group for each of its characters.

    Neighboring stars are one, which keeps the search from trying every way to share characters between them.
    """
    pieces = {"?": "(.)", "*": "(.*)"}
    folded = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(pieces.get(piece) or f"({FOLDING.get(piece, piece)})" for piece in folded))


def _differs(pattern: str, found: re.Match[str], text: PlateText) -> tuple[int, ...]:
    return tuple(index for index, piece in _literals(pattern, found) if text[index] != piece)


def _known(pattern: str, found: re.Match[str]) -> tuple[int, ...]:
    return tuple(index for index, _ in _literals(pattern, found))


def _literals(pattern: str, found: re.Match[str]) -> Iterator[tuple[int, str]]:
    """Yield each known character of a pattern with its place in the read."""
    for group, piece in enumerate(re.sub(r"\*+", "*", pattern), start=1):
        if piece not in WILDCARDS:
            yield found.start(group), piece
