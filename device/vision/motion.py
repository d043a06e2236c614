"""The motion gate: an idle road costs next to nothing."""

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.geometry import shrink

WIDTH, HEIGHT = 80, 45
"""Pixels of the small picture in which motion is looked for: a plate 40 px wide in 1280 still covers two of them."""
NOISE = 12
"""Gray levels by which a small pixel must differ from the background; area averaging leaves sensor noise well below."""
FORGETTING = 0.05
"""Share of each frame that flows into the background: a parked vehicle is part of the road after about three seconds
at 10 frames a second, and slow light is followed."""


class MotionGate:
    """Says whether anything moves, against a slowly forgotten background."""

    def __init__(self, *, least_area: float = 0.002, hold_seconds: float = 1.0) -> None:
        """Make a gate that has not seen the road yet.

        Args:
            least_area: share of the picture that must change for the gate to open; 0 keeps it open for good.
            hold_seconds: how long it stays open after the last motion.

        """
        self._least = least_area * WIDTH * HEIGHT
        self._hold = hold_seconds
        self._background: NDArray[np.float32] | None = None
        self._open_until = 0.0

    def moves(self, gray: NDArray[np.uint8], monotonic: float) -> bool:
        """Look at an H x W uint8 frame taken at `monotonic` seconds; True while something moves or has just moved."""
        if self._least <= 0:
            return True
        small = shrink(gray, WIDTH, HEIGHT).astype(np.float32)
        if self._background is None:
            # Nothing is known of the road yet: what stands on it may be a vehicle.
            self._background = small
            self._open_until = monotonic + self._hold
            return True
        difference = small - self._background
        # A cloud or the camera's exposure lifts the whole picture and is no motion.
        difference -= np.median(difference)
        if np.count_nonzero(np.abs(difference) > NOISE) >= self._least:
            self._open_until = monotonic + self._hold
        self._background += FORGETTING * (small - self._background)
        return monotonic <= self._open_until
