"""A camera on a street whose time can be slowed, sped up and stopped."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.footage.recordings import Still
from platepost.device.frame import Frame
from platepost.simulator.live.pace import Pace

GLANCE_SECONDS = 0.2
"""How often a camera looks whether it was closed while the street is slow."""
STANDING_SECONDS = 0.5
"""How often it sees the same picture again while the street stands still."""
BEHIND_SECONDS = 0.5
"""How far the footage may fall behind the street before the street waits for it: decoding has an end of its speed."""


class StreetCamera(FootageCamera):
    """Plays footage over and over at the pace of a street.

    A frame's `monotonic` is the street's time, so that vehicles have their true speed at every pace; its `captured` is
    the wall clock's, so that records say when they were made. While the street stands still the camera goes on to look
    at it. It does not simulate what `FootageCamera` does not.
    """

    def __init__(self, path: Path, pace: Pace) -> None:
        super().__init__(path=path, loop=True)
        self._pace = pace

    def frames(self) -> Iterator[Frame]:
        """Yield frames forever, each when the street's clock says that it is due.

        Raises:
            CameraError: the camera is not open, or the footage is damaged.

        """
        recording = self._opened()
        number = 0
        begin = self._pace.seconds
        last: Still | None = None
        while not self._closed.is_set():
            seconds = 0.0
            for still in recording.stills():
                seconds = still.seconds
                due = begin + seconds
                shown = time.monotonic()
                while not self._pace.wait_until(due, timeout=GLANCE_SECONDS):
                    if self._closed.is_set():
                        return
                    if last is not None and self._pace.paused and time.monotonic() - shown >= STANDING_SECONDS:
                        shown = time.monotonic()
                        yield _frame(number, self._pace.seconds, last)
                        number += 1
                if self._closed.is_set():
                    return
                begin += max(0.0, self._pace.seconds - due - BEHIND_SECONDS)
                yield _frame(number, begin + seconds, still)
                number += 1
                last = still
            begin += seconds + recording.frame_seconds()


def _frame(number: int, monotonic: float, still: Still) -> Frame:
    return Frame(number=number, captured=datetime.now(UTC), monotonic=monotonic, gray=still.gray, color=still.color)
