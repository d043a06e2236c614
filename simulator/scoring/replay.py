"""Replay: a clip through the post's own vision, without network, as fast as this machine can and no frame dropped."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from device.vision.passages import Passage
from device.vision.pipeline import Ended, Pipeline, Verdict
from device.vision.recognizer import Recognizer
from simulator.camera.footage import FootageCamera
from simulator.scoring.score import ScoredRead


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedRead:
    """One read of a clip."""

    passage: Passage
    first_frame: int
    last_frame: int
    first_second: float
    last_second: float

    @property
    def text(self) -> str:
        """The plate as read."""
        return self.passage.consensus.text

    @property
    def confidence(self) -> float:
        """Probability that the whole text is right, 0 to 1."""
        return self.passage.consensus.confidence

    def scored(self) -> ScoredRead:
        """Return what the score needs of the read."""
        return ScoredRead(
            text=self.text, confidence=self.confidence, first_frame=self.first_frame, last_frame=self.last_frame
        )

    def as_json(self) -> dict[str, Any]:
        """Return the read in JSON's types; plate, characters and corners as `platepost read --json` has them."""
        found = self.passage.consensus
        corners = self.passage.best.plate.corners
        return {
            "text": found.text,
            "confidence": round(found.confidence, 4),
            "frames": [self.first_frame, self.last_frame],
            "seconds": [round(self.first_second, 3), round(self.last_second, 3)],
            "looks": found.looks,
            "agreeing": found.agreeing,
            "direction": self.passage.direction,
            "characters": [
                {"character": character.character, "confidence": round(character.confidence, 4)}
                for character in found.characters
            ],
            "alternatives": [
                {"text": other.text, "confidence": round(other.probability, 4)} for other in found.alternatives
            ],
            "best": {
                "frame": self.passage.best.frame.number,
                "corners": [[round(float(x), 1), round(float(y), 1)] for x, y in corners],
            },
        }


@dataclass(slots=True)
class Replay:
    """One run over a clip; `reads` gives the reads as they end, the figures are whole when it is exhausted."""

    clip: Path
    recognizer: Recognizer
    frames_per_second: float | None = None
    """For a folder of images, which does not know it."""
    key: Path | None = None
    """PEM of the private key that opens what a post recorded."""
    on_frame: Callable[[int, int], None] = lambda _done, _of: None
    """Called after each frame with how many are done and how many there are, 0 where that is not known."""
    seconds: float = field(default=0.0, init=False)
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.recognizer)

    def reads(self) -> Iterator[ReplayedRead]:
        """Play the clip and yield each read when its passage ends.

        Raises:
            CameraError: the clip cannot be played.

        """
        start = perf_counter()
        camera = FootageCamera(path=self.clip, pace="fast", frames_per_second=self.frames_per_second, key=self.key)
        with camera:
            begin: float | None = None
            total = camera.frame_count
            for frame in camera.frames():
                begin = frame.monotonic if begin is None else begin
                look = self.pipeline.look(frame)
                yield from _reads(look.ended, begin)
                self.on_frame(frame.number + 1, total)
            yield from _reads(self.pipeline.finish(), begin or 0.0)
        self.seconds = perf_counter() - start


def _reads(ended: tuple[Ended, ...], begin: float) -> Iterator[ReplayedRead]:
    for item in ended:
        if item.verdict is Verdict.READ:
            first, last = item.passage.first.frame, item.passage.last.frame
            yield ReplayedRead(
                passage=copy(item.passage),  # of a vehicle that stands, more is seen after its read
                first_frame=first.number,
                last_frame=last.number,
                first_second=first.monotonic - begin,
                last_second=last.monotonic - begin,
            )
