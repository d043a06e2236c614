from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from platepost.device.vision.ctc import Hypothesis
from platepost.device.vision.detector import Detection
from platepost.models.lettering.scenes import Thing, build, look
from platepost.models.scenes.photos import Photo

PLATE, SIGN, UNKNOWN = (100, 100, 200, 150), (300, 100, 420, 150), (500, 100, 600, 150)


def corners(box: tuple[float, ...]) -> np.ndarray:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def kinds(*boxes: tuple[float, ...], text: str = "ABC123") -> list[str]:
    """Say what is made of what a detector points at."""
    found = [Detection(0.6, corners(box)) for box in boxes]
    detector: Any = SimpleNamespace(detect=lambda _gray, minimum_score: found)  # noqa: ARG005
    reader: Any = SimpleNamespace(observe=lambda _: SimpleNamespace(hypotheses=[Hypothesis(text, 0.9)]))
    known, unknown = [Thing(PLATE, "real"), Thing(SIGN, "lettering")], [Thing(UNKNOWN, "doubtful")]
    return [seen.kind for seen in look(np.zeros((400, 700), np.uint8), known, unknown, detector, reader)]


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ((105, 98, 206, 152), "real"),
        ((290, 95, 430, 155), "lettering"),
        ((300, 100, 340, 150), "lettering"),
        ((20, 300, 120, 350), "found"),
        ((150, 100, 280, 150), None),
        ((510, 110, 610, 150), None),
    ],
    ids=["plate", "sign", "part of a sign", "elsewhere", "half a plate", "nobody knows"],
)
def test_what_is_found_is_what_it_lies_upon(box: tuple[float, ...], kind: str | None) -> None:
    assert kinds(box) == ([kind] if kind else [])


def test_what_says_nothing_is_left_out() -> None:
    assert kinds(PLATE, text="A1") == []


def test_things_are_pasted_beside_what_is_there() -> None:
    gray = np.random.default_rng(1).integers(90, 120, (600, 800, 1), np.uint8)
    box = np.array([[300, 250, 400, 300]], np.float32)
    photo = Photo("a", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR).astype(np.uint8), box)
    rng, pasted = np.random.default_rng(2), []
    for _ in range(6):
        picture, known, unknown = build(photo, rng, [])
        assert picture.ndim == 2
        assert 600 <= picture.shape[1] <= 1300
        assert unknown == []
        real, *others = known
        assert real.kind == "real"
        pasted += [thing.kind for thing in others]
        for place, thing in enumerate(known):
            for other in known[:place]:
                apart = [
                    thing.box[side] >= other.box[2 + side] or other.box[side] >= thing.box[2 + side] for side in (0, 1)
                ]
                assert any(apart), "nothing covers anything else"
    assert {"drawn", "lettering"} <= set(pasted)
    assert pasted.count("lettering") > pasted.count("drawn")
