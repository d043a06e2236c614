"""A second look of the detector, from nearer: at what was read with doubt, for its corners, and at what it saw faintly.

The plates of a frame are enlarged side by side in one input of the detector, so that a second look costs one run
however many they are, and one alone in the smaller input a fifth of it. What was measured is in the model card.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from device.vision.detector import HEIGHT, NEAR_HEIGHT, NEAR_WIDTH, PADDING, WIDTH, Detection, Detector
from device.vision.geometry import Corners, intersection_over_union

COLUMNS, ROWS = 3, 2
"""Tiles of the input."""
TILE = (WIDTH // COLUMNS, HEIGHT // ROWS)
"""Pixels of a tile, width and height."""
PLATE_WIDTH = 110
"""Pixels of the input that a plate is enlarged or shrunk to: it is found best at about this size."""
SAME = 0.4
"""Least overlap, intersection over union, at which what is found in a tile is the plate that was looked for."""
FAINT = 0.2
"""Score from which on a place is worth a second look where nothing else was found."""
PLAIN = 0.7
"""Score that it must have from nearer to be a plate."""


def closer(detector: Detector, gray: NDArray[np.uint8], detections: Sequence[Detection]) -> list[Corners]:
    """Return better corners for plates of an H x W uint8 frame.

    They are the mean of both looks' corners, or the first look's where the second one does not find the plate, and for
    all beyond the first six.
    """
    seconds = _look_again(detector, gray, detections)
    return [
        first.corners if second is None else second.corners for first, second in zip(detections, seconds, strict=True)
    ]


def confirmed(detector: Detector, gray: NDArray[np.uint8], faint: Sequence[Detection]) -> list[Detection]:
    """Return which of the first six places of an H x W uint8 frame, seen faintly, are plainly plates from nearer."""
    seconds = _look_again(detector, gray, faint)
    return [second for second in seconds if second is not None and second.score >= PLAIN]


def _look_again(detector: Detector, gray: NDArray[np.uint8], detections: Sequence[Detection]) -> list[Detection | None]:
    """Look at plates once more: the second look's score with the mean of both looks' corners, or None, for each."""
    again: list[Detection | None] = [None] * len(detections)
    alone = len(detections) == 1 and detector.near is not None
    canvas = np.full((NEAR_HEIGHT, NEAR_WIDTH) if alone else (HEIGHT, WIDTH), PADDING, np.uint8)
    tiles = [_show(canvas, number, gray, detection) for number, detection in enumerate(detections[: COLUMNS * ROWS])]
    if not tiles:
        return again
    found = detector.find(canvas)
    for number, (offset, scale) in enumerate(tiles):
        seen = [Detection(other.score, ((other.corners - offset) / scale).astype(np.float32)) for other in found]
        first = detections[number]
        overlaps = [intersection_over_union(other.box, first.box) for other in seen]
        best = max(range(len(seen)), key=lambda place: overlaps[place], default=None)
        if best is not None and overlaps[best] >= SAME:
            corners = ((first.corners + seen[best].corners) / 2).astype(np.float32)
            again[number] = Detection(seen[best].score, corners)
    return again


def _show(
    canvas: NDArray[np.uint8], number: int, gray: NDArray[np.uint8], detection: Detection
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a plate's surroundings into a tile; canvas = frame * scale + offset, and both are returned."""
    left, top, right, bottom = detection.box
    scale = PLATE_WIDTH / max(right - left, 4.0)
    reach = np.array(TILE) / scale / 2
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    limit = np.array(gray.shape[::-1])
    low = np.clip(np.ceil(middle - reach), 0, limit - 1).astype(int)
    high = np.clip(np.floor(middle + reach), low + 1, limit).astype(int)
    part = gray[low[1] : high[1], low[0] : high[0]]
    size = np.minimum(np.maximum(np.round((high - low) * scale), 1), TILE).astype(int)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    x, y = number % COLUMNS * TILE[0], number // COLUMNS * TILE[1]
    canvas[y : y + size[1], x : x + size[0]] = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=smooth)
    factor = (size / (high - low)).astype(np.float32)
    return (np.array([x, y]) - low * factor).astype(np.float32), factor
