"""Passages: one vehicle's plate followed over its frames, ending in exactly one read."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from heapq import nlargest
from math import hypot

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.consensus import Consensus, Poll, Vote
from platepost.device.vision.ctc import folded
from platepost.device.vision.lanes import lane_at
from platepost.device.vision.recognizer import EVEN, PLAIN, is_lettering, plate_probability
from platepost.device.vision.region import NONE, Impression, Issuer
from platepost.device.vision.settings import PassageSettings
from platepost.device.vision.sighting import Sighting
from platepost.device.vision.vehicle import NOTHING, Appearance

GROWTH = 1.1
"""Factor between first and last looks from which a plate counts as nearer or farther."""
DIRECTION_LOOKS = 3
"""Looks at each end that it takes to tell."""
WIDTHS = 512
"""Widths of a plate that are kept for it; of a vehicle that stands, every second, fourth, ... look's."""
OTHER_PLATE = 0.9
"""Confidence from which on one look can say that it is another vehicle's plate."""
BEST_LOOKS = 3
"""Looks whose rectified plates a passage keeps, for what is asked of it once: who issued the plate."""
SAME_PLATE = 0.5
"""`difflib` ratio of two texts below which they are no readings of the same plate."""
OTHER_PLACES = 2
"""Characters in which two sure texts differ that are more alike, and yet of two plates."""

_HEADING = {"front": "approaching", "rear": "receding", None: "unknown"}

EVEN_ODDS = 0.5
"""Confidence below which a text is likelier wrong than right, and no read however many looks say so."""
REACH = 2.5
"""Plate widths that a plate may be away from where it was expected."""
LEAST_LOOKS = 2
"""Looks that a passage needs to be a vehicle rather than a flicker of the detector, unless one was sure."""
SMALL = 48.0
"""Pixels across a plate in its nearest look below which looks often agree on a wrong text; nearer ones may follow."""
SMALL_CONFIDENCE = 0.85
"""Confidence from which such a text is acted on before its passage ends; see the reader's experiments."""
DOUBTFUL = 0.7
"""Confidence below which a text that no two frames agree on is no read: signs and grilles end so."""


