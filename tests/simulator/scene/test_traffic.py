import numpy as np
import pytest

from platepost.simulator.scene.description import Clip, Passing, Scene
from platepost.simulator.scene.traffic import LANES, drives


def _scene(**passing: object) -> Scene:
    return Scene(
        clip=Clip(seed=1, seconds=4),
        passing=(Passing.model_validate({"text": "7ABC123", "at": 2.0, "mph": 30} | passing),),
        aim=12.4,
    )


@pytest.mark.parametrize(("direction", "sign"), [("approaching", -1), ("receding", 1)])
def test_a_vehicle_is_at_the_aim_point_when_the_scene_says(direction: str, sign: int) -> None:
    (drive,) = drives(_scene(direction=direction, lane=2))

    x, z = drive.place(2.0)

    assert z == pytest.approx(12.4)
    assert x == pytest.approx(LANES[2], abs=0.08)
    assert drive.place(3.0)[1] - z == pytest.approx(sign * 30 * 0.44704)


@pytest.mark.parametrize("direction", ["approaching", "receding"])
def test_a_vehicle_never_turns_far_from_its_lane(direction: str) -> None:
    (drive,) = drives(_scene(direction=direction))

    for time in np.linspace(0, 4, 9):
        street = drive.street(float(time))
        assert street[0, 0] > 0.999  # its own right stays the post's right
        assert np.linalg.det(street[:3, :3]) == pytest.approx(1)


def test_the_same_seed_gives_the_same_way() -> None:
    assert drives(_scene())[0].street(1.3) == pytest.approx(drives(_scene())[0].street(1.3), abs=0)
