"""Passages: one vehicle's plate followed over its frames, ending in exactly one read."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import SequenceMatcher
from enum import Enum
from heapq import nlargest
from math import hypot

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.calibration import Calibration
from platepost.device.vision.consensus import Consensus, Poll, Vote
from platepost.device.vision.ctc import folded
from platepost.device.vision.geometry import lane_at
from platepost.device.vision.recognizer import EVEN, PLAIN, is_lettering, plate_probability
from platepost.device.vision.region import NONE, Impression, Issuer
from platepost.device.vision.settings import PassageSettings
from platepost.device.vision.sighting import Sighting
from platepost.device.vision.vehicle import NOTHING, Appearance

GROWTH = 1.1
"""Factor between first and last looks from which a plate counts as nearer or farther."""
DIRECTION_FRAMES = 3
"""Looks at each end that it takes to tell."""
WIDTHS = 512
"""Widths of a plate that are kept for it; of a vehicle that stands, every second, fourth, ... look's."""
OTHER_PLATE = 0.9
"""Confidence from which on one look can say that it is another vehicle's plate."""
BEST_FRAMES = 3
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
LEAST_FRAMES = 2
"""Looks that a passage needs to be a vehicle rather than a flicker of the detector, unless one was sure."""
SMALL = 48.0
"""Pixels across a plate in its nearest look below which looks often agree on a wrong text; nearer ones may follow."""
SMALL_CONFIDENCE = 0.85
"""Confidence from which such a text is acted on before its passage ends; see the reader's experiments."""
FAR = 42.0
"""Pixels across the plate in its nearest look below which records claim a text less surely."""
FAR_CLAIM = Calibration(slope=0.8)
"""How: looks at so small a plate resemble one another, and agree on a wrong text more often than their claims say."""
DOUBTFUL = 0.7
"""Confidence below which a text that no two frames agree on is no read: signs and grilles end so."""


class PassageState(Enum):
    """How far a passage is.

    ::

        OPEN -> ANNOUNCED <-> DOUBTED        announce, doubt, confirm
          ^         |            |
          +---------+------------+           retract
        any of these -> REPORTED             report: its read is recorded though its vehicle is still there
        any of these -> ENDED                end: its vehicle is gone
    """

    OPEN = "open"
    """Nothing has been reported of it."""
    ANNOUNCED = "announced"
    """Its text was safe to act on before it ended, so it was looked up and its hits, if any, left early."""
    DOUBTED = "doubted"
    """It was announced, and its frames no longer support the announced text."""
    REPORTED = "reported"
    """Its read was recorded because the vehicle had stood for too long; it may still be split."""
    ENDED = "ended"
    """It was read, and its vehicle is gone."""


