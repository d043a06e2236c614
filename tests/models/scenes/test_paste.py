import numpy as np
import pytest

from platepost.models.scenes.paste import Pose, paste, project_corners


def test_frontal_plate_is_a_rectangle_of_its_width() -> None:
    corners = project_corners(width=60, aspect=2, centre=(100, 50), pose=Pose())
    assert np.allclose(corners, [[70, 35], [130, 35], [130, 65], [70, 65]], atol=1e-3)


@pytest.mark.parametrize(
    ("pose", "smaller"),
    [(Pose(yaw=0.8), (0, 2)), (Pose(yaw=-0.8), (0, 2)), (Pose(pitch=0.8), (1, 3)), (Pose(pitch=-0.8), (1, 3))],
)
def test_turned_plate_is_foreshortened(pose: Pose, smaller: tuple[int, int]) -> None:
    front = project_corners(width=100, aspect=2, centre=(0, 0), pose=Pose())
    turned = project_corners(width=100, aspect=2, centre=(0, 0), pose=pose)
    a, b = {(0, 2): (0, 1), (1, 3): (0, 3)}[smaller]
    assert np.linalg.norm(turned[a] - turned[b]) < 0.9 * np.linalg.norm(front[a] - front[b])


def test_roll_turns_clockwise_on_the_picture() -> None:
    corners = project_corners(width=100, aspect=2, centre=(0, 0), pose=Pose(roll=0.3))
    assert corners[1, 1] > corners[0, 1]


def test_plate_lies_where_the_corners_say() -> None:
    background = np.zeros((120, 200, 3), np.uint8)
    corners = np.array([[50, 30], [130, 40], [128, 80], [48, 70]], np.float32)
    paste(background, np.full((50, 100, 3), 255, np.uint8), corners)
    rows, columns = np.nonzero(background[..., 0] > 127)
    assert columns.min() == pytest.approx(48, abs=1)
    assert columns.max() + 1 == pytest.approx(130, abs=1)
    assert rows.min() == pytest.approx(30, abs=1)
    assert rows.max() + 1 == pytest.approx(80, abs=1)
    # The shoelace area of the corners.
    x, y = corners.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert background[..., 0].sum() / 255 == pytest.approx(area, rel=0.005)


def test_picture_keeps_its_reading_order() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:20, :40] = 255
    background = np.full((100, 200, 3), 90, np.uint8)
    paste(background, picture, np.array([[40, 20], [160, 20], [160, 80], [40, 80]], np.float32))
    assert background[30, 60].tolist() == [255, 255, 255]
    assert background[30, 140].tolist() == [0, 0, 0]
    assert background[70, 60].tolist() == [0, 0, 0]


def test_transparent_parts_show_the_background() -> None:
    picture = np.full((40, 80, 4), 255, np.uint8)
    picture[:, 40:, 3] = 0
    background = np.full((100, 200, 3), 90, np.uint8)
    paste(background, picture, np.array([[40, 20], [160, 20], [160, 80], [40, 80]], np.float32))
    assert background[50, 60].tolist() == [255, 255, 255]
    assert background[50, 140].tolist() == [90, 90, 90]


def test_outside_of_the_background_nothing_happens() -> None:
    background = np.full((50, 50, 3), 7, np.uint8)
    far = np.array([[400, 400], [440, 400], [440, 420], [400, 420]], np.float32)
    paste(background, np.full((20, 40, 3), 255, np.uint8), far, blur=0.5)
    assert (background == 7).all()
