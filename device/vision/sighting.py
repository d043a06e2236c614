"""One plate found in one frame, and what it is worth among the others of its passage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Frame
from platepost.device.vision.detector import is_cut
from platepost.device.vision.geometry import plate_size
from platepost.device.vision.recognizer import Plate


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
        """Whether a side of the picture may have cut characters off."""
        return is_cut(self.plate.box, self.frame.gray.shape)

    @property
    def center(self) -> tuple[float, float]:
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
