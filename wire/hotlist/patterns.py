"""Partial plates: what a witness saw of one, looked for in every read.

`?` stands for one character and `*` for any number of them, none included; `characters` fixes the length when the
witness was sure of it. Patterns are few and each is answered for by a case, an author and an end, because a wide one
stops many innocent drivers.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from platepost.wire.hotlist.keys import FOLDING, HIDDEN, PlateText, fold
from platepost.wire.hotlist.layout import FEWEST_KNOWN, WILDCARDS, PatternEntry, epoch


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A pattern that fits a read.

    `known` are the read's indexes where both have a character, `differs` those of them where the two only look alike.
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
        """Yield the patterns that fit a normalized read and have not ended at a moment (seconds since 1970).

        A hidden character of the read fits any, if both have as many others in common as a pattern must have.
        """
        key = fold(text)
        for entry, expression, expires in self._patterns:
            if moment >= expires or entry.characters not in {None, len(text)}:
                continue
            match = expression.fullmatch(key)
            if match is None:
                continue
            both = [(at, piece) for at, piece in _literals(entry.pattern, match) if text[at] != HIDDEN]
            if HIDDEN not in text or len(both) >= FEWEST_KNOWN:
                differs = tuple(at for at, piece in both if text[at] != piece)
                yield PatternMatch(entry, differs, tuple(at for at, _ in both))


def _compile(pattern: str) -> re.Pattern[str]:
    """Turn a pattern into an expression over keys, a group for each of its characters; what is hidden fits each.

    Neighboring stars are one, which keeps the search from trying every way to share characters between them.
    """
    pieces = {"?": "(.)", "*": "(.*)"}
    folded = re.sub(r"\*+", "*", pattern)
    return re.compile("".join(pieces.get(piece) or f"([{FOLDING.get(piece, piece)}{HIDDEN}])" for piece in folded))


def _literals(pattern: str, match: re.Match[str]) -> Iterator[tuple[int, str]]:
    """Yield each known character of a pattern with its place in the read."""
    for group, piece in enumerate(re.sub(r"\*+", "*", pattern), start=1):
        if piece not in WILDCARDS:
            yield match.start(group), piece
