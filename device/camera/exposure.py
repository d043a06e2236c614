"""Exposure by the plates: a camera that meters on the whole road burns plates out by night and drowns them by day.

Plates are retroreflective: by infrared light their ground is far brighter than anything else, and any metering over the
picture makes them white on white. So exposure follows the brightness of the plates that were found, within limits that
the speed of the road sets, and rests where it is while none comes. By day, where plates are no brighter than the
rest, the road itself is a guide until the first one comes. By night, what no plate has confirmed for long is given up:
a headlamp or a sign that was taken for a plate must not leave the rest of the night black, or burnt.
"""

from dataclasses import dataclass
from math import isclose

import numpy as np
from numpy.typing import NDArray

TARGET_PLATE = 180.0
"""Gray level that a plate's ground should have: bright, and well below the 255 where strokes begin to drown."""
TARGET_ROAD = 120.0
"""Gray level that the brighter part of the road should have by day."""
BURNT = 250
"""Level from which no one knows how much too bright it is."""
TOLERANCE = 1.15
"""Factor by which brightness may be off before anything is changed."""
FASTEST = 1.6
"""Largest factor of one change: a wrong one must not cost the next plate."""
REST_SECONDS = 0.5
"""Between two changes: a control takes some frames to show."""
PLATELESS_SECONDS = 60.0
"""Time without a plate from which, by day, the road is the guide again."""
BEGIN_AGAIN_SECONDS = 600.0
"""Time without a plate after which, at night, exposure starts again from its first value, where plates were found
before."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the sensor is told."""

    microseconds: int
    gain: float

    @property
    def amount(self) -> float:
        """How bright a picture comes of it, in microseconds at gain 1."""
        return self.microseconds * self.gain


@dataclass(frozen=True, slots=True)
class Limits:
    """How far exposure may go."""

    longest_microseconds: int
    most_gain: float
    shortest_microseconds: int = 30
    """The IMX296 exposes for 29 microseconds at least."""

    def exposure(self, amount: float) -> Exposure:
        """Return the exposure of about that amount: no more gain, which is noise, than the shutter makes necessary."""
        microseconds = int(np.clip(amount, self.shortest_microseconds, self.longest_microseconds))
        return Exposure(microseconds, float(np.clip(amount / microseconds, 1.0, self.most_gain)))


class PlateMeter:
    """Decides on the exposure. One thread at a time."""

    def __init__(self, limits: Limits, start: Exposure, *, by_road: bool) -> None:
        """Begin with `start`; `by_road` says whether the road may guide while no plate comes."""
        self._limits = limits
        self._by_road = by_road
        self._changed = float("-inf")
        self._plate_seen = float("-inf")
        self.exposure = limits.exposure(start.amount) if start.microseconds > limits.longest_microseconds else start
        self._began = self.exposure

    def judge(self, gray: NDArray[np.uint8], plates: list[NDArray[np.uint8]], *, now: float) -> Exposure | None:
        """Look at a frame taken at `now` seconds, and at its plates, cut out; return the exposure if it changes."""
        if plates:
            self._plate_seen = now
        if now - self._changed < REST_SECONDS:
            return None
        if plates:
            factor = _factor(max(_ground(plate) for plate in plates), TARGET_PLATE)
            target = self._limits.exposure(self.exposure.amount * factor)
        elif self._by_road and now - self._plate_seen > PLATELESS_SECONDS:
            factor = _factor(float(np.percentile(gray[gray.shape[0] // 3 :: 8, ::8], 75)), TARGET_ROAD)
            target = self._limits.exposure(self.exposure.amount * factor)
        elif not self._by_road and now - self._plate_seen > BEGIN_AGAIN_SECONDS:
            target = self._began
        else:
            return None
        if isclose(target.amount, self.exposure.amount, rel_tol=0.01):
            return None
        self._changed = now
        self.exposure = target
        return target


def _ground(plate: NDArray[np.uint8]) -> float:
    """Return how bright the ground of a plate is: that of its brighter pixels, a screw's glint left out."""
    return float(np.percentile(plate, 85))


def _factor(level: float, target: float) -> float:
    if level >= BURNT:
        return 1 / FASTEST
    factor = target / max(level, 1.0)
    return 1.0 if 1 / TOLERANCE < factor < TOLERANCE else float(np.clip(factor, 1 / FASTEST, FASTEST))
