"""How like two small pictures of a street are (`device.health.view`), whatever the light: in place, and moved."""

import cv2
import numpy as np
from numpy.typing import NDArray

from device.health.view import HEIGHT, WIDTH

_ZOOMS = (1.0, 1.25, 0.8)
"""What the search for the other picture begins with: from one of them it finds zooms of 0.7 to 1.5."""
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)


def normalised(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take mean and contrast of the surroundings out of a small picture."""
    grey = picture.astype(np.float32)
    grey -= cv2.GaussianBlur(grey, (0, 0), 4)
    found: NDArray[np.float32] = (grey / (np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), 4)) + 6)).astype(np.float32)
    return found


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return how like two small pictures are in place: 1 is the same, 0 nothing in common."""
    a, b = normalised(one), normalised(other)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-9))


def displacement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[float, float]:
    """Find one small picture in another, turned, shifted or zoomed, and return how far it went and how like it is.

    The first is the way of the corner that went farthest, in small pixels; the second is as of `correlation`, 0 where
    it is not found. Source: Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation
    coefficient maximization", 2008, as OpenCV has it.
    """
    a, b = normalised(one), normalised(other)
    best = (0.0, 0.0)
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)
    everywhere = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for zoom in _ZOOMS:
        start = np.array([[zoom, 0, (1 - zoom) * WIDTH / 2], [0, zoom, (1 - zoom) * HEIGHT / 2]], np.float32)
        try:
            likeness, way = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, _STEPS, everywhere, 5)
        except cv2.error:
            continue  # it did not converge from there
        moved = corners @ way[:, :2].T + way[:, 2] - corners
        if likeness > best[1]:
            best = float(np.hypot(*moved.T).max()), float(likeness)
    return best
