"""Tells whether the camera was moved: then what it saw before no longer counts.

The background (`BackgroundModel`: the street without its vehicles, the median of six seconds) is compared with the
background as it was when the camera was last touched: vehicles have dropped out of both, and light and exposure are
taken out by normalization (`platepost.device.camera.registration`). It has clearly moved when the background is found
elsewhere or in another size, and most of its places match better there than in place, hardly one worse; or when it is
not found at all for longer than a truck stands before the lens. The limits were set on the project's footage; the tests
of this module show what each finds.
"""

import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.background import BackgroundModel
from platepost.device.camera.lens import FLAT_SHARE, PLAIN, UNLIKE, contrast
from platepost.device.camera.registration import correlation, displacement

MOVED = 1.5
"""Small pixels, 30 in 1280, by which a corner of the picture went: three times the sway of a pole in wind, and less
than a zoom by a twentieth or a turn by a fortieth of the picture's width makes."""
BETTER, WORSE = 0.5, 0.1
"""Shares of the picture's places that must, and may, be more and less like themselves there than in place: of moves it
is 0.6 and more, and none; of a vehicle that comes nearer for six seconds 0.3 at most, and as many."""
SAME = 0.8
"""How like itself it is in place where nothing need be searched for."""
HELD, LOST = 3, 10
"""For how many looks, 0.4 s each, it must be found elsewhere, and not found at all, to have moved."""


class MovementDetector:
    """Tells from the background when the camera was moved. One thread at a time."""

    def __init__(self, background: BackgroundModel) -> None:
        self._background = background
        self._stood: NDArray[np.uint8] | None = None
        self._looks = 0
        self._elsewhere = 0
        self._nowhere = 0

    def has_moved(self) -> bool:
        """Say, after each new look, whether the camera was clearly moved; then begin again, the background too."""
        if not self._background.ready or self._looks == self._background.frames:
            return False
        self._looks = self._background.frames
        now, _ = self._background.median
        if self._stood is None:
            self._stood = now
            return False
        elsewhere, nowhere = _compared(self._stood, now)
        self._elsewhere = self._elsewhere + 1 if elsewhere else 0
        self._nowhere = self._nowhere + 1 if nowhere or elsewhere else 0
        if self._elsewhere < HELD and self._nowhere < LOST:
            return False
        self.forget()
        self._background.forget()
        return True

    @property
    def doubtful(self) -> bool:
        """Whether it looks as if the camera was being moved."""
        return self._elsewhere > 0 or self._nowhere > 0

    def forget(self) -> None:
        """Take the background that is seen next for how the camera stands."""
        self._stood = None
        self._elsewhere = self._nowhere = 0


def _compared(stood: NDArray[np.uint8], now: NDArray[np.uint8]) -> tuple[bool, bool]:
    """Say whether a background is clearly elsewhere, and whether it is nowhere to be found."""
    in_place = correlation(stood, now)
    if in_place >= SAME or np.mean(contrast(now) < PLAIN) >= 1 - FLAT_SHARE:
        return False, False  # the same, or nothing at all is to be seen
    move = displacement(stood, now)
    elsewhere = move is not None and move.way >= MOVED and move.better >= BETTER and move.worse <= WORSE
    return elsewhere, in_place < UNLIKE
