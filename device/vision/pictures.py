"""The pictures that records carry: the patch of the plate and the overview of the vehicle."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import PictureError
from platepost.device.vision.geometry import Corners, bounding_box, plate_size, rectify

PATCH_BYTES = 3 * 1024
"""Largest patch, as in the United Kingdom's national standard for plate patches."""
OVERVIEW_BYTES = 25 * 1024
"""Largest overview, of the same standard."""
CROP_MARGIN = 0.1
"""Of the plate's width, what is shown around it in a crop."""
QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20)
"""JPEG qualities tried, the best first, until the picture fits."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A picture ready to travel."""

    content: bytes
    width: int
    height: int


def patch(color: NDArray[np.uint8], corners: Corners, *, largest: int = PATCH_BYTES) -> Jpeg:
    """Cut the plate out of an H x W x 3 frame, seen from the front, as a JPEG of at most `largest` bytes."""
    width = int(np.clip(plate_size(corners)[0] * 1.2, 80, 180))
    return encode(rectify(color, corners, width=width, height=width // 2, margin=0.06), largest=largest)


def crop(color: NDArray[np.uint8], corners: Corners, *, largest: int = PATCH_BYTES) -> Jpeg:
    """Cut the plate out of an H x W x 3 frame as it is, not straightened, as a JPEG of at most `largest` bytes."""
    height, width = color.shape[:2]
    left, top, right, bottom = bounding_box(corners)
    margin = CROP_MARGIN * (right - left)
    x, y = (max(0, round(edge - margin)) for edge in (left, top))
    across, down = min(width, round(right + margin)), min(height, round(bottom + margin))
    return encode(color[y : max(y + 1, down), x : max(x + 1, across)], largest=largest)


def overview(color: NDArray[np.uint8], corners: Corners, *, largest: int = OVERVIEW_BYTES) -> Jpeg:
    """Show the vehicle around the plate of an H x W x 3 frame, as a JPEG of at most `largest` bytes.

    The plate is kept in the middle of a window eight plates wide, where the frame has so much.
    """
    height, width = color.shape[:2]
    left, top, right, bottom = bounding_box(corners)
    window = min(width, max(320, round((right - left) * 8)))
    window_height = min(height, round(window * 0.75))
    x = int(np.clip((left + right) / 2 - window / 2, 0, width - window))
    # A vehicle stands above its plate more than below it.
    y = int(np.clip((top + bottom) / 2 - window_height * 0.65, 0, height - window_height))
    part = color[y : y + window_height, x : x + window]
    scale = min(1.0, 640 / window)
    size = (round(window * scale), round(window_height * scale))
    return encode(cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False), largest=largest)


def encode(picture: NDArray[np.uint8], *, largest: int) -> Jpeg:
    """Compress a picture as well as `largest` bytes allow.

    Raises:
        PictureError: it does not fit even at the lowest quality and an eighth of its size.

    """
    for shrink in (1, 2, 4, 8):
        size = (max(8, picture.shape[1] // shrink), max(8, picture.shape[0] // shrink))
        part = picture if shrink == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        for quality in QUALITIES:
            encoded, content = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if encoded and content.size <= largest:
                return Jpeg(content.tobytes(), part.shape[1], part.shape[0])
    raise PictureError(f"a picture of {picture.shape[1]} x {picture.shape[0]} does not fit into {largest} bytes")


def sharpness(plate: NDArray[np.uint8]) -> float:
    """Return how sharp a rectified gray plate is: the Laplacian's energy against the contrast it has to work with."""
    contrast = _variance(plate) + 25.0  # a gray level's noise of 5 is no contrast
    return _variance(cv2.Laplacian(plate, cv2.CV_16S)) / contrast


def _variance(values: cv2.typing.MatLike) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0]) ** 2
