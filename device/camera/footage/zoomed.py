"""Footage as a longer lens, turned, would have taken it: a part of each frame, enlarged to the frame's size.

What it cannot do: show more than the footage has. Enlarged twice it is twice as soft, and where it is turned past the
footage's left or right edge, that edge is drawn out.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.footage.recordings import Recording, Still

Side = Literal["left", "middle", "right"]
_SHARE = {"left": 0.0, "middle": 0.5, "right": 1.0}
_LOWEST = 0.9
"""How far down the frame is seen, a share of its height: plates that are lower have left at the sides."""
_PAST = 0.1
"""How far past the left or right edge the camera turns, as a share of the view: then plates at the very edge come to
where the aiming page wants them, as with a real camera that is turned as far as the page says."""


class Zoomed(Recording):
    """A recording of which the lower left, middle or right is seen, where plates are large.

    Args:
        recording: the whole.
        zoom: by how many times; 1 is the whole.
        side: where.

    """

    def __init__(self, recording: Recording, *, zoom: float, side: Side) -> None:
        self._recording = recording
        self._zoom = zoom
        self._share = _SHARE[side]

    def stills(self, *, start: float = 0.0) -> Iterator[Still]:
        """Yield the stills, enlarged; see `Recording.stills`."""
        for still in self._recording.stills(start=start):
            yield replace(still, gray=self._part(still.gray), color=self._later(still.color), small=None)

    def frame_seconds(self) -> float:
        """Say how long one frame lasts."""
        return self._recording.frame_seconds()

    def count(self) -> int:
        """Say how many frames the recording has, 0 where only playing it would tell."""
        return self._recording.count()

    def _later(self, whole: Callable[[], NDArray[np.uint8]]) -> Callable[[], NDArray[np.uint8]]:
        return lambda: self._part(whole())

    def _part(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = picture.shape[:2]
        rows, columns = round(height / self._zoom), round(width / self._zoom)
        past = round(_PAST * columns)
        left = round(self._share * (width - columns) + (2 * self._share - 1) * past) + past
        top = max(0, round(_LOWEST * height) - rows)
        wide = cv2.copyMakeBorder(picture[top : top + rows], 0, 0, past, past, cv2.BORDER_REPLICATE)
        part = wide[:, left : left + columns]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
