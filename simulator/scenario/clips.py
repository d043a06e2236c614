"""Stretches of clips, and the empty road between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError
from platepost.device.camera.footage.recordings import Still, open_recording
from platepost.simulator.errors import ScenarioFileError
from platepost.simulator.scoring.truth import TruePassage, Truth, load_truth

FOOTAGE = Path(__file__).parent.parent / "footage"
"""The clips that ship."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a clip, from `start` to `end` seconds of it, shown from second `at` of the scenario on."""

    path: Path
    at: float
    start: float
    end: float
    truth: Truth | None

    @property
    def over(self) -> float:
        """The scenario's second after its last frame."""
        return self.at + self.end - self.start

    def stills(self) -> Iterator[Still]:
        """Yield its frames, timed from the stretch's beginning.

        Raises:
            CameraError: the clip cannot be played.

        """
        for still in open_recording(self.path).stills(start=self.start):
            if still.seconds >= self.end:
                return
            if still.seconds >= self.start:
                yield Still(round(still.seconds - self.start, 6), still.gray, still.color)

    def passages(self) -> tuple[TruePassage, ...]:
        """Return the passages that are wholly within, their frames counted from the scenario's start."""
        if self.truth is None:
            return ()
        rate = self.truth.fps
        shift = round((self.at - self.start) * rate)
        return tuple(
            passage.model_copy(update={"frames": (passage.frames[0] + shift, passage.frames[1] + shift)})
            for passage in self.truth.passages
            if passage.frames[0] >= self.start * rate and passage.frames[1] < self.end * rate
        )


def find_stretch(
    clip: str, scenario_folder: Path, *, at: float = 0.0, start: float = 0.0, end: float | None = None
) -> Stretch:
    """Find a clip that ships, or one that lies beside the scenario; `end` is its own where None.

    Raises:
        ScenarioFileError: there is none, or it is shorter than the stretch wants.

    """
    candidates = (FOOTAGE / f"{clip}.mp4", scenario_folder / clip)
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        known = ", ".join(sorted(path.stem for path in FOOTAGE.glob("*.mp4")))
        raise ScenarioFileError(f"no clip {clip!r} ships ({known}), and there is none next to the scenario")
    try:
        recording = open_recording(path)
    except CameraError as error:
        raise ScenarioFileError(str(error)) from error
    length = recording.count() * recording.frame_seconds()
    end = length if end is None else end
    if length and end > length + recording.frame_seconds():
        raise ScenarioFileError(f"clip {clip} is {length:g} s long, the stretch ends at {end:g} s")
    truth = path.with_suffix(".truth.json")
    return Stretch(path, at, start, end, load_truth(truth, clip=path.name) if truth.is_file() else None)


@cache
def empty_road(path: Path) -> Still:
    """Return the clip's first frame, in which nothing passes yet."""
    still = next(iter(open_recording(path).stills()))
    color = still.color()
    return Still(0.0, still.gray, lambda: color)


def shifted(still: Still, right: float, down: float) -> Still:
    """Return a frame as a camera sees it that was turned by shares of the picture to the right and downwards."""
    if not right and not down:
        return still
    height, width = still.gray.shape
    move = np.array([[1, 0, -right * width], [0, 1, -down * height]], dtype=np.float32)
    turn = partial(_turn, move=move, size=(width, height))
    color = still.color
    return Still(still.seconds, turn(still.gray), lambda: turn(color()))


def blurred(still: Still) -> Still:
    """Return a frame as it is through a plastic bag: light without shapes."""
    color = still.color
    return Still(still.seconds, _veil(still.gray), lambda: _veil(color()))


def _veil(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    small = cv2.resize(cv2.resize(picture, (4, 3), interpolation=cv2.INTER_AREA), (width, height))
    return np.asarray(small, dtype=np.uint8)


def _turn(picture: NDArray[np.uint8], *, move: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.uint8]:
    warp: Callable[..., Any] = cv2.warpAffine
    return np.asarray(warp(picture, move, size, borderMode=cv2.BORDER_REFLECT_101), dtype=np.uint8)
