"""The way of a frame through vision: motion gate, detector, reader, passages."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

from platepost.device.frame import Frame
from platepost.device.part import Part, Tables
from platepost.device.vision.ctc import folded
from platepost.device.vision.geometry import rectify
from platepost.device.vision.model_loader import ModelLoader
from platepost.device.vision.motion import MotionGate
from platepost.device.vision.passages import EVEN_ODDS, Passage, Passages, PassageState
from platepost.device.vision.pictures import sharpness
from platepost.device.vision.reader import HEIGHT, MARGIN, WIDTH
from platepost.device.vision.recognizer import Plate, Recognizer
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.device.vision.sighting import Sighting

REMEMBERED = 2000
"""Inference times kept for health: a minute's at more than 30 frames a second."""

DOUBT_SECONDS = 1.0
"""How long an announced text may lack support, while no other text is safe, before it is retracted."""


class Verdict(StrEnum):
    """What an ended passage is to the post."""

    READ = "read"
    REPEAT = "repeat"
    """The same vehicle again, within the time of repetition."""
    UNREADABLE = "unreadable"
    """Too blurred, too short, or no plate at all."""
    REPORTED = "reported"
    """Reported before, when the vehicle had stood for too long; now it is gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A passage that is over, or whose vehicle has stood for so long that it is reported now."""

    passage: Passage
    verdict: Verdict
    recheck: bool = False
    """Whether to look a repeat up all the same: what it repeats was looked up in a former hot list."""


