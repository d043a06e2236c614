"""The times of frames: by the camera's clock where it can be, by arrival otherwise."""

import random
from datetime import UTC, datetime, timedelta

from platepost.device.camera.rtsp.frame_times import LATE_SECONDS, FrameTimes, utc_of

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_jitter_does_not_change_the_distance_of_frames() -> None:
    times, draw = FrameTimes(), random.Random(1)
    delays = [0.05 + draw.expovariate(20) for _ in range(600)]
    delays[0] = 0.05
    taken = [
        times.date(n / 20, now=at(n / 20 + delay), monotonic=n / 20 + delay, reported=None).monotonic
        for n, delay in enumerate(delays)
    ]
    wrong = [abs(moment - (n / 20 + 0.05)) for n, moment in enumerate(taken)]
    assert max(wrong) < 0.04, "the least delay, and what a crystal may drift until the next frame that is as quick"


def test_a_frame_that_comes_when_the_next_begins_is_dated_when_it_began() -> None:
    times = FrameTimes(one_behind=True)
    stream = [0.0, 0.1, 0.2, 0.5, 0.6]  # one was left out
    arrival = [0.11, 0.21, 0.51, 0.61, 0.71]
    taken = [
        times.date(seconds, now=at(come), monotonic=come, reported=None).monotonic
        for seconds, come in zip(stream, arrival, strict=True)
    ]
    assert all(abs(moment - (seconds + 0.01)) < 0.002 for seconds, moment in list(zip(stream, taken, strict=True))[2:])


def test_time_is_never_turned_back_and_never_in_the_future() -> None:
    times, draw, last = FrameTimes(), random.Random(2), float("-inf")
    for number in range(2000):
        monotonic = number / 20 + draw.random()
        stream = draw.choice([number / 20, draw.uniform(-1e6, 1e6)])
        reported = draw.choice([None, at(monotonic + draw.uniform(-5, 5))])
        taken = times.date(stream, now=at(monotonic), monotonic=monotonic, reported=reported)
        assert taken.monotonic > last
        last = taken.monotonic


def test_a_report_is_used_while_it_agrees_with_this_unit_s_clock() -> None:
    times = FrameTimes()
    good = times.date(0, now=at(1), monotonic=1, reported=at(0.8))
    assert good.by_camera
    assert good.captured == at(0.8)
    for reported in (at(2 - LATE_SECONDS - 0.1), at(2.5), None):
        assert not times.date(1, now=at(2), monotonic=2, reported=reported).by_camera


def test_ticks_that_leap_begin_anew() -> None:
    times = FrameTimes()
    times.date(5000, now=at(1), monotonic=1, reported=None)
    assert abs(times.date(0, now=at(2), monotonic=2, reported=None).monotonic - 2) < 0.001


def test_a_clock_that_was_never_set_is_none() -> None:
    assert utc_of(3_600_000_000) is None
    assert utc_of(2**62) is None
    assert utc_of(1_772_366_400_000_000) == BEGIN
