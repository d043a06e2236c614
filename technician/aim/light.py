"""Tells by which light a camera sees: infrared has no colors."""

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.view import Light

REMEMBERED_SECONDS = 60.0
"""How long it is day after colors were seen: an empty gray road has none, and the next vehicle has."""
_COLORLESS = 8.0
"""Gray levels between a picture's channels in its most colorful hundredth, below which it is black and white."""


class LightSense:
    """Tells daylight from infrared by the colors of the last minute."""

    def __init__(self) -> None:
        self._colored: float | None = None

    def update(self, color: NDArray[np.uint8], *, at: float, lamp: bool) -> Light:
        """Say by which light an H x W x 3 frame was taken at `at` seconds; under the lamp colors may be false."""
        if lamp:
            return "infrared"
        if has_colors(color):
            self._colored = at
        return "day" if self._colored is not None and at - self._colored <= REMEMBERED_SECONDS else "infrared"

    def forget(self) -> None:
        """Begin again, as after the lamp was switched."""
        self._colored = None


def has_colors(color: NDArray[np.uint8]) -> bool:
    """Say whether an H x W x 3 frame has any: asphalt has few, by day too."""
    few = cv2.resize(color, (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(np.percentile(few.max(axis=2) - few.min(axis=2), 99)) > _COLORLESS