@dataclass(frozen=True, slots=True)
class Retraction:
    """A passage whose frames no longer support the text that was announced or reported."""

    passage: Passage
    legible: bool
    """Whether its present text would be a read if it ended now."""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The result of one frame."""

    sightings: tuple[Sighting, ...]
    """All plates, including those cut by a side of the picture, which belong to no passage."""
    early: tuple[Passage, ...]
    """Passages of this frame whose consensus is safe to act on now."""
    ended: tuple[Ended, ...]
    retractions: tuple[Retraction, ...] = ()
    """What to withdraw before anything else is reported; a passage that is early with another text is not listed.

    A retraction of a reported passage ends it: another has taken its place.
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
        """The networks; without them there are no sightings."""
        self.counters = Counters()
        self.detect_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self.read_milliseconds: deque[float] = deque(maxlen=REMEMBERED)
        self._settings = vision
        self._passages = Passages(passages)
        self._motion = MotionGate(least_area=vision.motion_area)
        self._last_seen: dict[str, float] = {}
        """When each reported text was last seen, monotonic, by the text with O as 0 and I as 1."""
        self._looked_up_before: set[str] = set()
        """Those of them that were looked up in a former hot list only."""

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The open passages, the oldest first."""
        return tuple(self._passages.open)

    def adjust(self, vision: VisionSettings, passages: PassageSettings) -> None:
        """Apply other settings from the next frame on; call `finish` first, for open passages are forgotten."""
        if self.recognizer is not None:
            self.recognizer.detector.minimum_score = vision.minimum_score
        self._settings = vision
        self._passages = Passages(passages)
        self._motion = MotionGate(least_area=vision.motion_area)

    def recheck_repeats(self) -> None:
        """Mark for another look-up what repeats a read, once: another hot list is active, and hidden vehicles repeat.

        Not what is before the camera now: the caller looks that up at once.
        """
        standing = {passage.reported_text for passage in self._passages.open if passage.reported}
        self._looked_up_before = set(self._last_seen) - standing

    def update(self, frame: Frame) -> FrameResult:
        """Take in the next frame."""
        self.counters.frames += 1
        # A vehicle that stands still moves nothing, yet its passage goes on.
        picture = frame.gray if frame.small is None else frame.small
        if not self._motion.moves(picture, frame.monotonic) and not self._passages.open:
            self.counters.idle += 1
            return FrameResult((), (), ())
        sightings = tuple(self._sightings(frame))
        # A cut plate says another text: 1ABC234 as it comes into the picture is ABC234, which may be on the list.
        whole = [sighting for sighting in sightings if not sighting.cut]
        early, retractions = self._announce(self._passages.update(whole))
        self._remember_standing()
        ended = self._judge(self._passages.ended(frame.monotonic), frame.monotonic)
        return FrameResult(sightings, early, ended, retractions)

    def finish(self) -> tuple[Ended, ...]:
        """End every open passage, as when the camera stops."""
        self._remember_standing()
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

    def _judge_plate(self, passage: Passage) -> None:
        """Ask who issued the plate, and whether it is one, by the passage's best frames so far."""
        if self.recognizer is not None:
            passage.judge(self.recognizer.impression(passage.best_plates, passage.consensus.text))

    def _describe(self, passage: Passage) -> None:
        """Ask about the vehicle: for the first announcement, and again at the passage's end, by a better frame."""
        if self.recognizer is not None:
            best = passage.best
            passage.described = self.recognizer.appearance(best.frame.color(), best.plate.corners)

    def _announce(self, passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[Retraction, ...]]:
        """Return which passages of a frame are safe to act on, and which announcements to retract."""
        early: list[Passage] = []
        retractions: list[Retraction] = []
        for passage in passages:
            self._continue_announced(passage)
        for updated in passages:
            passage = updated
            if passage.reported:
                if not self._reported_wrong(passage):
                    continue
                retractions.append(Retraction(passage, legible=True))
                self._last_seen.pop(passage.reported_text, None)
                passage = self._passages.split(passage)
            if self._may_announce(passage):
                if passage.described is None:
                    self._describe(passage)
                passage.announce()
                self._looked_up_before.discard(passage.reported_text)
                early.append(passage)
            elif self._unsupported(passage):
                passage.retract()
                retractions.append(Retraction(passage, legible=self._readable(passage) and not passage.is_lettering))
        return tuple(early), tuple(retractions)

    def _continue_announced(self, passage: Passage) -> None:
        """Merge a passage with an announced one of the same text if it supports that text better."""
        text = folded(passage.consensus.text)
        if passage.state is not PassageState.OPEN or not passage.safe:
            return
        for other in self._passages.open:
            same = other.announced and other.reported_text == text
            if same and other.consensus.agreeing_frames < passage.consensus.agreeing_frames:
                passage.merge(other)
                return

    def _may_announce(self, passage: Passage) -> bool:
        if not passage.safe or not self._legible(passage) or self._repeats(passage):
            return False
        # Asked once for the first hit; of what may be lettering at each frame, for it may be a plate that is far away.
        if passage.described is None or passage.may_be_lettering:
            self._judge_plate(passage)
        return not passage.may_be_lettering

    def _unsupported(self, passage: Passage) -> bool:
        """Whether an announced text has been likelier wrong than right for too long; one frame is no reason."""
        if not passage.announced:
            return False
        consensus, now = passage.consensus, passage.last.frame.monotonic
        same = folded(consensus.text) == passage.reported_text
        if same and consensus.confidence >= EVEN_ODDS and self._legible(passage):
            passage.confirm()
            return False
        passage.doubt(now)
        return now - passage.doubted_since >= DOUBT_SECONDS

    def _judge(self, passages: list[Passage], monotonic: float) -> tuple[Ended, ...]:
        ended: list[Ended] = []
        # What was announced comes first: another passage with the same text is a repeat of it.
        for passage in sorted(passages, key=lambda passage: passage.state is PassageState.OPEN):
            verdict = self._verdict(passage)
            stands = passage in self._passages.open
            if stands and verdict is Verdict.UNREADABLE:
                self._passages.restart(passage)
                if passage.state is PassageState.OPEN:
                    continue  # a vehicle far back in a queue, or a sign: nothing of it is to be withdrawn
            self.counters.reads += verdict is Verdict.READ
            self.counters.repeats += verdict is Verdict.REPEAT
            self.counters.unreadable += verdict is Verdict.UNREADABLE
            recheck = False
            if verdict in (Verdict.READ, Verdict.REPEAT):
                self._describe(passage)
                passage.report(gone=not stands)
                text = passage.reported_text
                self._last_seen[text] = passage.last.frame.monotonic
                recheck = verdict is Verdict.REPEAT and text in self._looked_up_before
                self._looked_up_before.discard(text)
            ended.append(Ended(passage, verdict, recheck))
        # What an open passage may be a repeat of is remembered until it is reported.
        since = min((passage.since for passage in self._passages.open if not passage.reported), default=monotonic)
        horizon = since - self._passages.settings.repeat_seconds
        self._last_seen = {text: seen for text, seen in self._last_seen.items() if seen >= horizon}
        self._looked_up_before &= self._last_seen.keys()
        return tuple(ended)

    def _remember_standing(self) -> None:
        """Remember reported vehicles that are still there from when they were last seen, not from their report."""
        for passage in self._passages.open:
            if passage.reported:
                self._last_seen[passage.reported_text] = passage.last.frame.monotonic

    def _verdict(self, passage: Passage) -> Verdict:
        if passage.reported:
            return Verdict.REPORTED
        if not self._readable(passage):
            return Verdict.UNREADABLE
        self._judge_plate(passage)
        if passage.is_lettering:
            return Verdict.UNREADABLE
        return Verdict.REPEAT if self._repeats(passage) else Verdict.READ

    def _readable(self, passage: Passage) -> bool:
        return passage.credible and self._legible(passage)

    def _reported_wrong(self, passage: Passage) -> bool:
        """Whether the frames since a passage was reported make it safe to report another text."""
        another = folded(passage.consensus.text) != passage.reported_text
        return another and passage.safe and self._legible(passage)

    def _legible(self, passage: Passage) -> bool:
        consensus = passage.consensus
        long_enough = len(consensus.text) >= self._settings.minimum_characters
        return long_enough and consensus.confidence >= self._settings.minimum_confidence

    def _repeats(self, passage: Passage) -> bool:
        text = folded(passage.consensus.text)
        if text == passage.reported_text:
            return False  # it was none when it was announced
        if any(other.reported_text == text for other in self._passages.open):
            return True  # a fast vehicle, or one that was hidden, and has not been reported yet
        seen = self._last_seen.get(text)
        return seen is not None and passage.since - seen <= self._passages.settings.repeat_seconds


FrameObserver = Callable[[Frame, FrameResult, Sequence[Passage]], None]
"""Receives each evaluated frame, its result, and the open passages; it must be quick and keep nothing."""


class VisionService(Part):
    """Evaluates frames.

    Args:
        models: the networks, which may come while the post runs.
        pipeline: from a frame to passages.
        observer: receives what comes of each frame.

    """

    def __init__(self, models: ModelLoader, pipeline: Pipeline, *, observer: FrameObserver) -> None:
        self._models = models
        self.pipeline = pipeline
        self._observer = observer

    def evaluate(self, frame: Frame) -> FrameResult:
        """Take the next frame through the pipeline."""
        result = self.pipeline.update(frame)
        self._observer(frame, result, self.pipeline.passages)
        return result

    def adjust(self, tables: Tables) -> None:
        """Evaluate with other limits and with the networks loaded by now."""
        self.pipeline.recognizer = self._models.recognizer
        self.pipeline.adjust(tables.table(VisionSettings), tables.table(PassageSettings))
