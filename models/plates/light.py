"""What lies on a plate before any lens: uneven light, shadow, dirt, glare."""

import cv2
import numpy as np
import numpy.typing as npt

Level = npt.NDArray[np.float32]
"""Gray levels, 0 to 255 and at times beyond."""


def lit(page: Level, rng: np.random.Generator) -> Level:
    """Light a plate and soil it, each in a part of the cases."""
    if rng.random() < 0.3:
        page = _falling_off(page, rng)
    if rng.random() < 0.15:
        page = _shadow(page, rng)
    if rng.random() < 0.12:
        page = _dirt(page, rng)
    if rng.random() < 0.08:
        page = _glare(page, rng)
    return page


def _falling_off(page: Level, rng: np.random.Generator) -> Level:
    height, width = page.shape
    field = rng.uniform(0.55, 1.2, (2, 3)).astype(np.float32)
    return np.asarray(page * cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _shadow(page: Level, rng: np.random.Generator) -> Level:
    height, width = page.shape
    shade = np.ones((height, width), np.float32)
    y0, y1 = (float(y) for y in rng.uniform(-0.3, 1.3, 2) * height)
    side = height * 2 if rng.random() < 0.5 else -height
    polygon = np.array([[0, y0], [width, y1], [width, side], [0, side]], np.int32)
    cv2.fillPoly(shade, [polygon], float(rng.uniform(0.35, 0.75)))
    return np.asarray(page * cv2.GaussianBlur(shade, (0, 0), float(rng.uniform(0.8, 4))), np.float32)


def _dirt(page: Level, rng: np.random.Generator) -> Level:
    height, width = page.shape
    spots = rng.normal(0, 1, (int(rng.integers(4, 14)), int(rng.integers(8, 30)))).astype(np.float32)
    spots = np.clip(cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC) - 1.0, 0, 1)
    mud, cover = float(rng.uniform(40, 150)), float(rng.uniform(0.2, 0.8))
    return np.asarray(page + (mud - page) * spots * cover, np.float32)


def _glare(page: Level, rng: np.random.Generator) -> Level:
    height, width = page.shape
    spot = np.zeros((height, width), np.float32)
    centre = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(width * rng.uniform(0.04, 0.2)), int(height * rng.uniform(0.1, 0.4)))
    cv2.ellipse(spot, centre, axes, 0, 0, 360, 1.0, -1)
    glow = cv2.GaussianBlur(spot, (0, 0), float(rng.uniform(3, 12)))
    return np.asarray(page + glow * float(rng.uniform(40, 150)), np.float32)
