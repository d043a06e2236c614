import numpy as np
import pytest

from platepost.device.camera.exposure import (
    BEGIN_AGAIN_SECONDS,
    FASTEST,
    PLATELESS_SECONDS,
    REST_SECONDS,
    TARGET_PLATE,
    TARGET_ROAD,
    Exposure,
    Limits,
    PlateMeter,
)
from platepost.device.camera.exposure_settings import longest_shutter

LIMITS = Limits(longest_microseconds=400, most_gain=8)


def settle(meter: PlateMeter, brightness: float, *, plate: bool = True, frames: int = 30) -> float:
    """Play a scene whose level follows the exposure, and return the level it ends with."""
    now = PLATELESS_SECONDS + 1
    level = 0.0
    for _ in range(frames):
        level = min(255.0, brightness * meter.exposure.amount)
        gray = np.full((90, 160), level, np.uint8)
        meter.judge(gray, [gray[:20, :40]] if plate else [], now=now)
        now += REST_SECONDS
    return level


@pytest.mark.parametrize("brightness", [0.1, 0.3, 1.0, 3.0])
def test_plates_end_at_their_target_whatever_the_light(brightness: float) -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=False)
    assert settle(meter, brightness) == pytest.approx(TARGET_PLATE, rel=0.16)


def test_exposure_stays_within_its_limits() -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=True)
    settle(meter, 1e-6)
    assert meter.exposure == Exposure(400, 8.0)
    settle(meter, 1e6)
    assert meter.exposure == Exposure(LIMITS.shortest_microseconds, 1.0)


def test_gain_is_used_only_where_the_shutter_does_not_reach() -> None:
    assert LIMITS.exposure(300) == Exposure(300, 1.0)
    assert LIMITS.exposure(800) == Exposure(400, 2.0)


def test_a_start_beyond_the_longest_shutter_is_brought_within() -> None:
    assert PlateMeter(LIMITS, Exposure(800, 1.0), by_road=True).exposure == Exposure(400, 2.0)


def test_by_day_the_road_guides_while_no_plate_comes() -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=True)
    assert settle(meter, 0.5, plate=False) == pytest.approx(TARGET_ROAD, rel=0.16)


def test_by_night_an_empty_road_changes_nothing() -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=False)
    settle(meter, 0.001, plate=False)
    assert meter.exposure == Exposure(400, 2.0)


@pytest.mark.parametrize("level", [255, 10])
def test_what_was_taken_for_a_plate_does_not_spoil_the_rest_of_the_night(level: int) -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=False)
    lamp = np.full((90, 160), level, np.uint8)
    now = 0.0
    for _ in range(20):
        meter.judge(lamp, [lamp], now=now)
        now += REST_SECONDS
    spoiled = meter.exposure
    assert spoiled in {Exposure(LIMITS.shortest_microseconds, 1.0), Exposure(400, 8.0)}
    empty = np.zeros((90, 160), np.uint8)
    assert meter.judge(empty, [], now=now + BEGIN_AGAIN_SECONDS / 2) is None
    assert meter.judge(empty, [], now=now + BEGIN_AGAIN_SECONDS) == Exposure(400, 2.0)
    assert meter.judge(empty, [], now=now + 2 * BEGIN_AGAIN_SECONDS) is None


def test_a_change_is_given_time_to_show() -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=False)
    dark = np.full((20, 40), 40, np.uint8)
    assert meter.judge(dark, [dark], now=0.0) is not None
    assert meter.judge(dark, [dark], now=REST_SECONDS / 2) is None
    assert meter.judge(dark, [dark], now=REST_SECONDS) is not None


def test_the_shutter_follows_from_the_road() -> None:
    usual = longest_shutter(fastest_kmh=130, angle_degrees=20, plate_pixels=130, blur_pixels=2)
    # 36.1 m/s across at sin 20 degrees, 426 pixels a meter: 5264 pixels a second.
    assert usual == pytest.approx(380, abs=1)
    assert longest_shutter(fastest_kmh=65, angle_degrees=20, plate_pixels=130, blur_pixels=2) == pytest.approx(
        2 * usual, abs=1
    )
    assert longest_shutter(fastest_kmh=130, angle_degrees=2, plate_pixels=60, blur_pixels=5) == 699


def test_plates_that_are_burnt_out_are_darkened_as_fast_as_may_be() -> None:
    meter = PlateMeter(LIMITS, Exposure(400, 2.0), by_road=False)
    burnt = np.full((20, 40), 255, np.uint8)
    wanted = meter.judge(burnt, [burnt], now=0.0)
    assert wanted is not None
    assert wanted.amount == pytest.approx(800 / FASTEST)
