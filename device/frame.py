"""One picture of the camera, and a box in it: what camera, vision, recording and reporting hand to one another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, from the picture's outer edge: the first pixel lies between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the camera and when it was taken.

    `gray` is H x W uint8 luma, for motion, detection and reading; `color` makes H x W x 3 uint8 BGR, and is called
    only when a picture is kept, so that a camera which delivers YUV converts nothing in vain. Both must stay valid as
    long as the frame does: a camera that reuses its buffers copies first. `color` may be called by several threads.
    """

    number: int
    """Counts up from 0 since the camera was opened; a gap is frames that the camera itself lost."""
    captured: datetime
    """UTC, the middle of the exposure as well as the camera knows it."""
    monotonic: float
    """`time.monotonic()` of the same instant, seconds."""
    gray: NDArray[np.uint8]
    color: Callable[[], NDArray[np.uint8]]
    small: NDArray[np.uint8] | None = None
    """The same picture as `gray`, shrunk to what the detector looks at, where the camera makes it without effort."""
    captured_by: Literal["camera_clock", "arrival"] | None = None
    """What `captured` is from, of a camera of the network; None of one that is part of this unit."""

    def inside(self, box: Box) -> NDArray[np.uint8]:
        """Return the part of `gray` in a plate's box, the plate's own frame left out; nothing of one outside."""
        left, top, right, bottom = box
        x, y = (right - left) * 0.15, (bottom - top) * 0.2
        rows = slice(max(0, int(top + y)), max(0, int(bottom - y)))
        return self.gray[rows, max(0, int(left + x)) : max(0, int(right - x))]
