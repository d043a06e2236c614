"""What is around a plate on a vehicle: bumper, holder, a frame with a dealer's name. In gray, as the reader sees."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.fonts import line_of_text
from platepost.models.plates.render import PlateImage

Gray = npt.NDArray[np.uint8]

MARGIN: Final = 0.125
"""Width of the surroundings in a framed picture, by the plate's width and height."""
FRAMED_SHAPE: Final = (96, 240)
"""Height and width of a framed picture; the plate lies in its middle, whatever its aspect."""

_DEALERS: Final = (
    "TOYOTA OF REDWOOD", "BOARDWALK", "RUSNAK", "HONDA", "LAMBORGHINI", "LEGENDS", "PASADENA", "MY OTHER CAR",
    "ELIAS MOTORS, INC.", "BELLEVUE", "STANFORD", "ALUMNI", "JESUS", "555-0140", "UNIVERSITY", "MARINE",
)  # fmt: skip


def to_gray(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> Gray:
    """Reduce to gray: mostly by luminance, at times by other weights, as under infrared or colored light."""
    weights = np.array([0.114, 0.587, 0.299])
    if rng.random() < 0.35:
        weights = rng.dirichlet([1.0, 1.5, 1.5])
    return np.asarray(picture.astype(np.float32) @ weights.astype(np.float32), np.uint8)


def framed(plate: PlateImage, rng: np.random.Generator) -> Gray:
    """Put a plate into its surroundings: bumper or boot, holder, frame with a dealer's name.

    Returns:
        Gray, `FRAMED_SHAPE`; the plate's edges lie `MARGIN` of the plate's size from the picture's.
    """
    height, width = FRAMED_SHAPE
    inner_height, inner_width = round(height / (1 + 2 * MARGIN)), round(width / (1 + 2 * MARGIN))
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    page = surroundings(height, width, rng)
    flat = cv2.resize(to_gray(plate.image, rng), (inner_width, inner_height), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(plate.mask, (inner_width, inner_height), interpolation=cv2.INTER_AREA)
    part = page[top : top + inner_height, left : left + inner_width]
    part[:] = (part + (flat.astype(np.float32) - part) * (mask.astype(np.float32) / 255)).astype(np.uint8)
    if rng.random() < 0.5 and plate.image.shape[1] < 3 * plate.image.shape[0]:
        _frame(page, (left, top, inner_width, inner_height), rng)
    elif rng.random() < 0.3:
        cv2.rectangle(page, (left - 1, top - 1), (left + inner_width, top + inner_height), int(rng.integers(0, 256)), 1)
    return page


def surroundings(height: int, width: int, rng: np.random.Generator) -> Gray:
    """Draw what a plate is before: bodywork, edges, gaps."""
    level = float(rng.uniform(5, 245) if rng.random() < 0.6 else rng.uniform(5, 70))
    coarse = rng.normal(level, float(rng.uniform(2, 45)), (int(rng.integers(2, 6)), int(rng.integers(2, 7)))).clip(
        0, 255
    )
    page = cv2.resize(coarse.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 4))):
        shade = int(rng.integers(0, 256))
        if rng.random() < 0.75:
            y = int(rng.integers(height))
            cv2.line(page, (0, y), (width, y + int(rng.integers(-6, 7))), shade, int(rng.integers(1, 8)))
        else:
            x = int(rng.integers(width))
            cv2.line(page, (x, 0), (x + int(rng.integers(-12, 13)), height), shade, int(rng.integers(1, 8)))
    return np.asarray(page, np.uint8)


def _frame(page: Gray, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Put on a licence-plate frame: it covers the edges and, with a text on it, much of the top or bottom."""
    left, top, width, height = box
    shade = int(rng.choice([15, 30, 60, 150, 200, 225]))
    out = [int(rng.uniform(0.01, 0.09) * height) + 1 for _ in range(4)]
    cover_top = rng.uniform(0.02, 0.17) if rng.random() < 0.5 else rng.uniform(0.01, 0.05)
    cover_bottom = rng.uniform(0.02, 0.17) if rng.random() < 0.6 else rng.uniform(0.01, 0.05)
    side = max(1, round(width * rng.uniform(0.005, 0.03)))
    outer = (left - out[0], top - out[1], left + width + out[2], top + height + out[3])
    inner = (
        left + side,
        top + round(height * cover_top),
        left + width - side,
        top + round(height * (1 - cover_bottom)),
    )
    ring = np.zeros(page.shape, np.uint8)
    cv2.rectangle(ring, outer[:2], (outer[2] - 1, outer[3] - 1), 255, -1)
    cv2.rectangle(ring, inner[:2], (inner[2] - 1, inner[3] - 1), 0, -1)
    page[ring > 0] = shade
    for y0, y1 in ((outer[1], inner[1]), (inner[3], outer[3])):
        if y1 - y0 > 6 and rng.random() < 0.75:
            words = _DEALERS[int(rng.integers(len(_DEALERS)))]
            mask = line_of_text(words, height=max(4, int((y1 - y0) * 0.75)), rng=rng)[:, : width - 4]
            x, y = left + (width - mask.shape[1]) // 2, max(y0, 0) + 1
            part = page[y : y + mask.shape[0], x : x + mask.shape[1]]
            alpha = mask[: part.shape[0], : part.shape[1]].astype(np.float32) / 255
            part[:] = (part + ((255 - shade) - part.astype(np.float32)) * alpha * 0.9).astype(np.uint8)
