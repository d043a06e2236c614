"""One text out of many looks at the same plate.

O and 0, I and 1 are one character here, as for the reader and the hot list: frames that spell a plate differently agree
on it. How the text is spelled in the end follows the greater weight, place by place.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device.vision.ctc import LOOK_ALIKES, Hypothesis
from device.vision.reader import Character, Reading

SINGLE_LOOK = 0.9
"""Factor on the confidence of a text that only one frame showed: nothing confirms it."""
TOLD = 5
"""Alternatives that a consensus tells at most."""
_FOLD = str.maketrans(LOOK_ALIKES)


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


def consensus(votes: Sequence[Vote]) -> Consensus:
    """Combine votes character by character among texts of the length that most speaks for.

    A vote's weight is multiplied with the square of its confidence, so that one sharp look outweighs many blurred
    ones, and each reading is split over its alternatives by their probability.

    Raises:
        ValueError: there is no vote.

    """
    if not votes:
        raise ValueError("a consensus needs at least one vote")
    texts: dict[str, float] = defaultdict(float)
    spellings: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    weight = 0.0
    for vote in votes:
        own = vote.weight * max(vote.reading.confidence, 0.01) ** 2
        weight += own
        for spelling, probability in _hypotheses(vote.reading):
            folded = spelling.translate(_FOLD)
            texts[folded] += own * probability
            spellings[folded][spelling] += own * probability
    text = _vote(texts)
    places = [_place(texts, len(text), index) for index in range(len(text))]
    spelled = _spelled(text, spellings)
    characters = tuple(
        Character(shown, min(1.0, place[character] / weight))
        for shown, character, place in zip(spelled, text, places, strict=True)
    )
    agreeing = sum(vote.reading.text.translate(_FOLD) == text for vote in votes)
    confidence = texts[text] / weight if text in texts else _product(characters)
    if agreeing <= 1:
        confidence *= SINGLE_LOOK
    others = sorted((other for other in texts.items() if other[0] != text), key=lambda item: -item[1])
    return Consensus(
        text=spelled,
        confidence=min(1.0, confidence),
        characters=characters,
        alternatives=tuple(
            Hypothesis(_spelled(other, spellings), min(1.0, share / weight)) for other, share in others[:TOLD]
        ),
        looks=len(votes),
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
        alike = (group for folded, group in spellings.items() if len(folded) == len(text))
        own = {spelling: share for group in alike for spelling, share in group.items()}
    letters = []
    for index, character in enumerate(text):
        place = _place(own, len(text), index)
        fitting = [letter for letter in place if letter.translate(_FOLD) == character]
        letters.append(max(fitting, key=lambda letter: place[letter]))
    return "".join(letters)


def _vote(texts: Mapping[str, float]) -> str:
    lengths: dict[int, float] = defaultdict(float)
    for text, share in texts.items():
        lengths[len(text)] += share
    length = max(lengths, key=lambda candidate: lengths[candidate])
    places = (_place(texts, length, index) for index in range(length))
    return "".join(max(place, key=lambda character: place[character]) for place in places)


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
