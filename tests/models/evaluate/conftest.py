from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from platepost.device.frame import Box
from platepost.device.vision.reader import Glyph, Reading
from platepost.device.vision.recognizer import Milliseconds, Plate, Recognition
from platepost.device.vision.region import Issuer
from platepost.models.evaluate.manifest import LabelledPicture, TruePlate
from platepost.models.evaluate.metrics import PictureResult, compare

FoundText = tuple[str, float, Box]
Compare = Callable[[list[tuple[str | None, Box | None]], list[FoundText]], PictureResult]


def _plate(text: str, confidence: float, box: Box, region: str | None) -> Plate:
    left, top, right, bottom = box
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    characters = tuple(Glyph(character, confidence) for character in text)
    reading = Reading(text=text, confidence=confidence, characters=characters, alternatives=())
    return Plate(reading, 0.9, corners, Issuer(region, 0.99) if region else None)


@pytest.fixture
def outcome() -> Compare:
    """Compare a picture's true plates (text, box) with those found (text, confidence, box); all of one issuer."""

    def make(
        truth: list[tuple[str | None, Box | None]], found: list[FoundText], path: Path = Path("a.jpg"), *,
        region: str | None = None, claimed: str | None = None,
    ) -> PictureResult:  # fmt: skip
        picture = LabelledPicture(path, tuple(TruePlate(text, box, region) for text, box in truth))
        plates = tuple(_plate(*plate, claimed) for plate in found)
        return compare(picture, Recognition(plates, Milliseconds(detect=5.0, read=2.0, total=7.0)))

    return make
