"""From light to a frame: lens, glare, air, sensor noise, tone."""

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.scene.light import Lighting
from platepost.simulator.scene.noise import tile

Linear = NDArray[np.float32]
_BANK = 6  # noise fields, shifted and turned differently for every frame
_FULL_WELL = 5200.0  # electrons at white; a small rolling-shutter sensor at moderate gain
_READ_NOISE = 7.0  # electrons


class Optics:
    """The post's lens and sensor; the noise follows from the seed and the frame's number."""

    def __init__(self, size: tuple[int, int], *, seed: int, softness: float) -> None:
        self.width, self.height = size
        self.seed, self.softness = seed, softness
        rng = np.random.default_rng([seed, 3])
        shape = (_BANK, self.height, self.width, 3)
        self._bank = rng.standard_normal(shape, np.float32)
        # Demosaicing correlates neighbors and colors.
        for field in self._bank:
            field[:] = cv2.GaussianBlur(field, (0, 0), 0.6) * 1.9
        x, y = np.meshgrid(np.linspace(-1, 1, self.width), np.linspace(-1, 1, self.height) * self.height / self.width)
        self._vignette = np.asarray(1 / (1 + 0.16 * (x**2 + y**2)) ** 2, np.float32)[..., None]
        self._x, self._y = x.astype(np.float32), y.astype(np.float32)
        self._smear = tile(np.random.default_rng([seed, 4]), size=512, grain=18, octaves=4)

    def _spread(self, linear: Linear, light: Lighting, glare: float) -> Linear:
        """Bloom about what is brighter than white, veil of the whole lens, sun in the lens."""
        small = cv2.resize(
            np.clip(linear * light.exposure - 0.9, 0, 30), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA
        )
        bloom = 0.5 * cv2.GaussianBlur(small, (0, 0), 2.0) + 0.28 * cv2.GaussianBlur(small, (0, 0), 7.0)
        bloom += 0.16 * cv2.GaussianBlur(small, (0, 0), 26.0)
        bloom += 0.10 * cv2.GaussianBlur(small, (0, 0), sigmaX=30.0, sigmaY=0.8)
        full = cv2.resize(bloom, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        linear = linear + full * (0.55 / light.exposure)
        linear += 0.012 * linear.mean(axis=(0, 1), keepdims=True)
        if glare:
            away = np.hypot(self._x - 0.55, self._y + 0.75)
            dust = 1 + 0.09 * cv2.resize(self._smear, (self.width, self.height))
            veil = 0.20 * np.exp(-away / 0.9) + 0.05
            ghost = 0.05 * np.clip(1 - np.abs(np.hypot(self._x + 0.3, self._y - 0.30) - 0.14) / 0.03, 0, 1)
            color = np.array([1.0, 0.90, 0.70], np.float32)
            linear += (glare * (veil * dust + ghost))[..., None].astype(np.float32) * color
        return np.asarray(linear, np.float32)

    def expose(self, linear: Linear, light: Lighting, *, frame: int, glare: float) -> NDArray[np.uint8]:
        """Make a frame, H x W x 3 blue-green-red bytes, of the light (red-green-blue) that came through the street."""
        rng = np.random.default_rng([self.seed, 5, frame])
        seen: Linear = np.asarray(self._spread(linear, light, glare) * self._vignette * light.exposure, np.float32)
        if self.softness:
            seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), self.softness), np.float32)
        if light.infrared:
            seen = np.repeat(seen.mean(axis=2, keepdims=True), 3, axis=2)
        field = self._bank[int(rng.integers(_BANK))]
        field = np.roll(field, (int(rng.integers(self.height)), int(rng.integers(self.width))), axis=(0, 1))
        if light.infrared:
            field = np.repeat(field[..., :1], 3, axis=2)
        electrons = np.clip(seen, 0, 4) * _FULL_WELL
        sigma = np.sqrt(electrons + _READ_NOISE**2 * light.noise**2) * np.float32(light.noise**0.5)
        seen = np.clip(seen + field * sigma / _FULL_WELL, 0, None)
        return tone(seen)[..., ::-1].copy()


def tone(linear: Linear) -> NDArray[np.uint8]:
    """Give the camera's curve: a shoulder that holds highlights, then the display's gamma."""
    shoulder = linear * (1 + linear * 0.12) / (1 + linear * 0.42) * 1.12
    coded = np.clip(shoulder, 0, 1) ** np.float32(1 / 2.2)
    contrast = coded + 0.10 * (coded - 0.45) * (1 - np.abs(2 * coded - 1))
    return np.asarray(np.round(np.clip(contrast, 0, 1) * 255), np.uint8)