@dataclass(slots=True, eq=False)
class Passage:
    """A vehicle's plate on its way through the picture."""

    number: int
    settings: PassageSettings
    first: Sighting
    last: Sighting
    best: Sighting
    since: float
    """Monotonic seconds from which on the vehicle is judged: when it was seen first, or when it was parted."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Of the plate's middle, pixels a second."""
    widths: list[float] = field(default_factory=list)
    """Pixels across the plate, look by look, or of evenly chosen looks where they are many."""
    widest: float = 0.0
    """Pixels across the plate in its nearest look."""
    said: str = ""
    """What was said of the passage last, early or as its read, as `folded` gives it; empty while that is nothing."""
    doubted: float | None = None
    """Monotonic seconds since when its looks do not bear that out."""
    told: bool = False
    """Whether the passage's read has left already, because the vehicle stood for too long."""
    rival: str = ""
    """What the last look said, as `folded` gives it, if it was so sure and so different that the next may part them."""
    impression: Impression = NONE
    """What the best looks tell besides the text, once that was asked."""
    appearance: Appearance = NOTHING
    """What can be told of the vehicle, once that was asked."""
    asked: bool = False
    """Whether both were asked for something to be said."""
    _plates: list[tuple[float, NDArray[np.uint8]]] = field(default_factory=list)
    """The best looks' values as pictures, and their rectified plates; the best first."""
    _scores: float = 0.0
    """The detector's scores of all looks, added up as much as each look counts."""
    _weights: float = 0.0
    _stride: int = 1
    """Each how many-th look's width is kept."""
    _poll: Poll = field(default_factory=Poll)
    _consensus: Consensus | None = None

    def add(self, sighting: Sighting) -> None:
        """Take in the plate's next sighting."""
        elapsed = sighting.frame.monotonic - self.last.frame.monotonic
        if elapsed > 0:
            (x, y), (old_x, old_y) = sighting.center, self.last.center
            # Half old, half new: a corner that jumps by a pixel must not throw the prediction.
            self.velocity = (
                (self.velocity[0] + (x - old_x) / elapsed) / 2,
                (self.velocity[1] + (y - old_y) / elapsed) / 2,
            )
        self.last = sighting
        self.rival = folded(sighting.plate.text) if self._rivals(sighting) else ""
        self._look(sighting)

    def _rivals(self, sighting: Sighting) -> bool:
        """Whether a look is as sure as all before it and says another text; from nearer it may be the better one."""
        found = self.consensus
        sure = min(found.confidence, sighting.plate.reading.confidence) >= OTHER_PLATE
        if not sure or found.agreeing < self.settings.agreeing or sighting.width > GROWTH * self.widest:
            return False
        return OTHER_PLACES <= _places_apart(found.text, sighting.plate.text) < float("inf")

    def take_over(self, other: "Passage") -> None:
        """Change places with another that has said the same of the same vehicle, and went astray then."""
        self.number, other.number = other.number, self.number
        self.first = min(self.first, other.first, key=lambda sighting: sighting.frame.monotonic)
        self.said, other.said = other.said, ""

    def _look(self, sighting: Sighting) -> None:
        if self._poll.looks % self._stride == 0:
            self.widths = [*self.widths, sighting.width]  # a copy of the passage, as of a clip's read, keeps its own
            if len(self.widths) == WIDTHS:
                self.widths, self._stride = self.widths[::2], self._stride * 2
        self._poll.add(Vote(sighting.plate.reading, sighting.weight, sighting.width))
        self._scores += sighting.plate.score * sighting.weight
        self._weights += sighting.weight
        self.widest = max(self.widest, sighting.width)
        self._consensus = None
        if sighting.picture_value > self.best.picture_value:
            self.best = sighting
        if sighting.rectified is not None:
            looks = [*self._plates, (sighting.picture_value, sighting.rectified)]
            self._plates = nlargest(BEST_LOOKS, looks, key=lambda look: look[0])

    @classmethod
    def start(cls, number: int, settings: PassageSettings, sighting: Sighting) -> "Passage":
        """Open a passage with its first sighting."""
        since = sighting.frame.monotonic
        passage = cls(number=number, settings=settings, first=sighting, last=sighting, best=sighting, since=since)
        passage._look(sighting)
        return passage

    @property
    def best_plates(self) -> tuple[NDArray[np.uint8], ...]:
        """The plate in its best looks, each 64 x 160 uint8, the best first."""
        return tuple(plate for _, plate in self._plates)

    @property
    def consensus(self) -> Consensus:
        """What all frames so far say together, if it is a plate; decisions go by it."""
        if self._consensus is None:
            self._consensus = self._poll.consensus()
        return self._consensus

    @property
    def issuer(self) -> Issuer | None:
        """Who issued the plate, once that was asked and if it can be told."""
        return self.impression.issuer

    @property
    def plate_probability(self) -> float:
        """How likely it is a plate rather than lettering, by all its looks and by its text."""
        return plate_probability(
            self._score, self.impression.plate, self.consensus.text, evidence=self.impression.evidence
        )

    @property
    def is_lettering(self) -> bool:
        """Whether it is likelier lettering than a plate, whatever its text is; never before that was asked."""
        return is_lettering(self._score, self.impression.plate, EVEN, evidence=self.impression.evidence)

    @property
    def may_be_lettering(self) -> bool:
        """Whether it is not plainly a plate yet, by what was asked."""
        return is_lettering(self._score, self.impression.plate, PLAIN, evidence=self.impression.evidence)

    @property
    def _score(self) -> float:
        """The detector's mean score."""
        return self._scores / self._weights

    @property
    def finding(self) -> Consensus:
        """What records tell of it: the consensus, as sure as it can be where it may be no plate."""
        return self.consensus.weighed(self.plate_probability)

    @property
    def safe(self) -> bool:
        """Whether the consensus may be acted on before the passage ends."""
        found = self.consensus
        if found.confidence < self.least_confidence:
            return False  # what one sure frame says, the others contradict
        return found.agreeing >= self.settings.agreeing or found.surest >= self.settings.sure

    @property
    def least_confidence(self) -> float:
        """Confidence that the consensus needs to be acted on before the passage ends."""
        least = self.settings.agreeing_confidence
        return least if self.widest >= SMALL else max(least, SMALL_CONFIDENCE)

    @property
    def credible(self) -> bool:
        """Whether it was a plate that could be read, rather than a flicker of the detector or a sign."""
        found = self.consensus
        # Looks at a plate that stands far away agree whether it is read right or not: they are no witnesses.
        agreed = found.agreeing >= self.settings.agreeing and found.confidence >= EVEN_ODDS
        confirmed = agreed or found.confidence >= DOUBTFUL
        readable = self.safe or (found.looks >= LEAST_LOOKS and confirmed)
        return bool(found.text) and readable and not self._alone

    @property
    def _alone(self) -> bool:
        """Whether only one of several looks says so, and nothing that the others say resembles it.

        So ends lettering that comes out between two posts for a moment; a plate's blurred looks share characters with
        its sharp one.
        """
        found = self.consensus
        if found.looks < LEAST_LOOKS or found.agreeing != 1:
            return False
        text = folded(found.text)
        readings = self._poll.readings.items()
        return sum(looks for other, looks in readings if _likeness(text, other) >= SAME_PLATE) <= 1

    @property
    def direction(self) -> str:
        """`approaching` if the plate grew, `receding` if it shrank, else `unknown`.

        Judged by the first and the last third of its looks: a plate that enters the picture is at first measured badly.
        With too few, a vehicle goes where its front is.
        """
        third = len(self.widths) // 3
        if third < DIRECTION_LOOKS:
            return _HEADING[self.appearance.side]
        growth = sum(self.widths[-third:]) / sum(self.widths[:third])
        if growth > GROWTH:
            return "approaching"
        return "receding" if growth < 1 / GROWTH else "unknown"

    @property
    def lane(self) -> str | None:
        """The lane in which the plate was seen best; None where no lane is drawn around it."""
        (x, y), (height, width) = self.best.center, self.best.frame.gray.shape[:2]
        return lane_at(self.settings.lanes, x / width, y / height)

    @property
    def seen(self) -> tuple[datetime, datetime]:
        """When the plate was first and last seen, UTC."""
        return self.first.frame.captured, self.last.frame.captured


