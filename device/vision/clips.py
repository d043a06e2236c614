"""Clips: every read of a sequence of frames, as a post would make them."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from platepost.device.frame import Frame
from platepost.device.vision.passages import Passage
from platepost.device.vision.pipeline import Ended, Pipeline, Verdict
from platepost.device.vision.reader import Glyph
from platepost.device.vision.vehicle import Appearance


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ClipRead:
    """One read of a clip: one vehicle's plate, by all the frames in which it was seen."""

    passage: Passage
    """The vehicle's way through the picture. Not part of the public interface."""
    first_frame: int
    last_frame: int
    first_second: float
    """Since the clip's first frame."""
    last_second: float

    def __repr__(self) -> str:
        seen = f"{self.first_second:.1f}-{self.last_second:.1f} s"  # its frames would fill the terminal
        return f"<ClipRead {self.text} {self.confidence:.3f}, {seen}, {self.direction}>"

    @property
    def text(self) -> str:
        """The plate as read."""
        return self.passage.consensus.text

    @property
    def confidence(self) -> float:
        """Probability that the whole text is right, 0 to 1."""
        return self.passage.finding.confidence

    @property
    def characters(self) -> tuple[Glyph, ...]:
        """The characters of the text, each with its own confidence."""
        return self.passage.consensus.characters

    @property
    def direction(self) -> str:
        """`approaching`, `receding` or `unknown`."""
        return self.passage.direction

    @property
    def vehicle(self) -> Appearance:
        """What can be told of the vehicle by the look at it that was best."""
        return self.passage.appearance

    def as_json(self) -> dict[str, Any]:
        """Return the read in JSON's types; plate, characters and corners as `platepost read --json` has them."""
        finding = self.passage.finding
        corners = self.passage.best.plate.corners
        return {
            "text": finding.text,
            "confidence": round(finding.confidence, 4),
            "frames": [self.first_frame, self.last_frame],
            "seconds": [round(self.first_second, 3), round(self.last_second, 3)],
            "looks": finding.frames,
            "agreeing": finding.agreeing_frames,
            "direction": self.passage.direction,
            "vehicle": self.vehicle.as_json(),
            "characters": [
                {"character": character.character, "confidence": round(character.confidence, 4)}
                for character in finding.characters
            ],
            "alternatives": [
                {"text": other.text, "confidence": round(other.probability, 4)} for other in finding.alternatives
            ],
            "best": {
                "frame": self.passage.best.frame.number,
                "corners": [[round(float(x), 1), round(float(y), 1)] for x, y in corners],
            },
        }


def reads_of(frames: Iterable[Frame], pipeline: Pipeline) -> Iterator[ClipRead]:
    """Yield each read of the frames when its passage ends; the frames' own clock counts."""
    begin = 0.0
    for index, frame in enumerate(frames):
        begin = begin if index else frame.monotonic
        yield from _reads(pipeline.update(frame).ended, begin)
    yield from _reads(pipeline.finish(), begin)


def _reads(ended: tuple[Ended, ...], begin: float) -> Iterator[ClipRead]:
    for item in ended:
        if item.verdict is Verdict.READ:
            first, last = item.passage.first.frame, item.passage.last.frame
            yield ClipRead(
                passage=copy(item.passage),  # of a vehicle that stands, more is seen after its read
                first_frame=first.number,
                last_frame=last.number,
                first_second=first.monotonic - begin,
                last_second=last.monotonic - begin,
            )
