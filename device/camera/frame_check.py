"""Whether frames look as if they came from a sensor that sees: not the same one again and again, and not all black."""

from collections import OrderedDict
from math import isnan
from zlib import crc32

from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.frame import Frame

BLACK_LEVEL = 16
"""Gray level that at least one pixel reaches wherever light or amplified noise falls on a sensor."""


GROUP_PICTURES = 32
"""How many pictures an encoder may make of one that stands still, between two key frames: it refines it a few times."""


class FrameCheck:
    """Judges the frames of one camera by their own times."""

    def __init__(self, *, noisy: bool, encoded: bool = False, tuning: CameraTuning = UNIT) -> None:
        """Begin; frames of a camera that is not `noisy` may well be alike, but not for a minute if they are `encoded`.

        Where nothing moves, an encoder repeats pictures to the last bit; but noise makes each key frame another.
        """
        self._noisy = noisy
        self._encoded = encoded
        self._tuning = tuning
        self._pictures: OrderedDict[int, None] = OrderedDict()
        """Checksums of what an encoded camera has shown, the latest last."""
        self._differed = self._lit = self._now = float("nan")
        self.forget()

    def forget(self) -> None:
        """Begin again, as with a camera that was opened again; one that was frozen must show a new picture."""
        if not self.frozen:
            self._pictures.clear()
        self._seen: int | None = None
        self._different = 0
        self._differed = self._lit = self._now = float("nan")

    def update(self, frame: Frame) -> None:
        """Look at the next frame."""
        now = self._now = frame.monotonic
        # A thirty-second part of the rows: enough noise to tell two frames apart for certain; encoded, there is less.
        seen = crc32(frame.gray[:: 8 if self._encoded else 32].tobytes())
        if self._is_new(seen):
            self._differed = now
            self._different += 1
        elif isnan(self._differed):
            self._differed = now
        self._seen = seen
        if not self._lit <= now or frame.gray[::4, ::4].max() >= BLACK_LEVEL:
            self._lit = now

    def _is_new(self, seen: int) -> bool:
        if not self._encoded:
            return seen != self._seen
        new = seen not in self._pictures
        self._pictures[seen] = None
        self._pictures.move_to_end(seen)
        if len(self._pictures) > GROUP_PICTURES:
            self._pictures.popitem(last=False)
        return new

    @property
    def alive(self) -> bool:
        """Whether a sensor has given two different frames; of others the first will do."""
        return self._different >= (2 if self._noisy else 1)

    @property
    def repeated(self) -> bool:
        """Whether a sensor's frame is the one before, to the last bit, and not for being black."""
        return self._noisy and self._alike_seconds > 0 and not self.black

    @property
    def stuck_seconds(self) -> float | None:
        """For how long the camera has shown the same, if that is so long that it has failed; None otherwise."""
        limit = self._tuning.hung_seconds if self._noisy else self._tuning.encoded_frozen_seconds
        alike = self._alike_seconds
        return alike if alike > limit and (self._noisy or self._encoded) and not self.black else None

    @property
    def frozen(self) -> bool:
        """Whether it is the same frame again and again."""
        limit = self._tuning.frozen_seconds if self._noisy else self._tuning.encoded_frozen_seconds
        return (self._noisy or self._encoded) and self._alike_seconds >= limit and not self.black

    @property
    def _alike_seconds(self) -> float:
        return self._now - self._differed if self._now > self._differed else 0.0

    @property
    def black(self) -> bool:
        """Whether nothing has been seen in them for some time."""
        return self._now - self._lit >= self._tuning.black_seconds
