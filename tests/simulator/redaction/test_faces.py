import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.simulator.redaction.faces import Faces, tiles


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


def drawn_face(size: int, *, width: int = 640, height: int = 360) -> NDArray[np.uint8]:
    """A face of no one's, `size` high, in the middle of a gray room."""
    picture = np.full((height, width, 3), (120, 130, 125), np.uint8)
    scale = size / 200

    def ellipse(x: float, y: float, size: tuple[float, float], color: tuple[int, int, int], angle: int = 0) -> None:
        center = (round(width / 2 + x * scale), round(height / 2 + y * scale))
        axes = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        cv2.ellipse(picture, center, axes, angle, 0, 360, color, cv2.FILLED, cv2.LINE_AA)

    ellipse(0, -20, (78, 95), (40, 45, 60))
    ellipse(0, 90, (40, 50), (120, 150, 195))
    ellipse(0, 0, (66, 86), (140, 170, 215))
    ellipse(0, -70, (70, 45), (40, 45, 60))
    for side in (-1, 1):
        ellipse(side * 27, -12, (15, 8), (245, 245, 245))
        ellipse(side * 27, -12, (7, 7), (60, 50, 40))
        ellipse(side * 27, -30, (18, 5), (50, 60, 80), side * -6)
        ellipse(side * 66, 0, (9, 18), (130, 160, 205))
    ellipse(0, 12, (9, 24), (150, 182, 225))
    ellipse(0, 28, (14, 7), (130, 158, 205))
    ellipse(0, 52, (26, 9), (110, 110, 190))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.6), dtype=np.uint8)


@pytest.mark.parametrize("size", [60, 120, 220])
def test_a_face_is_found_where_it_is(faces: Faces, size: int) -> None:
    sure = [find for find in faces.find(drawn_face(size)) if find.score >= 0.5]
    assert sure
    left, top, right, bottom = sure[0].box
    assert left < 320 < right
    assert top < 180 < bottom
    assert 0.3 * size < right - left < 1.2 * size


def test_an_empty_room_holds_no_face(faces: Faces) -> None:
    assert [find for find in faces.find(np.full((360, 640, 3), 120, np.uint8)) if find.score >= 0.5] == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (100, 700), (50, 50)])
def test_every_place_is_looked_at(width: int, height: int) -> None:
    looked = np.zeros((height, width), bool)
    for left, top, side in tiles(width, height):
        looked[top : top + side, left : left + side] = True
    assert looked.all()
