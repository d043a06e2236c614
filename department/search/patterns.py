"""The language in which plates are asked for.

::

    7ABC123     these characters
    7A?C12?     `?` is any one character
    7AB*        `*` is any characters, or none
    [8B]        one of these, six at most

Spaces, dashes, dots, and symbols such as the heart of a special plate count for nothing: a symbol is no character of
the number. Plates are folded, in the pattern as in the records: O and 0 are one, as are I and
1. With a budget of look-alikes, up to that many of the characters may be others that the reader takes for them. And
one of the known characters may be remembered wrongly, whichever it is.

A read has `?` for a character that something hides. That may be any, as long as three characters agree that both know.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from itertools import chain, combinations, pairwise, product, takewhile
from string import ascii_uppercase, digits
from typing import Self, TypeAlias

from platepost.department.custody.projections import folded
from platepost.department.search.errors import PatternError
from platepost.department.search.misreads import log_probability, look_alikes

LEAST_KNOWN = 3
"""Known characters that a pattern needs where no place and time are given, and that have to agree with a plate that
hides others."""
HIDDEN = "?"
"""Stands in a read for a character that something hides."""
MOST_LOOK_ALIKES = 2
MOST_IN_SET = 6
LONGEST = 24
"""Characters of a plate: `platepost.wire.records.base.PLATE_LENGTH`."""
MOST_SPELLINGS = 1000
"""Plates that a pattern without `?` and `*` may stand for and be looked up one by one."""
MOST_OF_PAIR = 36
"""Pairs of characters of two neighboring elements that are looked up as pairs, not one by one."""
FURTHEST = 15
"""Places from either end, counted from 0, of which the dictionary has grams."""
_SLIP = math.log(0.1 / 33)
"""Score of a character that was remembered wrongly: of ten that are doubted one, and then any of the others. It ranks
behind nearly every look-alike; the figure is a judgment, not measured."""
_HIDDEN = math.log(1 / 34)
"""Score of a hidden character: it may be any, one as likely as another."""
_TOKEN = re.compile(r"\[([A-Z0-9]*)\]|([A-Z0-9])|(\*)|\?", re.IGNORECASE | re.ASCII)
_IGNORED = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "So", "Mn"})
"""Categories of Unicode whose characters are no part of a plate's number: spaces, dashes, symbols such as a heart."""
_IGNORED_TOO = frozenset("+.\u00b7\u2022")
"""The plus of a special plate, and dots that people write where the plate has a gap."""


_FOLDED = "".join(sorted({folded(digit) for digit in ascii_uppercase + digits}))
"""The characters of folded plates."""
_Place: TypeAlias = tuple[int, int, bool, int]
"""Within a plate: how far, with how many look-alikes, whether with the wrong character, and with how many hidden."""


class NGram(StrEnum):
    """What a gram tells; its place among these is its number in `search_grams`."""

    FIRST = "character from the start"
    FIRST_PAIR = "pair from the start"
    LAST = "character from the end"
    LAST_PAIR = "pair from the end"
    PAIR = "pair anywhere"


_NUMBERS = {gram: number for number, gram in enumerate(NGram)}


@cache
def ngram_code(gram: NGram, place: int, characters: str) -> int:
    """Return a gram as the database has it, of 21 bits.

    Args:
        gram: what it tells.
        place: counted from 0, from the start that of the first character, from the end that of the last one; 0 for a
            pair anywhere.
        characters: one or two, as they are read.

    """
    first, second = (ord(character) & 127 for character in characters.ljust(2, "\0"))
    return _NUMBERS[gram] << 18 | place << 14 | first << 7 | second


class MatchReason(StrEnum):
    """Why a character of a plate fits."""

    SAME = "same"
    ONE_OF = "one of"
    """One of a set."""
    LOOK_ALIKE = "look-alike"
    """Taken for the one that was asked for."""
    WRONG = "wrong"
    """Not the one that was asked for: that was remembered wrongly."""
    HIDDEN = "hidden"
    """Something hides it: it may be the one that was asked for."""
    ANY = "any"
    """Nothing was asked of it."""