@dataclass(slots=True, eq=False)
class Passage:
    """A vehicle's plate on its way through the picture."""

    number: int
    settings: PassageSettings
    first: Sighting
    last: Sighting
    best: Sighting
    since: float
    """Monotonic seconds from which on the vehicle is judged: when it was seen first, or when the passage was split."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Of the plate's middle, pixels a second."""
    widths: list[float] = field(default_factory=list)
    """Pixels across the plate, look by look, or of evenly chosen looks where they are many."""
    widest: float = 0.0
    """Pixels across the plate in its nearest look."""
    state: PassageState = PassageState.OPEN
    reported_text: str = ""
    """The text that was announced or reported last, as `folded` gives it; empty while the passage is open."""
    doubted_since: float = 0.0
    """Monotonic seconds; of use while the passage is doubted."""
    rival: str = ""
    """The last frame's text, as `folded` gives it, if it was so sure and so different that the next may split them."""
    impression: Impression = NONE
    """What the best frames show besides the text, once the networks were asked; `judge` changes it."""
    described: Appearance | None = None
    """The vehicle's appearance in the best frame; None until the passage is announced or ends."""
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
        self._count(sighting)

    def judge(self, impression: Impression) -> None:
        """Take in what its best frames show besides the text: the formats of states that may have issued it count."""
        self.impression, self._consensus = impression, None

    def announce(self) -> None:
        """Note that its present text is reported while the passage goes on."""
        self.state, self.reported_text = PassageState.ANNOUNCED, folded(self.consensus.text)

    def doubt(self, now: float) -> None:
        """Note that its frames do not support the announced text at `now` monotonic seconds."""
        if self.state is PassageState.ANNOUNCED:
            self.state, self.doubted_since = PassageState.DOUBTED, now

    def confirm(self) -> None:
        """Note that its frames support the announced text again."""
        if self.state is PassageState.DOUBTED:
            self.state = PassageState.ANNOUNCED

    def retract(self) -> None:
        """Note that what was announced is withdrawn."""
        self.state, self.reported_text = PassageState.OPEN, ""

    def report(self, *, gone: bool) -> None:
        """Note that its read is recorded, because its vehicle is gone or has stood for too long."""
        self.state = PassageState.ENDED if gone else PassageState.REPORTED
        self.reported_text = folded(self.consensus.text)

    @property
    def announced(self) -> bool:
        """Whether its text was announced and not withdrawn, and its read is still to come."""
        return self.state in {PassageState.ANNOUNCED, PassageState.DOUBTED}

    @property
    def reported(self) -> bool:
        """Whether its read has been recorded although its vehicle is still there."""
        return self.state is PassageState.REPORTED

    def _rivals(self, sighting: Sighting) -> bool:
        """Whether a look is as sure as all before it and says another text; from nearer it may be the better one."""
        consensus = self.consensus
        sure = min(consensus.confidence, sighting.plate.reading.confidence) >= OTHER_PLATE
        if (
            not sure
            or consensus.agreeing_frames < self.settings.agreeing_frames
            or sighting.width > GROWTH * self.widest
        ):
            return False
        return OTHER_PLACES <= _places_apart(consensus.text, sighting.plate.text) < float("inf")

    def merge(self, other: "Passage") -> None:
        """Continue another passage of the same vehicle, announced with the same text, that then followed another."""
        self.number, other.number = other.number, self.number
        self.first = min(self.first, other.first, key=lambda sighting: sighting.frame.monotonic)
        self.announce()
        other.retract()

    def split(self, number: int) -> "Passage":
        """Return an open passage with all frames of this one, whose text is no longer the reported one."""
        other = copy(self)
        other.number, other.since = number, self.last.frame.monotonic
        other.described = None
        other.retract()
        return other

    def restart(self) -> "Passage":
        """Return an open passage with only the last frame of this one, which could not be read."""
        other = Passage.start(self.number, self.settings, self.last)
        other.velocity = self.velocity
        return other

    def _count(self, sighting: Sighting) -> None:
        if self._poll.frames % self._stride == 0:
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
            frames = [*self._plates, (sighting.picture_value, sighting.rectified)]
            self._plates = nlargest(BEST_FRAMES, frames, key=lambda look: look[0])

    @classmethod
    def start(cls, number: int, settings: PassageSettings, sighting: Sighting) -> "Passage":
        """Open a passage with its first sighting."""
        since = sighting.frame.monotonic
        passage = cls(number=number, settings=settings, first=sighting, last=sighting, best=sighting, since=since)
        passage._count(sighting)
        return passage

    @property
    def best_plates(self) -> tuple[NDArray[np.uint8], ...]:
        """The plate in its best looks, each 64 x 160 uint8, the best first."""
        return tuple(plate for _, plate in self._plates)

    @property
    def consensus(self) -> Consensus:
        """What all frames so far say together, if it is a plate; decisions go by it."""
        if self._consensus is None:
            self._consensus = self._poll.consensus(self.impression.states)
        return self._consensus

    @property
    def appearance(self) -> Appearance:
        """What the networks recognize of the vehicle, once they were asked."""
        return self.described or NOTHING

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
        """What records tell of it: the consensus, as sure as it can be where it may be no plate, or is far away."""
        consensus = self.consensus
        if self.widest < FAR:
            consensus = replace(consensus, confidence=min(consensus.confidence, FAR_CLAIM(consensus.confidence)))
        return consensus.weighed(self.plate_probability)

    @property
    def safe(self) -> bool:
        """Whether the consensus may be acted on before the passage ends."""
        consensus = self.consensus
        if consensus.confidence < self.least_confidence:
            return False  # what one sure frame says, the others contradict
        return (
            consensus.agreeing_frames >= self.settings.agreeing_frames
            or consensus.surest >= self.settings.sure_confidence
        )

    @property
    def least_confidence(self) -> float:
        """Confidence that the consensus needs to be acted on before the passage ends."""
        least = self.settings.agreeing_confidence
        return least if self.widest >= SMALL else max(least, SMALL_CONFIDENCE)

    @property
    def credible(self) -> bool:
        """Whether it was a plate that could be read, rather than a flicker of the detector or a sign."""
        consensus = self.consensus
        # Looks at a plate that stands far away agree whether it is read right or not: they are no witnesses.
        agreed = consensus.agreeing_frames >= self.settings.agreeing_frames and consensus.confidence >= EVEN_ODDS
        confirmed = agreed or consensus.confidence >= DOUBTFUL
        readable = self.safe or (consensus.frames >= LEAST_FRAMES and confirmed)
        return bool(consensus.text) and readable and not self._alone

    @property
    def _alone(self) -> bool:
        """Whether only one of several looks says so, and nothing that the others say resembles it.

        So ends lettering that comes out between two posts for a moment; a plate's blurred looks share characters with
        its sharp one.
        """
        consensus = self.consensus
        if consensus.frames < LEAST_FRAMES or consensus.agreeing_frames != 1:
            return False
        text = folded(consensus.text)
        readings = self._poll.readings.items()
        return sum(frames for other, frames in readings if _likeness(text, other) >= SAME_PLATE) <= 1

    @property
    def direction(self) -> str:
        """`approaching` if the plate grew, `receding` if it shrank, else `unknown`.

        Judged by the first and the last third of its looks: a plate that enters the picture is at first measured badly.
        With too few, a vehicle goes where its front is.
        """
        third = len(self.widths) // 3
        if third < DIRECTION_FRAMES:
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

        The latter remain, and are returned again until they are reported or restarted.
        """
        ended = [p for p in self.open if monotonic - p.last.frame.monotonic > self.settings.lost_after_seconds]
        self.open = [p for p in self.open if p not in ended]
        longest = self.settings.longest_seconds
        return [*ended, *(p for p in self.open if not p.reported and monotonic - p.since > longest)]

    def end_all(self) -> list[Passage]:
        """End every open passage, as when the camera stops; returns them."""
        ended, self.open = self.open, []
        return ended

    def restart(self, passage: Passage) -> None:
        """Forget all but the last frame of a passage that came to nothing: it may be read from nearer."""
        self._replace(passage, passage.restart())

    def split(self, passage: Passage) -> Passage:
        """Replace a reported passage by one with the same frames, whose text is another by now; return it."""
        other = passage.split(self._count)
        self._count += 1
        self._replace(passage, other)
        return other

    def _replace(self, passage: Passage, by: Passage) -> None:
        self.open[self.open.index(passage)] = by

    def _distance(self, passage: Passage, sighting: Sighting) -> float:
        """Plate widths between a sighting and where the passage's plate is expected; less for its own text."""
        elapsed = sighting.frame.monotonic - passage.last.frame.monotonic
        (x, y), (old_x, old_y) = sighting.center, passage.last.center
        expected_x = old_x + passage.velocity[0] * elapsed
        expected_y = old_y + passage.velocity[1] * elapsed
        width = max(passage.last.width, sighting.width, 1.0)
        if elapsed > self.settings.lost_after_seconds:
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
        consensus = passage.consensus
        settled = (
            consensus.agreeing_frames >= self.settings.agreeing_frames
            and consensus.confidence >= self.settings.agreeing_confidence
        )
        return settled and _likeness(consensus.text, sighting.plate.text) < SAME_PLATE


def _likeness(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _places_apart(first: str, second: str) -> float:
    """Return in how many places two texts of a plate's length differ; infinite if they are not of one length."""
    if len(first) != len(second) or len(first) < 4:
        return float("inf")
    return sum(a != b for a, b in zip(folded(first), folded(second), strict=True))
