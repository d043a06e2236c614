from platepost.device.camera.daylight import DAY_LUX, NIGHT_LUX, Daylight
from platepost.device.camera.tuning import UNIT


def test_night_falls_when_it_has_been_dark_for_a_minute_and_day_breaks_likewise() -> None:
    daylight = Daylight()
    assert not daylight.judge(NIGHT_LUX / 2, now=0)
    assert not daylight.judge(NIGHT_LUX / 2, now=UNIT.dwell_seconds - 1)
    assert daylight.judge(NIGHT_LUX / 2, now=UNIT.dwell_seconds)
    assert daylight.judge(DAY_LUX * 2, now=2 * UNIT.dwell_seconds)
    assert not daylight.judge(DAY_LUX * 2, now=3 * UNIT.dwell_seconds)


def test_headlights_make_no_day_and_a_shadow_no_night() -> None:
    daylight = Daylight()
    for second in range(0, 1000, 10):
        assert not daylight.judge(NIGHT_LUX / 2 if second % 60 else DAY_LUX, now=second)


def test_the_illuminators_own_light_makes_no_day() -> None:
    daylight = Daylight()
    daylight.judge(1, now=0)
    daylight.judge(1, now=UNIT.dwell_seconds)
    assert all(daylight.judge(DAY_LUX - 1, now=UNIT.dwell_seconds + second) for second in range(500))


def test_without_an_estimate_it_stays_day() -> None:
    daylight = Daylight()
    assert not any(daylight.judge(None, now=second) for second in range(0, 1000, 50))
