"""The way of a frame through vision: motion gate, detector, reader, passages."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

from platepost.device.frame import Frame
from platepost.device.vision.ctc import folded
from platepost.device.vision.geometry import rectify
from platepost.device.vision.motion import MotionGate
from platepost.device.vision.passages import EVEN_ODDS, Passage, Passages
from platepost.device.vision.pictures import sharpness
from platepost.device.vision.reader import HEIGHT, MARGIN, WIDTH
from platepost.device.vision.recognizer import Plate, Recognizer
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.device.vision.sighting import Sighting

REMEMBERED = 2000
"""Inference times kept for health: a minute's at more than 30 frames a second."""

DOUBT_SECONDS = 1.0
"""Time after which what was said of a passage is taken back if its looks bear out neither that nor anything else."""


class Verdict(StrEnum):
    """What an ended passage is to the post."""

    READ = "read"
    REPEAT = "repeat"
    """The same vehicle again, within the time of repetition."""
    UNREADABLE = "unreadable"
    """Too blurred, too short, or no plate at all."""
    TOLD = "told"
    """Told before, when the vehicle had stood for too long; now it is gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A passage that is over, or whose vehicle has stood for so long that it is told now (`passage.told`)."""

    passage: Passage
    verdict: Verdict
    recheck: bool = False
    """Whether a repeat is to be looked up all the same: what it repeats was told by a former hot list."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A passage of which something was said that its looks bear out no more."""

    passage: Passage
    legible: bool
    """Whether its present text would be told, were it to end now."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What one frame brought."""

    sightings: tuple[Sighting, ...]
    """All plates found, those that a side of the picture cuts and no passage takes in among them."""
    early: tuple[Passage, ...]
    """Passages of this frame whose consensus is safe to act on now."""
    ended: tuple[Ended, ...]
    doubted: tuple[Doubted, ...] = ()
    """Passages to take back what was said of, before anything else is told; not those that are early with another text.

    One that was told is over with that: another is open in its place.
    """


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
        recognizer: Recognizer | None,
        *,
        vision: VisionSettings = VisionSettings(),  # noqa: B008 - immutable
        passages: PassageSettings = PassageSettings(),  # noqa: B008 - immutable
    ) -> None:
        self.recognizer = recognizer
        """The networks; without them nothing is seen."""
        self.counters = Counters()
        self.detect_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self.read_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self._settings = vision
        self._passages = Passages(passages)
        self._motion = MotionGate(least_area=vision.motion_area)
        self._told: dict[str, float] = {}
        """When what was told was last seen, monotonic, by its text with O as 0 and I as 1."""
        self._former: set[str] = set()
        """Those of them that were looked up in a former hot list only."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The open passages, the oldest first."""
        return tuple(self._passages.open)

    def adjust(self, vision: VisionSettings, passages: PassageSettings) -> None:
        """Go by other settings from the next frame on; `finish` it first, for open passages are forgotten."""
        if self.recognizer is not None:
            self.recognizer.detector.minimum_score = vision.minimum_score
        self._settings = vision
        self._passages = Passages(passages)
        self._motion = MotionGate(least_area=vision.motion_area)

    def another_list(self) -> None:
        """Have repeats of what was told so far looked up once: a vehicle that traffic hides now and then repeats on.

        But for what stands before the camera, which the caller looks up at once.
        """
        self._former = set(self._told) - {passage.said for passage in self._passages.open if passage.told}

    def look(self, frame: Frame) -> FrameResult:
        """Take in the next frame."""
        self.counters.frames += 1
        # A vehicle that stands still moves nothing, yet its passage goes on.
        seen = frame.gray if frame.small is None else frame.small
        if not self._motion.moves(seen, frame.monotonic) and not self._passages.open:
            self.counters.idle += 1
            return FrameResult((), (), ())
        sightings = tuple(self._sightings(frame))
        # A cut plate says another text: 1ABC234 as it comes into the picture is ABC234, which may be on the list.
        whole = [sighting for sighting in sightings if not sighting.cut]
        early, doubted = self._say(self._passages.update(whole))
        self._see_standing()
        ended = self._judge(self._passages.ended(frame.monotonic), frame.monotonic)
        return FrameResult(sightings, early, ended, doubted)

    def finish(self) -> tuple[Ended, ...]:
        """End every open passage, as when the camera stops."""
        self._see_standing()
        last = max((passage.last.frame.monotonic for passage in self._passages.open), default=0.0)
        return self._judge(self._passages.end_all(), last)

    def _sightings(self, frame: Frame) -> Iterable[Sighting]:
        recognizer = self.recognizer
        if recognizer is None:
            return
        start = perf_counter()
        detections = recognizer.detector.detect(frame.gray, frame.small)
        self.detect_milliseconds.append((perf_counter() - start) * 1000)
        for detection in detections:
            start = perf_counter()
            rectified = rectify(frame.gray, detection.corners, width=WIDTH, height=HEIGHT, margin=MARGIN)
            reading = recognizer.reader.read_rectified(rectified)
            self.read_milliseconds.append((perf_counter() - start) * 1000)
            if reading.text:
                self.counters.sightings += 1
                plate = Plate(reading, detection.score, detection.corners)
                yield Sighting(frame, plate, sharpness(rectified), rectified)

    def _look_at(self, passage: Passage) -> None:
        """Ask who issued the plate, and whether it is one, by the passage's best looks so far."""
        if self.recognizer is not None:
            passage.impression = self.recognizer.impression(passage.best_plates, passage.consensus.text)

    def _ask(self, passage: Passage) -> None:
        """Ask about the vehicle: for the first early hit, and again at the passage's end, by a better look."""
        if self.recognizer is not None:
            best = passage.best
            passage.appearance = self.recognizer.appearance(best.frame.color(), best.plate.corners)
            passage.asked = True

    def _say(self, passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[Doubted, ...]]:
        """Return which of the passages of a frame are safe to act on, and of which to take back what was said."""
        early: list[Passage] = []
        doubted: list[Doubted] = []
        for passage in passages:
            self._find_again(passage)
        for seen in passages:
            passage = seen
            if passage.told:
                if not self._told_wrong(passage):
                    continue
                doubted.append(Doubted(passage, legible=True))
                self._told.pop(passage.said, None)
                passage = self._passages.part(passage)
            if self._may_be_said(passage):
                self._say_early(passage)
                early.append(passage)
            elif self._doubts(passage):
                passage.said, passage.doubted = "", None
                doubted.append(Doubted(passage, legible=self._readable(passage) and not passage.is_lettering))
        return tuple(early), tuple(doubted)

    def _find_again(self, passage: Passage) -> None:
        """Have a passage go on in place of another of which its text was said, if it bears that out better."""
        text = folded(passage.consensus.text)
        if passage.said or not passage.safe:
            return
        for other in self._passages.open:
            if other.said == text and not other.told and other.consensus.agreeing < passage.consensus.agreeing:
                passage.take_over(other)
                return

    def _may_be_said(self, passage: Passage) -> bool:
        if not passage.safe or not self._legible(passage) or self._repeats(passage):
            return False
        # Asked once for the first hit; of what may be lettering at each look, for it may be a plate that is far away.
        if not passage.asked or passage.may_be_lettering:
            self._look_at(passage)
        return not passage.may_be_lettering

    def _say_early(self, passage: Passage) -> None:
        if not passage.asked:
            self._ask(passage)
        passage.said, passage.doubted = folded(passage.consensus.text), None
        self._former.discard(passage.said)

    def _doubts(self, passage: Passage) -> bool:
        """Whether what was said of a passage has been likelier wrong than right for too long; one look is no reason."""
        if not passage.said:
            return False
        found, now = passage.consensus, passage.last.frame.monotonic
        if folded(found.text) == passage.said and found.confidence >= EVEN_ODDS and self._legible(passage):
            passage.doubted = None
            return False
        if passage.doubted is None:
            passage.doubted = now
        return now - passage.doubted >= DOUBT_SECONDS

    def _judge(self, passages: list[Passage], monotonic: float) -> tuple[Ended, ...]:
        ended: list[Ended] = []
        # What was said early comes first: another passage with the same text is a repeat of it.
        for passage in sorted(passages, key=lambda passage: not passage.said):
            verdict = self._verdict(passage)
            stands = passage in self._passages.open
            if stands and verdict is Verdict.UNREADABLE:
                self._passages.begin_anew(passage)
                if not passage.said:
                    continue  # a vehicle far back in a queue, or a sign, of which nothing is to be taken back
            self.counters.reads += verdict is Verdict.READ
            self.counters.repeats += verdict is Verdict.REPEAT
            self.counters.unreadable += verdict is Verdict.UNREADABLE
            recheck = False
            if verdict in (Verdict.READ, Verdict.REPEAT):
                self._ask(passage)
                passage.said, passage.told = folded(passage.consensus.text), stands
                self._told[passage.said] = passage.last.frame.monotonic
                recheck = verdict is Verdict.REPEAT and passage.said in self._former
                self._former.discard(passage.said)
            ended.append(Ended(passage, verdict, recheck))
        # What an open passage may be a repeat of is remembered until it is told.
        since = min((passage.since for passage in self._passages.open if not passage.told), default=monotonic)
        horizon = since - self._passages.settings.repeat_seconds
        self._told = {text: told for text, told in self._told.items() if told >= horizon}
        self._former &= self._told.keys()
        return tuple(ended)

    def _see_standing(self) -> None:
        """Have what stands though it was told be remembered from when it was seen last, not from when it was told."""
        for passage in self._passages.open:
            if passage.told:
                self._told[passage.said] = passage.last.frame.monotonic

    def _verdict(self, passage: Passage) -> Verdict:
        if passage.told:
            return Verdict.TOLD
        if not self._readable(passage):
            return Verdict.UNREADABLE
        self._look_at(passage)
        if passage.is_lettering:
            return Verdict.UNREADABLE
        return Verdict.REPEAT if self._repeats(passage) else Verdict.READ

    def _readable(self, passage: Passage) -> bool:
        return passage.credible and self._legible(passage)

    def _told_wrong(self, passage: Passage) -> bool:
        """Whether what has been seen since a passage was told makes it safe to say otherwise."""
        return folded(passage.consensus.text) != passage.said and passage.safe and self._legible(passage)

    def _legible(self, passage: Passage) -> bool:
        found = passage.consensus
        long_enough = len(found.text) >= self._settings.minimum_characters
        return long_enough and found.confidence >= self._settings.minimum_confidence

    def _repeats(self, passage: Passage) -> bool:
        text = folded(passage.consensus.text)
        if text == passage.said:
            return False  # it was none when it was said
        if any(other.said == text for other in self._passages.open):
            return True  # a fast vehicle, or one that was hidden, and is not told yet
        told = self._told.get(text)
        return told is not None and passage.since - told <= self._passages.settings.repeat_seconds
