from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from platepost.device.vision.closer import MOST, PLAIN, PLATE_WIDTH, closer, confirmed
from platepost.device.vision.detector import HEIGHT, NEAR_HEIGHT, NEAR_WIDTH, WIDTH, Detection


def square(left: float, top: float, width: float) -> np.ndarray:
    right, bottom = left + width, top + width / 2
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


class Seeing:
    """A detector that finds what is brighter than gray, by its upright box."""

    def __init__(self, score: float = 0.9, near: object = None) -> None:
        self.score = score
        self.near = near
        self.canvases: list[np.ndarray] = []

    def find(self, canvas: np.ndarray) -> list[Detection]:
        self.canvases.append(canvas.copy())
        rows, columns = np.nonzero(canvas > 150)
        if not len(rows):
            return []
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        return [Detection(self.score, np.array(corners, np.float32))]


def frame(*places: tuple[int, int, int]) -> np.ndarray:
    gray = np.full((720, 1280), 60, np.uint8)
    for left, top, width in places:
        gray[top : top + width // 2, left : left + width] = 250
    return gray


@pytest.mark.parametrize("place", [(600, 300, 60), (2, 1, 80), (1100, 600, 170), (300, 200, 500)])
def test_corners_that_were_off_come_half_way_to_the_plate(place: tuple[int, int, int]) -> None:
    left, top, width = place
    true, off = square(left, top, width), square(left - width * 0.05, top, width * 1.1)
    detector: Any = Seeing()
    (better,) = closer(detector, frame(place), [Detection(0.8, off)])
    assert better == pytest.approx((true + off) / 2, abs=width * 0.02 + 0.5)


def test_each_plate_is_looked_at_alone_in_the_smaller_input_where_there_is_one() -> None:
    places = [(100 + 300 * number, 300, 60) for number in range(3)]
    for near, shape in ((None, (HEIGHT, WIDTH)), ("there", (NEAR_HEIGHT, NEAR_WIDTH))):
        detector: Any = Seeing(near=near)
        better = closer(detector, frame(*places), [Detection(0.8, square(*place)) for place in places])
        assert [canvas.shape for canvas in detector.canvases] == [shape] * 3
        for canvas, corners, place in zip(detector.canvases, better, places, strict=True):
            assert (canvas > 150).sum() == pytest.approx(PLATE_WIDTH**2 / 2, rel=0.05)
            assert corners == pytest.approx(square(*place), abs=1.5)


def test_beyond_six_and_what_is_not_found_again_stay_as_they_were() -> None:
    places = [(100 + 150 * number, 300, 60) for number in range(MOST + 1)]
    detections = [Detection(0.8, square(*place)) for place in places]
    detector: Any = Seeing()
    assert closer(detector, frame(*places), detections)[MOST] is detections[MOST].corners
    assert len(detector.canvases) == MOST
    blind: Any = SimpleNamespace(find=lambda _canvas: [], near=None)
    assert closer(blind, frame(), detections[:1])[0] is detections[0].corners


def test_nothing_doubtful_costs_nothing() -> None:
    detector: Any = Seeing()
    assert closer(detector, frame(), []) == []
    assert detector.canvases == []


def test_what_is_seen_faintly_is_a_plate_if_it_is_plainly_one_from_nearer() -> None:
    gray, faint = frame((600, 300, 60)), [Detection(0.3, square(598, 300, 64)), Detection(0.3, square(200, 100, 60))]
    plain: Any = Seeing(PLAIN)
    (found,) = confirmed(plain, gray, faint)
    assert found.score == PLAIN
    assert found.corners == pytest.approx((square(600, 300, 60) + faint[0].corners) / 2, abs=2)
    still_faint: Any = Seeing(PLAIN - 0.1)
    assert confirmed(still_faint, gray, faint) == []
