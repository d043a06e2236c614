"""One text out of many looks at the same plate.

O and 0, I and 1 are one character here, as for the reader and the hot list: frames that spell a plate differently agree
on it. How the text is spelled in the end follows the greater weight, place by place.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from device.vision.ctc import Hypothesis, folded
from device.vision.reader import Character, Reading

SINGLE_LOOK = 0.9
"""Factor on the confidence of a text that only one frame showed: nothing confirms it."""
TOLD = 5
"""Alternatives that a consensus tells at most."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One reading and what it counts."""

    reading: Reading
    weight: float
    """Greater for a larger and sharper plate; any positive scale."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """What all looks together say."""

    text: str
    confidence: float
    """0 to 1: the weighted share of what was seen that speaks for this text, however spelled."""
    characters: tuple[Character, ...]
    alternatives: tuple[Hypothesis, ...]
    looks: int
    """Frames in which the plate was read at all."""
    agreeing: int
    """Frames whose own best reading is this text, however spelled."""


class Poll:
    """Votes on the same plate, added up as they come: a long passage costs no more a frame than a short one.

    A vote's weight is multiplied with the square of its confidence, so that one sharp look outweighs many blurred
    ones, and each reading is split over its alternatives by their probability.
    """

    def __init__(self) -> None:
        self._looks = 0
        self._weight = 0.0
        self._texts: dict[str, float] = defaultdict(float)
        self._spellings: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._own: Counter[str] = Counter()

    def add(self, vote: Vote) -> None:
        """Take in one more look."""
        own = vote.weight * max(vote.reading.confidence, 0.01) ** 2
        self._looks += 1
        self._weight += own
        self._own[folded(vote.reading.text)] += 1
        for spelling, probability in _hypotheses(vote.reading):
            text = folded(spelling)
            self._texts[text] += own * probability
            self._spellings[text][spelling] += own * probability

    def consensus(self) -> Consensus:
        """Combine the votes character by character among texts of the length that most speaks for.

        Raises:
            ValueError: there is no vote.

        """
        if not self._looks:
            raise ValueError("a consensus needs at least one vote")
        texts, weight = self._texts, self._weight
        places = _places(texts)
        text = "".join(max(place, key=lambda character: place[character]) for place in places)
        characters = tuple(
            Character(shown, min(1.0, place[character] / weight))
            for shown, character, place in zip(_spelled(text, self._spellings), text, places, strict=True)
        )
        agreeing = self._own[text]
        confidence = texts[text] / weight if text in texts else _product(characters)
        if agreeing <= 1:
            confidence *= SINGLE_LOOK
        others = nlargest(TOLD, (other for other in texts.items() if other[0] != text), key=lambda item: item[1])
        return Consensus(
            text="".join(character.character for character in characters),
            confidence=min(1.0, confidence),
            characters=characters,
            alternatives=tuple(
                Hypothesis(_spelled(other, self._spellings), min(1.0, share / weight)) for other, share in others
            ),
            looks=self._looks,
            agreeing=agreeing,
        )


def _hypotheses(reading: Reading) -> list[tuple[str, float]]:
    return [
        (reading.text, reading.confidence),
        *((alternative.text, alternative.probability) for alternative in reading.alternatives),
    ]


def _spelled(text: str, spellings: Mapping[str, Mapping[str, float]]) -> str:
    """Choose O or 0 and I or 1 at each place of a folded text: as the spellings of exactly that text weigh."""
    if text in spellings:
        own = dict(spellings[text])
        if len(own) == 1:
            return next(iter(own))
    else:  # a text that was put together place by place: no frame has read it whole
        alike = (group for other, group in spellings.items() if len(other) == len(text))
        own = {spelling: share for group in alike for spelling, share in group.items()}
    letters = []
    for index, character in enumerate(text):
        place = _place(own, len(text), index)
        fitting = [letter for letter in place if folded(letter) == character]
        letters.append(max(fitting, key=lambda letter: place[letter]))
    return "".join(letters)


def _places(texts: Mapping[str, float]) -> list[dict[str, float]]:
    """Return what speaks for each character at each place of the length that most speaks for."""
    lengths: dict[int, float] = defaultdict(float)
    for text, share in texts.items():
        lengths[len(text)] += share
    length = max(lengths, key=lambda candidate: lengths[candidate])
    return [_place(texts, length, index) for index in range(length)]


def _place(texts: Mapping[str, float], length: int, index: int) -> dict[str, float]:
    place: dict[str, float] = defaultdict(float)
    for text, share in texts.items():
        if len(text) == length:
            place[text[index]] += share
    return place


def _product(characters: Sequence[Character]) -> float:
    product = 1.0
    for character in characters:
        product *= character.confidence
    return product
