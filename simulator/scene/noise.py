"""Smooth random fields that dirt, asphalt, hedges and reflections are made of."""

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def tile(rng: np.random.Generator, *, size: int, grain: float, octaves: int = 1) -> Field:
    """Make a square field that repeats without seam: mean 0, deviation 1, features `grain` pixels wide and finer."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        sigma = max(grain / 2**octave, 0.3)
        white = rng.standard_normal((size, size)).astype(np.float32)
        reach = min(int(sigma * 4) + 1, size)
        padded = cv2.copyMakeBorder(white, reach, reach, reach, reach, cv2.BORDER_WRAP)
        soft = cv2.GaussianBlur(padded, (0, 0), sigma)[reach:-reach, reach:-reach]
        total += soft / soft.std() / 2**octave
    return np.asarray((total - total.mean()) / total.std(), np.float32)


def at(field: Field, across: NDArray[np.floating], along: NDArray[np.floating], *, pitch: float) -> Field:
    """Give the field's values where it is laid over the plane, `pitch` meters a pixel, repeating forever."""
    size = field.shape[0]
    columns = np.mod(across / pitch, size - 1).astype(np.float32)
    rows = np.mod(along / pitch, size - 1).astype(np.float32)
    laid = cv2.remap(field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(laid, np.float32)


def smooth(values: NDArray[np.floating], low: float, high: float) -> Field:
    """Hermite step from 0 at `low` to 1 at `high`; falls when high < low."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
