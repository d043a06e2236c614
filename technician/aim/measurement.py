"""What one plate in one frame measures: the figures by which a view is judged."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.geometry import Corners, plate_size, rectify

PLATE_INCHES = (12.0, 6.0)
"""Width and height of a plate in the United States (SAE J686)."""
PLATE_METERS = 0.3048
"""The same width in meters."""
WASHED_OUT = 250
"""Gray level from which on the sensor has nothing more to tell."""
_BLUR_PIXELS = 9
"""Length of the second blur that sharpness is measured by, as in the article."""
_MEASURED_AT = 130
"""Pixels across the plate at which sharpness is measured at most: that second blur is as wide as a stroke then, and no
blur to the strokes of a plate of 300 pixels, which would seem soft however crisp it is."""
_ROWS = 9
"""How many rows are taken together: characters go on over them, and a sensor's noise, which is sharp, does not."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One plate in one frame."""

    corners: Corners
    """[4, 2] pixels of the full-size frame, as platepost.device.vision.geometry has them."""
    width: float
    """Pixels across the plate."""
    contrast: float
    """Gray levels between the plate's dark and light parts: the 5th and the 95th percentile."""
    brightness: float
    """Gray level of its light parts."""
    washed_out: float
    """Share of its pixels that are as light as the sensor can tell, 0 to 1."""
    sharpness: float
    """0 (blurred) to 1, along the lines of characters: one less the blur of Crete et al."""
    sideways: float
    """Degrees by which it is seen from the side."""
    above: float
    """Degrees by which it is seen from above or below."""
    roll: float
    """Degrees by which it is turned in the picture, clockwise positive."""
    text: str = ""
    """What was read on it, by which a technician tells it from others."""

    @property
    def center(self) -> tuple[float, float]:
        """Its middle in pixels of the frame."""
        x, y = self.corners.mean(axis=0)
        return float(x), float(y)


def measure(gray: NDArray[np.uint8], corners: Corners, *, text: str = "") -> Measurement:
    """Measure one plate of an H x W frame, on which `text` was read."""
    width, _ = plate_size(corners)
    across = max(16, round(width))
    plate = rectify(gray, corners, width=across, height=max(8, across // 2), margin=0.0)
    dark, light = np.percentile(plate, [5, 95])
    sideways, above, roll = angles(corners)
    return Measurement(
        corners=corners,
        width=width,
        contrast=float(light - dark),
        brightness=float(light),
        washed_out=float((plate >= WASHED_OUT).mean()),
        sharpness=sharpness(plate),
        sideways=sideways,
        above=above,
        roll=roll,
        text=text,
    )


def sharpness(plate: NDArray[np.uint8]) -> float:
    """Return how sharp a plate is along its lines, 0 to 1, whatever its size and in spite of a night's noise.

    Source: Crete, Dolmiere, Ladret and Nicolas, "The blur effect: perception and estimation with a new no-reference
    perceptual blur quality metric", Human Vision and Electronic Imaging XII, 2007: what is blurred already changes
    little when it is blurred again. Their measure is 0 for a sharp picture; this is one less it.
    """
    height, width = plate.shape
    if width > _MEASURED_AT:
        plate = cv2.resize(  # type: ignore[assignment]
            plate, (_MEASURED_AT, max(1, round(height * _MEASURED_AT / width))), interpolation=cv2.INTER_AREA
        )
    values = cv2.blur(plate.astype(np.float32), (1, _ROWS))
    blurred = cv2.blur(values, (_BLUR_PIXELS, 1))
    steps, softer = (np.abs(np.diff(picture, axis=1)) for picture in (values, blurred))
    total = float(steps.sum())
    return float(np.maximum(0, steps - softer).sum()) / total if total > 0 else 0.0


def angles(corners: Corners) -> tuple[float, float, float]:
    """Return by how many degrees a plate is seen from the side, from above or below, and turned in the picture.

    Through a long lens a plate is scaled and foreshortened evenly (weak perspective): the two edges, divided by
    their true lengths, are the first two rows of the rotation times one scale, which is their largest singular value.
    Near the perpendicular a pixel at a corner makes some ten degrees; the sign cannot be told.
    """
    top_left, top_right, bottom_right, bottom_left = corners.astype(np.float64)
    across = ((top_right - top_left) + (bottom_right - bottom_left)) / 2 / PLATE_INCHES[0]
    down = ((bottom_left - top_left) + (bottom_right - top_right)) / 2 / PLATE_INCHES[1]
    scale = np.linalg.svd(np.stack([across, down], axis=1), compute_uv=False)[0]
    if scale <= 0:
        return 0.0, 0.0, 0.0
    sideways, above = (
        float(np.degrees(np.arcsin(np.sqrt(max(0.0, 1 - float(edge @ edge) / scale**2))))) for edge in (across, down)
    )
    return sideways, above, float(np.degrees(np.arctan2(across[1], across[0])))


def blur_pixels(width: float, *, speed_mph: float, shutter_seconds: float, tilt_degrees: float) -> float:
    """Return by how many pixels a plate smears while the shutter is open.

    Args:
        width: pixels across the plate.
        speed_mph: of the vehicle.
        shutter_seconds: how long the shutter is open.
        tilt_degrees: between the line of sight and the road: what moves towards the camera moves little in its
            picture. Less than 15 degrees cannot be told from corners, and is taken for 15.

    """
    meters = speed_mph * 0.44704 * shutter_seconds
    return meters / PLATE_METERS * width * float(np.sin(np.radians(max(15.0, tilt_degrees))))
