"""Corners, boxes and the rectification of plates.

Corners are float32 [4, 2] in pixels, x then y, in the order top-left, top-right, bottom-right, bottom-left as a
person reads the plate. Boxes are (left, top, right, bottom) in pixels. Both count from the picture's outer edge: the
first pixel lies between 0 and 1, its center at 0.5.
"""

from collections.abc import Iterable, Sequence
from math import dist
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Box

Corners = NDArray[np.float32]


def bounding_box(corners: Corners) -> Box:
    """Return the upright box around four corners."""
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def upright(corners: Corners) -> Corners:
    """Return the corners of the upright box around four corners, top left first and clockwise."""
    left, top, right, bottom = bounding_box(corners)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def intersection_over_union(first: Box, second: Box) -> float:
    """Return how much two boxes cover each other, 0 (apart) to 1 (equal)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (area(first) + area(second) - common)


def area(box: Box) -> float:
    """Return the area of a box in square pixels; 0 for an inverted one."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def plate_size(corners: Corners) -> tuple[float, float]:
    """Return width and height of a plate in pixels: the means of its two opposite edges."""
    top_left, top_right, bottom_right, bottom_left = corners.tolist()
    width = (dist(top_right, top_left) + dist(bottom_right, bottom_left)) / 2
    height = (dist(bottom_left, top_left) + dist(bottom_right, top_right)) / 2
    return width, height


def shrink(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale an H x W or H x W x 3 uint8 picture down by area averaging.

    While it is four times as large or larger it is halved first, an odd last row or column left out: OpenCV averages
    2 x 2 pixels ten times faster than it averages over any other area.
    """
    rows, columns = picture.shape[:2]
    while rows >= 4 * height and columns >= 4 * width:
        rows, columns = rows // 2, columns // 2
        halved = cv2.resize(picture[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
        picture = np.asarray(halved, dtype=np.uint8)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def rectify(
    picture: NDArray[np.uint8], corners: Corners, *, width: int, height: int, margin: float
) -> NDArray[np.uint8]:
    """Cut a plate out of a picture, seen from the front.

    Args:
        picture: H x W or H x W x 3 uint8.
        corners: of the plate's outer edge in `picture`.
        width: of the result, pixels.
        height: of the result, pixels.
        margin: share of the result's width and height that is kept around the plate on each side.

    A plate much larger than the result is first scaled down with area averaging, for a warp alone would skip pixels
    and turn thin strokes into dots.

    """
    plate_width, plate_height = plate_size(corners)
    shrink = min(plate_width / width, plate_height / height)
    if shrink > 1.5:  # below it bilinear sampling misses nothing
        left, top, right, bottom = _window(picture.shape, corners)
        part = picture[top:bottom, left:right]
        size = (max(2, round((right - left) / shrink)), max(2, round((bottom - top) / shrink)))
        picture = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        factor = np.array([size[0] / (right - left), size[1] / (bottom - top)], np.float32)
        corners = (corners - np.array([left, top], np.float32)) * factor
    target = np.array(
        [[margin, margin], [1 - margin, margin], [1 - margin, 1 - margin], [margin, 1 - margin]], np.float32
    )
    target = target * np.array([width, height], np.float32)
    # OpenCV counts from the center of the first pixel, hence the halves.
    transform = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), (target - 0.5).astype(np.float32))
    return cv2.warpPerspective(
        picture, transform, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )  # type: ignore[return-value]


def _window(shape: tuple[int, ...], corners: Corners) -> tuple[int, int, int, int]:
    """Box of whole pixels around the corners with a quarter of its size to spare, inside the picture."""
    left, top, right, bottom = bounding_box(corners)
    spare_x, spare_y = (right - left) / 4 + 2, (bottom - top) / 4 + 2
    height, width = shape[:2]
    left, top = int(np.clip(left - spare_x, 0, width - 2)), int(np.clip(top - spare_y, 0, height - 2))
    right, bottom = int(np.clip(right + spare_x, left + 2, width)), int(np.clip(bottom + spare_y, top + 2, height))
    return left, top, int(right), int(bottom)


class DrawnLane(Protocol):
    """A lane as it is drawn."""

    @property
    def name(self) -> str:
        """What reads call it."""

    @property
    def outline(self) -> Sequence[float]:
        """x, y of its corners in turn, as shares of the picture's width and height."""


def lane_at(lanes: Iterable[DrawnLane], x: float, y: float) -> str | None:
    """Return the name of the first lane around a place, in shares of the picture's width and height; None of none."""
    return next((lane.name for lane in lanes if _is_inside(lane.outline, x, y)), None)


def _is_inside(outline: Sequence[float], x: float, y: float) -> bool:
    """Whether a place lies within a polygon: a ray from it to the right crosses the outline an odd number of times."""
    corners = list(zip(outline[::2], outline[1::2], strict=True))
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
            inside = not inside
    return inside
