from dataclasses import replace

from platepost.device.health.supervision import CHECK_SECONDS
from platepost.device.health.watchdog import ATTEMPT_SECONDS, DELIVERY_SECONDS, FRAMES_SECONDS, Liveness, Watchdog
from platepost.device.uplink.settings import UplinkTiming
from tests.clocks import SteppedClock

WELL = Liveness(watching=True, frames=0, connected=True, attempts=0, acknowledged=0, owing=False)


def judged(evidences: list[tuple[float, Liveness]]) -> list[str | None]:
    """What a watchdog says of evidence, each so many seconds after the one before."""
    clock = SteppedClock(1000.0)
    watchdog = Watchdog(steady=clock.steady)
    said = []
    for seconds, evidence in evidences:
        clock.now += seconds
        said.append(watchdog.unfit(evidence))
    return said


def test_frames_that_stop_end_the_feeding_and_frames_that_come_resume_it() -> None:
    said = judged([(0, WELL), (FRAMES_SECONDS - 1, WELL), (2, WELL), (1, replace(WELL, frames=1))])
    assert said == [None, None, "no_frames", None]


def test_a_post_without_a_list_owes_no_frames() -> None:
    waiting = replace(WELL, watching=False)
    assert judged([(0, waiting), (10 * FRAMES_SECONDS, waiting), (FRAMES_SECONDS - 1, WELL)]) == [None] * 3


def test_records_that_lie_beside_an_open_connection_end_the_feeding() -> None:
    owing = [replace(WELL, frames=frame, owing=True) for frame in range(3)]
    moved = replace(owing[2], acknowledged=1)
    said = judged([(0, owing[0]), (DELIVERY_SECONDS - 1, owing[1]), (2, owing[2]), (1, moved)])
    assert said == [None, None, "no_delivery", None]


def test_a_broker_that_acknowledges_nothing_is_left_before_the_feeding_ends() -> None:
    assert UplinkTiming().acknowledge_seconds + 2 * CHECK_SECONDS < DELIVERY_SECONDS
    owing = [replace(WELL, frames=number, attempts=number, owing=True) for number in range(10)]
    assert set(judged([(DELIVERY_SECONDS - 1, each) for each in owing])) == {None}


def test_an_empty_outbox_owes_no_acknowledgment() -> None:
    idle = [replace(WELL, frames=frame) for frame in range(3)]
    assert judged([(0, idle[0]), (DELIVERY_SECONDS + 1, idle[1]), (DELIVERY_SECONDS + 1, idle[2])]) == [None] * 3


def test_an_absent_broker_is_absorbed_as_long_as_the_uplink_tries() -> None:
    away = replace(WELL, connected=False, owing=True)
    tries = [(60.0, replace(away, frames=number, attempts=number)) for number in range(7 * 24 * 60)]
    assert set(judged(tries)) == {None}


def test_an_uplink_that_no_longer_tries_ends_the_feeding() -> None:
    away = [replace(WELL, connected=False, attempts=4, frames=frame) for frame in range(2)]
    assert judged([(0, away[0]), (ATTEMPT_SECONDS + 1, away[1])]) == [None, "no_attempt"]
