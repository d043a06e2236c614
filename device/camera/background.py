"""The background: the street without its vehicles, by which a view is remembered and found again."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.view import frame_sharpness, small

FRAMES = 15
SAMPLE_SECONDS = 0.4
"""How far apart looks are while a person waits, who is there when something stands before the lens."""


class BackgroundModel:
    """The last frames of a camera, small, some seconds apart.

    Args:
        sample_seconds: how far apart.

    """

    def __init__(self, *, sample_seconds: float = SAMPLE_SECONDS) -> None:
        self._sample_seconds = sample_seconds
        self._pictures: deque[NDArray[np.uint8]] = deque(maxlen=FRAMES)
        self._sharpness: deque[float] = deque(maxlen=FRAMES)
        self._next = float("-inf")
        self.frames = 0
        """How many frames were taken in, ever."""

    def update(self, gray: NDArray[np.uint8], monotonic: float) -> bool:
        """Take in an H x W frame taken at `monotonic` seconds; return `ready`."""
        if monotonic >= self._next:
            self._next = monotonic + self._sample_seconds
            self.frames += 1
            self._pictures.append(small(gray))
            self._sharpness.append(frame_sharpness(gray))
        return self.ready

    @property
    def ready(self) -> bool:
        """Whether enough was seen for vehicles to drop out."""
        return len(self._pictures) == FRAMES

    @property
    def median(self) -> tuple[NDArray[np.uint8], float]:
        """The 36 x 64 gray levels of the background, and its sharpness; one frame at least must have been looked at."""
        background = np.median(np.stack(self._pictures), axis=0).astype(np.uint8)
        return background, float(np.median(self._sharpness))

    def forget(self) -> None:
        """Begin again, as after the camera was turned."""
        self._pictures.clear()
        self._sharpness.clear()
        self._next = float("-inf")
