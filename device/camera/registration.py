"""How alike two small pictures of a street are, in place and moved, whatever the light.

`platepost.device.camera.view` makes them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.camera.view import HEIGHT, WIDTH

_ZOOMS = (1.0, 1.25, 0.8)
"""What the search for the other picture begins with: from one of them it finds zooms of 0.7 to 1.5."""
_PLACE = 9, 16
"""Rows and columns of the small picture that are one place here."""
_CLEARLY = 0.1
"""Correlation by which a place is clearly more like another."""
_WHOLE = 0.99
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)


def normalized(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take mean and contrast of the surroundings out of a small picture."""
    gray = picture.astype(np.float32)
    gray -= cv2.GaussianBlur(gray, (0, 0), 4)
    normalized: NDArray[np.float32] = (gray / (np.sqrt(cv2.GaussianBlur(gray * gray, (0, 0), 4)) + 6)).astype(
        np.float32
    )
    return normalized


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return how like two small pictures are in place: 1 is the same, 0 nothing in common."""
    return _like(normalized(one), normalized(other))


@dataclass(frozen=True, slots=True)
class Move:
    """Where one small picture was found in another."""

    way: float
    """Small pixels by which the corner that went farthest went."""
    better: float
    """Share of the places of the picture that are more like one another where they were found than in place."""
    worse: float
    """Share of the places that are less."""


def displacement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Move | None:
    """Find one small picture in another, turned, shifted or zoomed; None if it is nowhere.

    A camera that was moved takes all places of its picture along; a vehicle only those that it covers, and of the
    others one that follows it makes worse ones.
    Source: Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization",
    2008, as OpenCV has it.
    """
    a, b = normalized(one), normalized(other)
    best, shift = 0.0, None
    everywhere = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for zoom in _ZOOMS:
        start = np.array([[zoom, 0, (1 - zoom) * WIDTH / 2], [0, zoom, (1 - zoom) * HEIGHT / 2]], np.float32)
        try:
            likeness, way = cv2.findTransformECC(a, b, start, cv2.MOTION_AFFINE, _STEPS, everywhere, 5)
        except cv2.error:
            continue  # it did not converge from there
        if likeness > best:
            best, shift = likeness, np.asarray(way, np.float64)
    return None if shift is None else _move(a, b, shift)


def _move(a: NDArray[np.float32], b: NDArray[np.float32], way: NDArray[np.float64]) -> Move | None:
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float64)
    moved = corners @ way[:, :2].T + way[:, 2] - corners
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(b, way, (WIDTH, HEIGHT), flags=back).astype(np.float32)
    seen = cv2.warpAffine(np.ones_like(b), way, (WIDTH, HEIGHT), flags=back) > _WHOLE
    rows, columns = _PLACE
    gains = []
    for y in range(0, HEIGHT, rows):
        for x in range(0, WIDTH, columns):
            place = slice(y, y + rows), slice(x, x + columns)
            if seen[place].mean() >= 0.5:
                common = seen[place]
                gains.append(_like(a[place][common], there[place][common]) - _like(a[place][common], b[place][common]))
    if not gains:
        return None
    gained = np.array(gains)
    return Move(float(np.hypot(*moved.T).max()), float(np.mean(gained > _CLEARLY)), float(np.mean(gained < -_CLEARLY)))


def _like(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-9))
