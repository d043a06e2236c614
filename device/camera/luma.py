"""Luma of limited range, 16 to 235 (ITU-R BT.601, BT.709), and of full range, 0 to 255, as frames have it."""

import cv2
import numpy as np
from numpy.typing import NDArray

_FULL = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
_LIMITED = np.rint(np.arange(256) * (219 / 255) + 16).astype(np.uint8)


def full_range(limited: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return luma of full range, a copy."""
    return np.asarray(cv2.LUT(limited, _FULL), dtype=np.uint8)


def limited_range(full: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return luma of limited range, a copy."""
    return np.asarray(cv2.LUT(full, _LIMITED), dtype=np.uint8)
