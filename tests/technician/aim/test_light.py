import numpy as np
import pytest
from numpy.typing import NDArray

from platepost.technician.aim.watcher import REMEMBERED_SECONDS, LightSense, has_colors

GRAY = np.full((360, 640, 3), 90, np.uint8)


def vehicle() -> NDArray[np.uint8]:
    picture = GRAY.copy()
    picture[200:280, 300:400] = (160, 60, 40)
    return picture


def test_a_vehicle_has_colors_and_an_empty_road_has_none() -> None:
    assert has_colors(vehicle())
    assert not has_colors(GRAY)


def test_an_empty_gray_road_between_two_vehicles_is_seen_by_daylight() -> None:
    light = LightSense()
    assert light.update(GRAY, at=0.0, lamp=False) == "infrared"
    assert light.update(vehicle(), at=1.0, lamp=False) == "day"
    assert light.update(GRAY, at=1.0 + REMEMBERED_SECONDS, lamp=False) == "day"
    assert light.update(GRAY, at=1.1 + REMEMBERED_SECONDS, lamp=False) == "infrared"


@pytest.mark.parametrize("picture", [GRAY, vehicle()])
def test_under_the_lamp_it_is_infrared_whatever_colors_a_sensor_sees(picture: NDArray[np.uint8]) -> None:
    assert LightSense().update(picture, at=0.0, lamp=True) == "infrared"


def test_what_was_seen_before_the_lamp_was_switched_no_longer_counts() -> None:
    light = LightSense()
    light.update(vehicle(), at=0.0, lamp=False)
    light.forget()
    assert light.update(GRAY, at=0.1, lamp=False) == "infrared"
