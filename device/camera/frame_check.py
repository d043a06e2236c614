"""Whether frames look as if they came from a sensor that sees: not the same one again and again, and not all black."""

from zlib import crc32

from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.frame import Frame

BLACK_LEVEL = 16
"""Gray level that at least one pixel reaches wherever light or amplified noise falls on a sensor."""


class FrameCheck:
    """Judges the frames of one camera by their own times."""

    def __init__(self, *, noisy: bool, tuning: CameraTuning = UNIT) -> None:
        """Begin; frames of a camera that is not `noisy` may well be alike."""
        self._noisy = noisy
        self._tuning = tuning
        self.forget()

    def forget(self) -> None:
        """Begin again, as with a camera that was opened again."""
        self._seen: int | None = None
        self._different = 0
        self._differed = self._lit = self._now = float("nan")

    def update(self, frame: Frame) -> None:
        """Look at the next frame."""
        now = self._now = frame.monotonic
        # A thirty-second part of the rows: enough noise to tell two frames apart for certain.
        seen = crc32(frame.gray[::32].tobytes())
        if seen != self._seen:
            self._seen, self._differed = seen, now
            self._different += 1
        if not self._lit <= now or frame.gray[::4, ::4].max() >= BLACK_LEVEL:
            self._lit = now

    @property
    def alive(self) -> bool:
        """Whether a sensor has given two different frames; of others the first will do."""
        return self._different >= (2 if self._noisy else 1)

    @property
    def alike_seconds(self) -> float:
        """For how long a sensor's frames have been the same one; 0 where that means nothing, or they are black."""
        return self._now - self._differed if self._noisy and self._now > self._differed and not self.black else 0.0

    @property
    def frozen(self) -> bool:
        """Whether it is the same frame again and again."""
        return self.alike_seconds >= self._tuning.frozen_seconds

    @property
    def black(self) -> bool:
        """Whether nothing has been seen in them for some time."""
        return self._now - self._lit >= self._tuning.black_seconds
