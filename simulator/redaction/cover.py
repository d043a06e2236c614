"""Covering a part of a picture so that nothing of it is left.

A blur or a coarse mosaic can be undone where it is known what may stand there, as it is of plates. So not one pixel
within the box has any part in what it is replaced by: the tiles that are drawn take their colors from the picture
around it.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Box

Area = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels."""

MARGIN = 0.25
"""Share of a box's size by which it is covered beyond each edge."""
LEAST_MARGIN = 4.0
RING = 6
"""Pixels around what is covered, whose colors fill it."""
ACROSS, DOWN = 8, 4
"""Tiles that are drawn, so that everyone sees that something was covered."""


def cover(picture: NDArray[np.uint8], boxes: Iterable[Box]) -> NDArray[np.uint8]:
    """Return a copy of an H x W x 3 picture in which nothing of what is within the boxes is left."""
    covered = picture.copy()
    areas, free = _areas(picture, boxes)
    for area in areas:
        left, top, right, bottom = area
        colors = _around(picture, free, area)
        tiles = np.random.default_rng(left * 7919 + top).normal(0, 9, (DOWN, ACROSS, 1)) + colors
        size = (right - left, bottom - top)
        filled = cv2.resize(tiles.clip(0, 255).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        covered[top:bottom, left:right] = filled
    return covered


def seen(picture: NDArray[np.uint8], boxes: Iterable[Box], place: Box) -> float:
    """Return what share of a place is covered by none of the boxes."""
    _, free = _areas(picture, boxes)
    left, top, right, bottom = (round(edge) for edge in place)
    part = free[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(part.sum()) / max(1, part.size)


def grown(box: Box) -> Box:
    """Return a box with the margin that is covered too."""
    x, y = max(LEAST_MARGIN, (box[2] - box[0]) * MARGIN), max(LEAST_MARGIN, (box[3] - box[1]) * MARGIN)
    return box[0] - x, box[1] - y, box[2] + x, box[3] + y


def _areas(picture: NDArray[np.uint8], boxes: Iterable[Box]) -> tuple[list[Area], NDArray[np.bool_]]:
    """Return the areas that are covered, in whole pixels, and H x W where the picture is free of them."""
    areas: list[Area] = []
    height, width = picture.shape[0], picture.shape[1]
    free = np.ones((height, width), dtype=bool)
    for box in boxes:
        edges = grown(box)
        left, top = max(0, int(edges[0])), max(0, int(edges[1]))
        right, bottom = min(width, int(np.ceil(edges[2]))), min(height, int(np.ceil(edges[3])))
        if left < right and top < bottom:
            areas.append((left, top, right, bottom))
            free[top:bottom, left:right] = False
    return areas, free


def _around(picture: NDArray[np.uint8], free: NDArray[np.bool_], area: Area) -> NDArray[np.float64]:
    """Return the mean color of the pixels around an area, of those that are in no area themselves."""
    left, top, right, bottom = area
    rows, columns = slice(max(0, top - RING), bottom + RING), slice(max(0, left - RING), right + RING)
    around = picture[rows, columns][free[rows, columns]]
    return np.full(3, 96.0) if not len(around) else np.asarray(around.reshape(-1, 3).mean(axis=0))
