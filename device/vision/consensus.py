"""One text out of many looks at the same plate.

O and 0, I and 1 are one character here, as for the reader and the hot list: frames that spell a plate differently agree
on it. How the text is spelled in the end follows the greater weight, place by place.

Looks at a plate of about the same width count together: a vehicle that waits far away gives hundreds of looks that are
all the same, right or wrong, and the few from nearby that follow are to outvote them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from math import log

from platepost.device.vision.ctc import Hypothesis, folded
from platepost.device.vision.formats import States, favor
from platepost.device.vision.fusion import Fusion
from platepost.device.vision.reader import Glyph, Reading

SINGLE_FRAME = 0.9
"""Factor on the confidence of a text that only one frame showed: nothing confirms it."""
MAX_ALTERNATIVES = 5
"""Alternatives that a consensus tells at most."""
SPAN = 1.25
"""Factor in the plate's width from one span to the next; looks within a span count together."""
SPAN_FRAMES = 5
"""A span counts at most as much as so many looks as good as its best."""
SPAN_TEXTS = 50
"""The heaviest texts of a span, which are kept where a plate is read in ever other ways."""
AGREED = 0.95
"""Share of the votes from which on a text needs no comparing of all looks: nearly every passage near by."""
CANDIDATES = 16
"""The heaviest texts, which are compared over all looks otherwise."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One reading and what it counts."""

    reading: Reading
    weight: float
    """Greater for a larger and sharper plate; any positive scale."""
    width: float = 1.0
    """Pixels across the plate."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """What all looks together say."""

    text: str
    confidence: float
    """0 to 1: the weighted share of what was seen that speaks for this text, however spelled."""
    characters: tuple[Glyph, ...]
    alternatives: tuple[Hypothesis, ...]
    frames: int
    """Frames in which the plate was read at all."""
    agreeing_frames: int
    """Frames whose own best reading is this text, however spelled."""
    surest: float
    """The greatest confidence among those, 0 without any."""

    def weighed(self, share: float) -> "Consensus":
        """Return the same with the texts' probabilities multiplied by how likely it is a plate that says so."""
        others = tuple(replace(other, probability=other.probability * share) for other in self.alternatives)
        return replace(self, confidence=self.confidence * share, alternatives=others)


@dataclass(slots=True)
class _Support:
    """What speaks for one spelling."""

    share: float = 0.0
    frames: int = 0
    """Whose own best reading it is."""
    surest: float = 0.0
    """The greatest confidence among these."""


@dataclass(slots=True)
class _Span:
    """Looks at a plate of about one width, added up."""

    weight: float = 0.0
    best: float = 0.0
    """The greatest weight of one look."""
    support: dict[str, _Support] = field(default_factory=dict)
    """By spelling."""

    @property
    def factor(self) -> float:
        """What is to be multiplied with its weight and shares."""
        return min(1.0, SPAN_FRAMES * self.best / self.weight)

    def add(self, reading: Reading, weight: float) -> None:
        self.weight += weight
        self.best = max(self.best, weight)
        for spelling, probability in _hypotheses(reading):
            self.support.setdefault(spelling, _Support()).share += weight * probability
        own = self.support[reading.text]
        own.frames += 1
        own.surest = max(own.surest, reading.confidence)
        if len(self.support) > 2 * SPAN_TEXTS:
            self.support = dict(nlargest(SPAN_TEXTS, self.support.items(), key=lambda item: item[1].share))


class Poll:
    """Votes on the same plate, added up as they come: a long passage costs no more a frame than a short one.

    A vote's weight is multiplied with the square of its confidence, so that one sharp look outweighs many blurred
    ones, and each reading is split over its alternatives by their probability.
    """

    def __init__(self) -> None:
        self.frames = 0
        """Votes so far."""
        self._spans: dict[int, _Span] = {}
        """By the logarithm of the plate's width."""
        self._fusion = Fusion()

    def add(self, vote: Vote) -> None:
        """Take in one more look."""
        self.frames += 1
        span = self._spans.setdefault(round(log(max(vote.width, 1.0), SPAN)), _Span())
        weight = vote.weight * max(vote.reading.confidence, 0.01) ** 2
        span.add(vote.reading, weight)
        if vote.reading.columns is not None:
            self._fusion.add(vote.reading.columns, weight)

    @property
    def readings(self) -> Counter[str]:
        """How many frames' own best reading a text is, by the text as `folded` gives it."""
        readings: Counter[str] = Counter()
        for span in self._spans.values():
            for spelling, support in span.support.items():
                readings[folded(spelling)] += support.frames
        return readings

    def consensus(self, states: States = ()) -> Consensus:
        """Combine the votes character by character among texts of the length that most speaks for.

        The formats of `states`, which may have issued the plate, speak for a text.

        Raises:
            ValueError: there is no vote.

        """
        if not self.frames:
            raise ValueError("a consensus needs at least one vote")
        weight, texts, spellings = self._shares()
        if len(self._fusion) > 1 and max(texts.values()) < AGREED * weight:
            heaviest = nlargest(CANDIDATES, filter(None, texts), key=lambda text: texts[text])
            weight, texts = 1.0, self._fusion.posterior(heaviest)
        if states:
            likelier = {text: share * favor(text, states) for text, share in texts.items()}
            weight, texts = weight + sum(likelier.values()) - sum(texts.values()), likelier
        places = _places(texts)
        text = "".join(max(place, key=lambda character: place[character]) for place in places)
        characters = tuple(
            Glyph(shown, min(1.0, place[character] / weight))
            for shown, character, place in zip(_spelled(text, spellings), text, places, strict=True)
        )
        own = [
            span.support[spelling]
            for span in self._spans.values()
            for spelling in span.support
            if folded(spelling) == text
        ]
        agreeing = sum(support.frames for support in own)
        confidence = texts[text] / weight if text in texts else _product(characters)
        if agreeing <= 1:
            confidence *= SINGLE_FRAME
        others = nlargest(
            MAX_ALTERNATIVES, (other for other in texts.items() if other[0] != text), key=lambda item: item[1]
        )
        return Consensus(
            text="".join(character.character for character in characters),
            confidence=min(1.0, confidence),
            characters=characters,
            alternatives=tuple(
                Hypothesis(_spelled(other, spellings), min(1.0, share / weight)) for other, share in others
            ),
            frames=self.frames,
            agreeing_frames=agreeing,
            surest=max((support.surest for support in own), default=0.0),
        )

    def _shares(self) -> tuple[float, dict[str, float], dict[str, dict[str, float]]]:
        """Return the weight of all spans, and what of it speaks for each text, and for each of its spellings."""
        weight = 0.0
        texts: dict[str, float] = defaultdict(float)
        spellings: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for span in self._spans.values():
            factor = span.factor
            weight += factor * span.weight
            for spelling, support in span.support.items():
                text = folded(spelling)
                texts[text] += factor * support.share
                spellings[text][spelling] += factor * support.share
        return weight, texts, spellings


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


def _product(characters: Sequence[Glyph]) -> float:
    product = 1.0
    for character in characters:
        product *= character.confidence
    return product