@dataclass(frozen=True, slots=True)
class Element:
    """One part of a pattern."""

    characters: str
    """Which may stand there, folded and sorted; empty if any may."""
    repeats: bool = False
    """Whether it stands for any number of characters, or none."""

    @property
    def look_alikes(self) -> str:
        """The other characters that are taken for this one; none of a set."""
        return look_alikes(self.characters) if len(self.characters) == 1 else ""


@dataclass(frozen=True, slots=True)
class MatchScore:
    """How a plate fits a pattern."""

    score: float
    """Log probability that the camera reads the plate asked for as this text; 0 where both must be the same."""
    why: tuple[MatchReason, ...]
    """Of each character of the plate."""


@dataclass(frozen=True)
class PlatePattern:
    """A pattern, parsed."""

    elements: tuple[Element, ...]
    budget: int = 0
    """How many characters may be look-alikes."""
    slip: bool = False
    """Whether one of the known characters may be wrong."""
    agreeing: int = LEAST_KNOWN
    """How many known characters have to agree, wherever others are hidden."""

    @classmethod
    def parse(cls, text: str, *, budget: int = 0, slip: bool = False) -> Self:
        """Read a pattern.

        Raises:
            PatternError: it cannot be read.

        """
        if not 0 <= budget <= MOST_LOOK_ALIKES:
            raise PatternError(f"from 0 to {MOST_LOOK_ALIKES} characters may be look-alikes")
        elements: list[Element] = []
        text = unicodedata.normalize("NFKC", text)  # wide letters, as some programs copy them
        at = 0
        while at < len(text):
            if unicodedata.category(text[at]) in _IGNORED or text[at] in _IGNORED_TOO:
                at += 1
                continue
            token = _TOKEN.match(text, at)
            if token is None:
                raise PatternError(f"character {at + 1}: a pattern has A-Z, 0-9, `?`, `*` and sets such as [8B]")
            several, one, repeated = token.groups()
            if several is not None and not 0 < len(several) <= MOST_IN_SET:
                raise PatternError(f"character {at + 1}: a set has from 1 to {MOST_IN_SET} characters")
            element = Element("".join(sorted(set(folded((several or one or "").upper())))), repeats=bool(repeated))
            if not (repeated and elements and elements[-1].repeats):
                elements.append(element)
            at = token.end()
        if not elements:
            raise PatternError("the pattern is empty")
        if len(elements) > LONGEST:
            raise PatternError(f"a plate has no more than {LONGEST} characters")
        return cls(tuple(elements), budget, slip)

    @property
    def known(self) -> int:
        """How many characters are known."""
        return sum(bool(element.characters) for element in self.elements)

    @property
    def hidden(self) -> int:
        """How many of the known characters a plate may hide."""
        return max(0, self.known - self.agreeing)

    @property
    def searchable(self) -> bool:
        """Whether it says enough to be looked for without a place and a time."""
        if self.slip:
            return all(variant.searchable for variant in self.variants)
        return self.known >= LEAST_KNOWN and bool(self.plates or self.grams)

    @cached_property
    def variants(self) -> tuple[Self, ...]:
        """The patterns without a slip of which a plate that fits fits one at least: one for each character in doubt."""
        if not self.slip:
            return (self,)
        places = [at for at, element in enumerate(self.elements) if element.characters]
        return tuple(
            replace(self, elements=(*self.elements[:at], Element(""), *self.elements[at + 1 :]), slip=False)
            for at in places
        ) or (replace(self, slip=False),)

    @cached_property
    def regex(self) -> str:
        """A regular expression for folded plates that fit and hide no known character.

        Python and PostgreSQL read it alike.
        """
        return self._regex()

    @cached_property
    def hiding_regex(self) -> str:
        """A regular expression for all folded plates that fit; it also matches some that hide too much."""
        return self._regex(HIDDEN if self.hidden else "")

    def _regex(self, also: str = "") -> str:
        choices = (choice for variant in self.variants for choice in _choices(variant))
        return f"^(?:{'|'.join(''.join(_regex(one, also) for one in choice) for choice in choices)})$"

    @property
    def beginnings(self) -> tuple[str, ...]:
        """The beginnings that plates that fit can have, as far as their characters are known."""
        doubted = self.budget > 0 or self.slip
        known = takewhile(lambda one: len(one) == 1, (element.characters for element in self.elements))
        begun = "" if doubted else "".join(known)
        return (begun, *(begun[:at] + HIDDEN for at in range(len(begun)) if self.hidden))

    @cached_property
    def plates(self) -> tuple[str, ...] | None:
        """Every folded plate that fits, if these are few; None otherwise, and of a slip."""
        if self.slip or not all(element.characters for element in self.elements):
            return None
        # Beginnings, by how many look-alikes they have.
        by_used = [[""], *([] for _ in range(self.budget))]
        for element in self.elements:
            same = [[text + one for text in texts for one in element.characters] for texts in by_used]
            other = [[text + one for text in texts for one in element.look_alikes] for texts in ([], *by_used)]
            by_used = [[*a, *b] for a, b in zip(same, other, strict=False)]
            if sum(map(len, by_used)) > MOST_SPELLINGS:
                return None
        return tuple(sorted(chain.from_iterable(by_used)))

    def spelled(self, most_open: int) -> Iterator[str]:
        """Yield each folded plate that fits where few characters are open; nothing where more are.

        Args:
            most_open: characters that may be open: each `?` is one, and a `*` stands for none up to all that are left.

        """
        left = most_open - sum(not (element.characters or element.repeats) for element in self.elements)
        if left < 0:
            return
        repeated = ["".join(characters) for count in range(left + 1) for characters in product(_FOLDED, repeat=count)]
        choices = [repeated if element.repeats else element.characters or _FOLDED for element in self.elements]
        if sum(element.repeats for element in self.elements) <= 1:
            yield from map("".join, product(*choices))

    @cached_property
    def grams(self) -> tuple[tuple[int, ...], ...]:
        """What to ask the dictionary's index: a plate that fits has one gram at least of each group; not of a slip.

        Of plates that hide something known, `hiding_ngrams` says this.
        """
        return self._grams()

    @property
    def hiding_ngrams(self) -> tuple[tuple[int, ...], ...]:
        """As `grams`, of all plates that fit, the first, the middle and the last group; none if nothing may be hidden.

        So many are enough, for such plates are few, and the statement is always the same.
        """
        groups = self._grams(HIDDEN) if self.hidden else ()
        return (groups[0], groups[len(groups) // 2], groups[-1]) if groups else ()

    def _grams(self, also: str = "") -> tuple[tuple[int, ...], ...]:
        stars = [at for at, element in enumerate(self.elements) if element.repeats]
        parts = [element.characters + (element.look_alikes if self.budget else "") for element in self.elements]
        if not stars:
            return tuple(_placed(parts, NGram.FIRST, NGram.FIRST_PAIR, also))
        head = parts[: stars[0]]
        middle = parts[stars[0] : stars[-1]]
        tail = parts[: stars[-1] : -1]
        return (
            *_placed(head, NGram.FIRST, NGram.FIRST_PAIR, also),
            *_anywhere(middle, also),
            *_placed(tail, NGram.LAST, NGram.LAST_PAIR, also),
        )

    def fit(self, plate: str) -> MatchScore | None:
        """Tell why a folded plate fits, by the likeliest way; None if it does not."""
        # The likeliest way through the elements so far, by where it has come to and what it has used.
        ways = {(0, 0, False, 0): MatchScore(0.0, ())}
        for element in self.elements:
            following: dict[_Place, MatchScore] = {}
            for place, way in ways.items():
                for end, by, why in self._steps(element, plate, place):
                    score = way.score + by
                    if end not in following or following[end].score < score:
                        following[end] = MatchScore(score, way.why + why)
            ways = following
        return max((way for (at, *_), way in ways.items() if at == len(plate)), key=lambda way: way.score, default=None)

    def _steps(
        self, element: Element, plate: str, place: _Place
    ) -> list[tuple[_Place, float, tuple[MatchReason, ...]]]:
        """Return where an element may lead from a place: the next place, score, and why."""
        at, used, slipped, hidden = place
        if element.repeats:
            return [
                ((end, used, slipped, hidden), 0.0, (MatchReason.ANY,) * (end - at))
                for end in range(at, len(plate) + 1)
            ]
        read, asked = plate[at : at + 1], element.characters
        if not read:
            return []
        if not asked:
            return [((at + 1, used, slipped, hidden), 0.0, (MatchReason.ANY,))]
        if read == HIDDEN:
            may = hidden + slipped < self.hidden
            return [((at + 1, used, slipped, hidden + 1), _HIDDEN, (MatchReason.HIDDEN,))] if may else []
        if read in asked:
            score = log_probability(asked, read) if self.budget and read == asked else 0.0
            return [
                ((at + 1, used, slipped, hidden), score, (MatchReason.ONE_OF if len(asked) > 1 else MatchReason.SAME,))
            ]
        steps: list[tuple[_Place, float, tuple[MatchReason, ...]]] = []
        if used < self.budget and read in element.look_alikes:
            steps.append(((at + 1, used + 1, slipped, hidden), log_probability(asked, read), (MatchReason.LOOK_ALIKE,)))
        if self.slip and not slipped and (not hidden or hidden < self.hidden):
            steps.append(((at + 1, used, True, hidden), _SLIP, (MatchReason.WRONG,)))
        return steps


def _choices(pattern: PlatePattern) -> list[tuple[Element, ...]]:
    """Return a pattern with look-alikes let in at as many places as its budget allows, in every way."""
    budget, elements = pattern.budget, pattern.elements
    places = [at for at, element in enumerate(elements) if element.look_alikes] if budget else []
    return [
        tuple(
            Element(element.characters + element.look_alikes) if at in chosen else element
            for at, element in enumerate(elements)
        )
        for chosen in combinations(places, min(budget, len(places)))
    ]


def _regex(element: Element, also: str) -> str:
    if not element.characters:
        return ".*" if element.repeats else "."
    characters = element.characters + also
    return characters if len(characters) == 1 else f"[{characters}]"


def _placed(parts: Sequence[str], single: NGram, pair: NGram, also: str) -> list[tuple[int, ...]]:
    """Return groups of grams of parts in their order from the start, or from the end where `pair` says so.

    Wherever something is known, it may be `also`, too.
    """
    groups: list[tuple[int, ...]] = []
    covered: set[int] = set()
    for at, (one, other) in enumerate(pairwise(parts[: FURTHEST + 1])):
        if 0 < len(one) * len(other) <= MOST_OF_PAIR:
            both = (one + also, other + also) if pair is NGram.FIRST_PAIR else (other + also, one + also)
            groups.append(tuple(ngram_code(pair, at, "".join(text)) for text in product(*both)))
            covered |= {at, at + 1}
    alone = [(at, part) for at, part in enumerate(parts[: FURTHEST + 1]) if part and at not in covered]
    return groups + [tuple(ngram_code(single, at, character) for character in part + also) for at, part in alone]


def _anywhere(parts: Sequence[str], also: str) -> list[tuple[int, ...]]:
    return [
        tuple(ngram_code(NGram.PAIR, 0, "".join(text)) for text in product(one + also, other + also))
        for one, other in pairwise(parts)
        if 0 < len(one) * len(other) <= MOST_OF_PAIR
    ]
