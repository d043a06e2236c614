"""The way of a frame through vision: motion gate, detector, reader, passages."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

from device.camera.base import Frame
from device.vision.ctc import folded
from device.vision.geometry import rectify
from device.vision.motion import MotionGate
from device.vision.passages import Passage, PassageRules, Passages
from device.vision.pictures import sharpness
from device.vision.reader import HEIGHT, MARGIN, WIDTH
from device.vision.recogniser import Plate, Recogniser
from device.vision.sighting import Sighting

REMEMBERED = 2000
"""Inference times kept for health: a minute's at more than 30 frames a second."""


class Verdict(StrEnum):
    """What an ended passage is to the post."""

    READ = "read"
    REPEAT = "repeat"
    """The same vehicle again, within the time of repetition."""
    UNREADABLE = "unreadable"
    """Too blurred, too short, or no plate at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is worth telling."""

    minimum_confidence: float = 0.4
    minimum_characters: int = 4
    repeat_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A passage that is over."""

    passage: Passage
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame brought."""

    sightings: tuple[Sighting, ...]
    early: tuple[Passage, ...]
    """Passages of this frame whose consensus is safe to act on now."""
    ended: tuple[Ended, ...]


@dataclass(slots=True)
class Counters:
    """What the pipeline has done since it was made."""

    frames: int = 0
    idle: int = 0
    """Frames in which nothing moved, so that nothing was looked for."""
    sightings: int = 0
    reads: int = 0
    repeats: int = 0
    unreadable: int = 0


class Pipeline:
    """Turns frames into passages. One thread at a time."""

    def __init__(
        self,
        recogniser: Recogniser | None,
        *,
        rules: PassageRules | None = None,
        limits: Limits | None = None,
        motion: MotionGate | None = None,
    ) -> None:
        self.recogniser = recogniser
        """The networks; without them nothing is seen."""
        self.counters = Counters()
        self.detect_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self.read_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self._passages = Passages(rules)
        self._limits = limits or Limits()
        self._motion = motion or MotionGate()
        self._told: dict[str, float] = {}
        """When what was told was last seen, monotonic, by its text with O as 0 and I as 1."""
        self._standing: dict[int, str] = {}
        """Open passages that were told already, by number, with that text."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The open passages, the oldest first."""
        return tuple(self._passages.open)

    def adjust(self, *, rules: PassageRules, limits: Limits, motion: MotionGate, minimum_score: float) -> None:
        """Go by other rules from the next frame on; `finish` it first, for open passages are forgotten."""
        if self.recogniser is not None:
            self.recogniser.detector.minimum_score = minimum_score
        self._passages = Passages(rules)
        self._limits = limits
        self._motion = motion

    def look(self, frame: Frame) -> Look:
        """Take in the next frame."""
        self.counters.frames += 1
        # A vehicle that stands still moves nothing, yet its passage goes on.
        seen = frame.grey if frame.small is None else frame.small
        if not self._motion.moves(seen, frame.monotonic) and not self._passages.open:
            self.counters.idle += 1
            return Look((), (), ())
        sightings = tuple(self._sightings(frame))
        touched = self._passages.update(sightings)
        early = tuple(passage for passage in touched if passage.safe and self._worth_telling(passage))
        for passage in early:
            if not passage.asked:
                self._ask(passage)
        self._see_standing()
        return Look(sightings, early, self._judge(self._passages.ended(frame.monotonic), frame.monotonic))

    def finish(self) -> tuple[Ended, ...]:
        """End every open passage, as when the camera stops."""
        self._see_standing()
        last = max((passage.last.frame.monotonic for passage in self._passages.open), default=0.0)
        return self._judge(self._passages.end_all(), last)

    def _sightings(self, frame: Frame) -> Iterable[Sighting]:
        recogniser = self.recogniser
        if recogniser is None:
            return
        start = perf_counter()
        detections = recogniser.detector.detect(frame.grey, frame.small)
        self.detect_milliseconds.append((perf_counter() - start) * 1000)
        for detection in detections:
            start = perf_counter()
            rectified = rectify(frame.grey, detection.corners, width=WIDTH, height=HEIGHT, margin=MARGIN)
            reading = recogniser.reader.read_rectified(rectified)
            self.read_milliseconds.append((perf_counter() - start) * 1000)
            if reading.text:
                self.counters.sightings += 1
                plate = Plate(reading, detection.score, detection.corners)
                yield Sighting(frame, plate, sharpness(rectified), rectified)

    def _ask(self, passage: Passage) -> None:
        """Ask who issued a passage's plate: for the first early hit, and again at its end, by better looks."""
        if self.recogniser is not None:
            passage.issuer, passage.asked = self.recogniser.issuer(passage.best_plates), True

    def _judge(self, passages: list[Passage], monotonic: float) -> tuple[Ended, ...]:
        ended = tuple(Ended(passage, self._verdict(passage)) for passage in passages)
        for passage, verdict in ((item.passage, item.verdict) for item in ended):
            self.counters.reads += verdict is Verdict.READ
            self.counters.repeats += verdict is Verdict.REPEAT
            self.counters.unreadable += verdict is Verdict.UNREADABLE
            if verdict is not Verdict.UNREADABLE:
                self._ask(passage)
                text = folded(passage.consensus.text)
                self._told[text] = passage.last.frame.monotonic
                self._standing[passage.number] = text
        # What an open passage may be a repeat of is remembered until it ends.
        since = min((passage.first.frame.monotonic for passage in self._passages.open), default=monotonic)
        horizon = since - self._limits.repeat_seconds
        self._told = {text: told for text, told in self._told.items() if told >= horizon}
        return ended

    def _see_standing(self) -> None:
        """Have what stands though it was told be remembered from when it was seen last, not from when it was told."""
        told = {passage.number: passage.last.frame.monotonic for passage in self._passages.open if passage.told}
        self._standing = {number: text for number, text in self._standing.items() if number in told}
        for number, text in self._standing.items():
            self._told[text] = told[number]

    def _verdict(self, passage: Passage) -> Verdict:
        if not passage.credible or not self._legible(passage):
            return Verdict.UNREADABLE
        return Verdict.REPEAT if self._repeats(passage) else Verdict.READ

    def _worth_telling(self, passage: Passage) -> bool:
        return not passage.told and self._legible(passage) and not self._repeats(passage)

    def _legible(self, passage: Passage) -> bool:
        found = passage.consensus
        long_enough = len(found.text) >= self._limits.minimum_characters
        return long_enough and found.confidence >= self._limits.minimum_confidence

    def _repeats(self, passage: Passage) -> bool:
        told = self._told.get(folded(passage.consensus.text))
        return told is not None and passage.first.frame.monotonic - told <= self._limits.repeat_seconds
