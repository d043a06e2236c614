import cv2
import numpy as np
import pytest

from platepost.simulator.live.painter import WAY, WIDTH, Seen, encode, paint

CORNERS = np.array([[600, 300], [700, 300], [700, 350], [600, 350]], np.float32)


def seen(*, safe: bool, corners: np.ndarray = CORNERS) -> Seen:
    way = tuple((float(x), 200.0) for x in range(500, 500 + WAY))
    return Seen(corners, way, "7ABC123", 0.97, 3, 4, safe)


@pytest.mark.parametrize(("safe", "strongest"), [(True, 1), (False, 0)])
def test_a_passage_is_drawn_green_once_frames_agree_and_blue_before(safe: bool, strongest: int) -> None:  # noqa: FBT001 - a parameter
    view = paint(np.full((720, 1280, 3), 128, np.uint8), [seen(safe=safe)])
    assert view.shape == (540, WIDTH, 3)
    edge = view[round(300 * 0.75), round(650 * 0.75)]  # scaled to the view's width
    assert int(edge.argmax()) == strongest
    assert int(edge.max()) > 200
    assert (view[400:, :] == 128).all()


@pytest.mark.parametrize("x", [0, 1200])
@pytest.mark.parametrize("y", [0, 690])
def test_labels_stay_within_the_picture(x: int, y: int) -> None:
    corners = np.array([[x, y], [x + 80, y], [x + 80, y + 29], [x, y + 29]], np.float32)
    assert paint(np.zeros((720, 1280, 3), np.uint8), [seen(safe=True, corners=corners)]).any()


def test_a_picture_smaller_than_the_view_is_not_blown_up() -> None:
    small = paint(np.zeros((90, 160, 3), np.uint8), [])
    assert small.shape == (90, 160, 3)
    assert cv2.imdecode(np.frombuffer(encode(small), np.uint8), cv2.IMREAD_COLOR).shape == small.shape
