"""The whole way from a plate to the reader's input: light, perspective, camera, and the detector's error.

Perspective puts the plate into the camera's picture at the size that it has there; blur, noise and compression happen
in those pixels; then the plate is rectified as the device does it, with corners that are a little off.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.camera import exposed
from platepost.models.plates.light import Level, lit
from platepost.models.plates.surroundings import MARGIN, Gray

READER_SHAPE: Final = (64, 160)
"""Height and width of the reader's input."""
READER_MARGIN: Final = 0.04
"""Distance of the plate's corners from the input's edges, by the input's width and height."""

_GROWN: Final = 1 + 2 * MARGIN
_PAD: Final = 0.12
"""Room around the framed plate in the camera's picture, by its size."""
_UNIT: Final[Level] = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
"""Corners of a rectangle: top left, top right, bottom right, bottom left."""


@dataclass(frozen=True)
class Severity:
    """How bad the way to the sensor is: bounds that a sample is drawn from."""

    smallest: float = 36.0
    """Least width of the plate in the camera's picture, in pixels."""
    largest: float = 300.0
    crops: float = 0.45
    """Share of samples cut out by a loose upright box rather than rectified by corners."""
    inverted: float = 0.04
    """Share of samples whose light and dark change places."""


def degrade(picture: Gray, rng: np.random.Generator, severity: Severity | None = None) -> Gray:
    """Send a framed plate through the world, a camera and the rectification, once.

    Args:
        picture: what `platepost.models.plates.framed` returns; it is left unchanged.
        rng: draws everything.
        severity: bounds, the usual ones by default.

    Returns:
        The reader's input, `READER_SHAPE`.
    """
    severity = severity or Severity()
    plate_width = float(np.exp(rng.uniform(np.log(severity.smallest), np.log(severity.largest))))
    plate_height = plate_width / float(rng.uniform(1.7, 2.6))  # long plates come squeezed to this already
    is_crop = rng.random() < severity.crops
    page = picture.astype(np.float32)
    if rng.random() < severity.inverted:
        page = np.float32(255) - page
    page = lit(page, rng)
    size = (max(16, round(plate_width * _GROWN)), max(10, round(plate_height * _GROWN)))
    if size[0] < page.shape[1]:
        page = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.float32)
    upright = is_crop and rng.random() < 0.75
    outline = (_tilted(rng, 0.035 if upright else 0.10, may_recede=not upright) + _PAD) * np.array(size, np.float32)
    gray = exposed(_seen(page, outline, size), plate_width, rng)
    inset = MARGIN / _GROWN
    inner = (inset + _UNIT * (1 - 2 * inset)).astype(np.float32)
    corners = cv2.perspectiveTransform(inner[None], cv2.getPerspectiveTransform(_UNIT, outline))[0]
    found, goal = _boxed(corners, rng) if is_crop else _located(corners, rng)
    if plate_width > READER_SHAPE[1] * 1.5:  # the device shrinks by area before it warps
        gray = np.asarray(cv2.blur(gray, (2, 2)), np.uint8)
    smooth = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
    target = (goal * np.array(READER_SHAPE[::-1], np.float32)).astype(np.float32)
    back = cv2.getPerspectiveTransform(found.astype(np.float32), target)
    rectified = cv2.warpPerspective(gray, back, READER_SHAPE[::-1], flags=smooth, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(rectified, np.uint8)


def _tilted(rng: np.random.Generator, tilt: float, *, may_recede: bool) -> Level:
    """Outline of the framed plate in the picture, where 1 is its size: sheared, turned, one side further away."""
    moved = _UNIT + rng.normal(0, 0.012, (4, 2)).astype(np.float32)
    moved[:, 0] += (0.5 - _UNIT[:, 1]) * np.float32(rng.normal(0, tilt * 0.7))
    moved[:, 1] += (_UNIT[:, 0] - 0.5) * np.float32(rng.normal(0, tilt))
    if may_recede:
        far = abs(float(rng.normal(0, 0.08)))
        side = int(rng.integers(2))
        moved[[side, 3 - side], 1] += np.array([far, -far], np.float32)
    return moved


def _seen(page: Level, outline: npt.NDArray[np.floating], size: tuple[int, int]) -> Level:
    source = _UNIT * np.array([page.shape[1] - 1, page.shape[0] - 1], np.float32)
    canvas = (round(size[0] * (1 + 2 * _PAD)), round(size[1] * (1 + 2 * _PAD)))
    view = cv2.getPerspectiveTransform(source.astype(np.float32), outline.astype(np.float32))
    return np.asarray(
        cv2.warpPerspective(page, view, canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _boxed(corners: npt.NDArray[np.floating], rng: np.random.Generator) -> tuple[Level, Level]:
    """Cut by an upright box, tight or loose: what is cut out, and where its corners go."""
    low, high = corners.min(0), corners.max(0)
    loosest = 0.10 if rng.random() < 0.85 else 0.22
    before, after = rng.uniform(-0.04, loosest, (2, 2)) * (high - low)
    low, high = low - before, high + after
    return np.array([low, [high[0], low[1]], high, [low[0], high[1]]], np.float32), _UNIT


def _located(corners: npt.NDArray[np.floating], rng: np.random.Generator) -> tuple[Level, Level]:
    """Rectify by four corners that the detector found, each off a little, all off together."""
    error = (rng.normal(0, 0.02, (4, 2)) + rng.normal(0, 0.02, 2)) * (corners.max(0) - corners.min(0))
    return np.asarray(corners + error, np.float32), READER_MARGIN + _UNIT * np.float32(1 - 2 * READER_MARGIN)
