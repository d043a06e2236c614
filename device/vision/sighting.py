"""One plate found in one frame, and what it is worth among the others of its passage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.camera.base import Frame
from device.vision.detector import HEIGHT, WIDTH
from device.vision.geometry import plate_size
from device.vision.recogniser import Plate

SIDE = 2
"""Pixels of the detector's input, from a side of the picture on, within which a plate counts as cut.

Of 181 misreads (0.9 and surer) of training plates cut at a side 173 ended so near or beyond it; of 111 whole plates
that ended a twentieth of their width away, 9.
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One plate found in one frame."""

    frame: Frame
    plate: Plate
    sharpness: float
    """Of the rectified plate, any positive scale that is the same for a whole passage."""
    rectified: NDArray[np.uint8] | None = None
    """The plate as the reader saw it, 64 x 160, where it was kept."""

    @property
    def width(self) -> float:
        """Pixels across the plate."""
        return plate_size(self.plate.corners)[0]

    @property
    def cut(self) -> bool:
        """Whether the plate reaches to the left or right side of the picture, which may have cut characters off.

        What is left of it reads as another, shorter text, and often surely. The upper and the lower edge cut through
        all characters alike: then the text is mostly still right, or none.
        """
        left, _, right, _ = self.plate.box
        height, width = self.frame.grey.shape
        near = SIDE * max(width / WIDTH, height / HEIGHT)
        return bool(left < near or right > width - near)

    @property
    def centre(self) -> tuple[float, float]:
        """Pixels of the plate's middle."""
        x, y = self.plate.corners.mean(axis=0)
        return float(x), float(y)

    @property
    def weight(self) -> float:
        """What the sighting counts: wider and sharper plates count more, up to where more pixels add nothing."""
        return max(1e-3, min(self.width, 140.0) * self.sharpness)

    @property
    def picture_value(self) -> float:
        """How good a picture it makes: large, sharp and well read; any positive scale."""
        return self.weight * (0.2 + self.plate.reading.confidence)
