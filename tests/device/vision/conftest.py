from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from platepost.device.frame import Frame
from platepost.device.vision.ctc import Hypothesis
from platepost.device.vision.reader import Glyph, Reading
from platepost.device.vision.recognizer import Plate
from platepost.device.vision.sighting import Sighting

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_reading(text: str, confidence: float = 0.9, *alternatives: tuple[str, float]) -> Reading:
    characters = tuple(Glyph(character, confidence) for character in text)
    return Reading(text, confidence, characters, tuple(Hypothesis(*other) for other in alternatives))


def make_sighting(
    second: float, *, text: str = "7ABC123", x: float = 100, y: float = 100, width: float = 100, confidence: float = 0.9
) -> Sighting:
    gray, color = np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3), np.uint8)
    frame = Frame(round(second * 20), NOON + timedelta(seconds=second), second, gray, lambda: color)
    corners = np.array([[x, y], [x + width, y], [x + width, y + width / 2], [x, y + width / 2]], np.float32)
    return Sighting(frame, Plate(make_reading(text, confidence), 0.9, corners), sharpness=1.0)


@pytest.fixture
def reading() -> Callable[..., Reading]:
    return make_reading


@pytest.fixture
def sighting() -> Callable[..., Sighting]:
    return make_sighting
