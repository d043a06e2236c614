import threading

import pytest

from platepost.simulator.live.pace import Pace
from tests.clocks import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(100.0)


def test_the_street_goes_at_its_factor_and_stands_still(clock: SteppedClock) -> None:
    pace = Pace(clock=clock.steady)
    clock.now += 2
    assert pace.seconds == pytest.approx(2)
    pace.set(factor=4, paused=False)
    clock.now += 2
    assert pace.seconds == pytest.approx(10)
    pace.set(factor=4, paused=True)
    clock.now += 100
    assert pace.seconds == pytest.approx(10)
    pace.set(factor=0.25, paused=False)
    clock.now += 4
    assert pace.seconds == pytest.approx(11)


@pytest.mark.parametrize("factor", [0.0, 0.1, 5.0, -1.0])
def test_a_factor_out_of_bounds_is_refused_and_changes_nothing(clock: SteppedClock, factor: float) -> None:
    pace = Pace(clock=clock.steady)
    with pytest.raises(ValueError, match="is not within"):
        pace.set(factor=factor, paused=False)
    clock.now += 1
    assert pace.seconds == pytest.approx(1)


def test_who_waits_is_woken_when_the_street_goes_on() -> None:
    pace = Pace()
    pace.set(factor=1, paused=True)
    assert not pace.wait_until(pace.seconds + 0.01, timeout=0.01)
    woken: list[bool] = []
    waiting = threading.Thread(target=lambda: woken.append(pace.wait_until(pace.seconds + 0.01, timeout=30)))
    waiting.start()
    pace.set(factor=4, paused=False)
    waiting.join(30)
    assert woken == [True]