class Passages:
    """Joins sightings to passages and says which passages have ended."""

    def __init__(self, settings: PassageSettings = PassageSettings()) -> None:  # noqa: B008 - immutable
        self.settings = settings
        self.open: list[Passage] = []
        self._count = 0

    def update(self, sightings: Sequence[Sighting]) -> list[Passage]:
        """Take in all sightings of one frame; returns the passages that got one, new ones among them.

        Each sighting goes to the passage nearest to where its plate was expected, in plate widths; each passage takes
        at most one.
        """
        pairs = sorted(
            (
                (self._distance(passage, sighting), number, place)
                for number, passage in enumerate(self.open)
                for place, sighting in enumerate(sightings)
            ),
        )
        passage_of: dict[int, Passage] = {}
        taken: set[int] = set()
        for distance, number, place in pairs:
            if distance <= REACH and number not in taken and place not in passage_of:
                taken.add(number)
                passage_of[place] = self.open[number]
        touched = []
        for place, sighting in enumerate(sightings):
            passage = passage_of.get(place)
            if passage is None:
                passage = Passage.start(self._count, self.settings, sighting)
                self._count += 1
                self.open.append(passage)
            else:
                passage.add(sighting)
            touched.append(passage)
        return touched

    def ended(self, monotonic: float) -> list[Passage]:
        """Return the passages to judge at `monotonic` seconds: those gone, which are forgotten, and those that stand.

        The latter stay open, and are returned again until they are told or begin anew.
        """
        gone = [p for p in self.open if monotonic - p.last.frame.monotonic > self.settings.gone_seconds]
        self.open = [p for p in self.open if p not in gone]
        longest = self.settings.longest_seconds
        return [*gone, *(p for p in self.open if not p.told and monotonic - p.since > longest)]

    def end_all(self) -> list[Passage]:
        """End every open passage, as when the camera stops; returns them."""
        gone, self.open = self.open, []
        return gone

    def begin_anew(self, passage: Passage) -> None:
        """Forget all but the last look of an open passage that came to nothing: it may be read from nearer."""
        anew = Passage.start(passage.number, self.settings, passage.last)
        anew.velocity = passage.velocity
        self._replace(passage, anew)

    def part(self, passage: Passage) -> Passage:
        """Return a passage that takes the place of one told, with all its looks, for they say otherwise by now."""
        parted = copy(passage)
        parted.number, parted.since = self._count, passage.last.frame.monotonic
        parted.said, parted.doubted, parted.told, parted.asked = "", None, False, False
        self._count += 1
        self._replace(passage, parted)
        return parted

    def _replace(self, passage: Passage, by: Passage) -> None:
        self.open[self.open.index(passage)] = by

    def _distance(self, passage: Passage, sighting: Sighting) -> float:
        """Plate widths between a sighting and where the passage's plate is expected; less for its own text."""
        elapsed = sighting.frame.monotonic - passage.last.frame.monotonic
        (x, y), (old_x, old_y) = sighting.center, passage.last.center
        expected_x = old_x + passage.velocity[0] * elapsed
        expected_y = old_y + passage.velocity[1] * elapsed
        width = max(passage.last.width, sighting.width, 1.0)
        if elapsed > self.settings.gone_seconds:
            return float("inf")  # whatever stands there now is another vehicle
        if self._another(passage, sighting):
            return float("inf")
        distance = min(hypot(x - expected_x, y - expected_y), hypot(x - old_x, y - old_y)) / width
        apart = _places_apart(sighting.plate.text, passage.consensus.text)
        if apart <= 1:
            distance /= 3
        if apart == 0 and sighting.plate.reading.confidence >= OTHER_PLATE:
            # No other vehicle has its plate, however near: it is fast, or frames were dropped.
            return min(distance, REACH) - REACH
        if not 0.5 < sighting.width / max(passage.last.width, 1.0) < 2.0:
            return float("inf")
        return distance

    def _another(self, passage: Passage, sighting: Sighting) -> bool:
        """Whether it is surely not its plate: in a queue the next vehicle stands where the last one stood.

        Nor is what a shadow or lettering nearby says, however little of it: such a look may be large and sharp, and
        outweigh all that were read.
        """
        sure = sighting.plate.reading.confidence >= OTHER_PLATE
        if sure and passage.rival and folded(sighting.plate.text) == passage.rival:
            return True
        found = passage.consensus
        settled = found.agreeing >= self.settings.agreeing and found.confidence >= self.settings.agreeing_confidence
        return settled and _likeness(found.text, sighting.plate.text) < SAME_PLATE


def _likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _places_apart(first: str, second: str) -> float:
    """Return in how many places two texts of a plate's length differ; infinite if they are not of one length."""
    if len(first) != len(second) or len(first) < 4:
        return float("inf")
    return sum(a != b for a, b in zip(folded(first), folded(second), strict=True))
