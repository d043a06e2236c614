"""Plates drawn into pictures, for people to look at."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.recognizer import Plate

_GREEN = (64, 220, 64)
_AMBER = (0, 176, 255)
_DARK = (24, 24, 24)
_SURE = 0.9


def draw_plates(picture: NDArray[np.uint8], plates: Iterable[Plate]) -> NDArray[np.uint8]:
    """Return a copy of an H x W or H x W x 3 (BGR) picture with each plate's outline, text and confidence.

    Green is sure, amber is less than 90 % sure. The label stands above the plate where there is room, else below.
    """
    drawn = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture.copy()
    size = max(0.5, drawn.shape[1] / 1600)
    thickness = max(1, round(size * 2))
    for plate in plates:
        color = _GREEN if plate.reading.confidence >= _SURE else _AMBER
        cv2.polylines(
            drawn, [np.round(plate.corners).astype(np.int32)], isClosed=True, color=color, thickness=thickness
        )
        label = f"{plate.text} {plate.reading.confidence:.0%}"
        (width, height), base = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, size, thickness)
        left, top, _, bottom = plate.box
        x = int(np.clip(left, 0, max(0, drawn.shape[1] - width)))
        y = int(top) - base if top > height + 2 * base else int(bottom) + height + base
        cv2.rectangle(drawn, (x, y - height - base), (x + width, y + base), _DARK, cv2.FILLED)
        cv2.putText(drawn, label, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)
    return drawn  # type: ignore[return-value]
