"""Pictures of vehicles that never were: real JPEG of the size that posts send, with the plate's text drawn."""

import random
from typing import Literal

import cv2
import numpy as np

from platepost.wire.records import Picture

PATCH = (120, 60)
OVERVIEW = (640, 360)
"""Pixels, width and height."""
GRAIN = 13
"""Gray levels of a sensor's noise: without it the picture would be a third of the size that a camera's has."""


def pictures(text: str, draw: random.Random) -> tuple[Picture, Picture]:
    """Return the patch and the overview of a vehicle whose plate says `text`."""
    return _picture("patch", _plate(text, *PATCH)), _picture("overview", _vehicle(text, draw))


def _plate(text: str, width: int, height: int) -> "cv2.typing.MatLike":
    plate = np.full((height, width, 3), (236, 240, 240), np.uint8)
    cv2.rectangle(plate, (1, 1), (width - 2, height - 2), (90, 40, 20), 1)
    scale = 0.9 * width / 120 * 7 / max(7, len(text))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    origin = ((width - wide) // 2, (height + high) // 2)
    cv2.putText(plate, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (90, 40, 20), 2, cv2.LINE_AA)
    return plate


def _vehicle(text: str, draw: random.Random) -> "cv2.typing.MatLike":
    width, height = OVERVIEW
    street = np.full((height, width, 3), (96, 96, 92), np.uint8)
    street[: height // 3] = (190, 170, 150)
    color = tuple(draw.randrange(40, 220) for _ in range(3))
    left = draw.randrange(120, 300)
    cv2.rectangle(street, (left, 130), (left + 240, 300), color, -1)
    cv2.rectangle(street, (left + 30, 80), (left + 210, 140), (70, 60, 50), -1)
    for side in (left + 20, left + 180):
        cv2.rectangle(street, (side, 290), (side + 40, 330), (20, 20, 20), -1)
    street[240:270, left + 90 : left + 150] = _plate(text, 60, 30)
    grain = np.random.default_rng(draw.getrandbits(32)).integers(-GRAIN, GRAIN + 1, street.shape, dtype=np.int8)
    return np.asarray(np.clip(street + grain, 0, 255), dtype=np.uint8)


def _picture(kind: Literal["patch", "overview"], image: "cv2.typing.MatLike") -> Picture:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    height, width = image.shape[:2]
    return Picture.of(kind, encoded.tobytes(), width=width, height=height)
