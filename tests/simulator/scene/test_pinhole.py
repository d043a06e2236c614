import numpy as np
import pytest

from platepost.simulator.scene.pinhole import Pinhole


def test_project_puts_a_point_on_the_axis_in_the_middle() -> None:
    lens = Pinhole(640, 360, focal=1000, mount=3.0, pitch=10)
    ahead = 3.0 / np.tan(np.radians(10))

    (pixel,) = lens.project(np.array([[0.0, 0.0, ahead]]))

    assert pixel == pytest.approx([319.5, 179.5])


def test_project_scales_a_plate_with_focal_length_over_distance() -> None:
    lens = Pinhole(1280, 720, focal=4600, mount=0.5)
    left, right = lens.project(np.array([[-0.1524, 0.5, 12.0], [0.1524, 0.5, 12.0]]))

    assert right[0] - left[0] == pytest.approx(4600 * 0.3048 / 12.0)


@pytest.mark.parametrize(("pitch", "yaw", "roll"), [(8, 0, 0), (0, 5, 0), (0, 0, 3), (7, -4, 2)])
def test_matrix_agrees_with_project(pitch: float, yaw: float, roll: float) -> None:
    lens = Pinhole(640, 360, focal=900, mount=3, offset=0.4, pitch=pitch, yaw=yaw, roll=roll)
    points = np.array([[0.3, 0.5, 14.0], [-1.2, 1.1, 22.0], [2.0, 0.0, 40.0]])

    clip = np.c_[points, np.ones(3)] @ lens.matrix().T
    across = (clip[:, 0] / clip[:, 3] + 1) * 320 - 0.5
    down = (1 - clip[:, 1] / clip[:, 3]) * 180 - 0.5

    assert np.c_[across, down] == pytest.approx(lens.project(points))


def test_rays_lead_back_to_the_pixels_they_came_from(lens: Pinhole) -> None:
    rays = lens.rays(1)
    points = lens.position + rays[100:103, 200:203].reshape(-1, 3) * 12

    assert lens.project(points)[:3] == pytest.approx(np.array([[200, 100], [201, 100], [202, 100]]))


def test_pitch_looks_down(lens: Pinhole) -> None:
    assert lens.rays(1)[90, 160, 1] < 0
