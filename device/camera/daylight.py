"""Day or night: when the infrared illuminator is switched, and the camera's exposure with it."""

from platepost.device.camera.tuning import UNIT

NIGHT_LUX = 15.0
"""Illuminance below which it is night: a shutter short enough for a road sees nothing in it. Dusk has about 10 lux."""
DAY_LUX = 150.0
"""Illuminance above which it is day again: far above the illuminator's own light, which libcamera includes."""


class Daylight:
    """Judges the brightness of the scene. It is day until proved otherwise: an illuminator that fails, fails dark."""

    def __init__(self, *, dwell_seconds: float = UNIT.dwell_seconds) -> None:
        self._dwell_seconds = dwell_seconds
        self.night = False
        self._doubt_since: float | None = None

    def judge(self, lux: float | None, *, now: float) -> bool:
        """Look at the brightness at `now` seconds, None where no camera tells; return whether it is night."""
        other = lux is not None and (lux > DAY_LUX if self.night else lux < NIGHT_LUX)
        if not other:
            self._doubt_since = None
        elif self._doubt_since is None:
            self._doubt_since = now
        elif now - self._doubt_since >= self._dwell_seconds:
            self.night, self._doubt_since = not self.night, None
        return self.night
