"""When a post looks whether its preferred broker is back."""

from platepost.device.uplink.brokers import Backoff, Brokers
from platepost.device.uplink.reasons import UNANSWERED
from platepost.device.uplink.refusals import Refusals
from platepost.device.uplink.settings import BrokerAddress
from tests.clocks import SteppedClock


def test_a_preferred_broker_that_acknowledges_nothing_is_tried_less_and_less_often_until_it_does() -> None:
    clock = SteppedClock(0.0)

    def mean(low: float, high: float) -> float:
        return (low + high) / 2

    brokers = Brokers(
        (BrokerAddress("first", 8883), BrokerAddress("second", 8883)),
        backoff=Backoff(first=1.0, most=120.0, draw=mean),
        refusals=Refusals(first=30.0, most=900.0, now=clock.steady, draw=mean),
        preferred_broker_check_seconds=600.0,
        now=clock.steady,
        draw=mean,
    )

    def minutes_away() -> float:
        brokers.connected()
        brokers.failed(UNANSWERED)
        assert brokers.current == BrokerAddress("second", 8883)
        brokers.connected()
        began = clock.now
        while not brokers.return_due():
            clock.now += 60.0
        brokers.turn_back()
        return (clock.now - began) / 60

    assert [minutes_away() for _ in range(8)] == [10, 10 * 2, 10 * 4, 10 * 8, 10 * 16, 10 * 32, 10 * 32, 10 * 32]
    brokers.connected()
    brokers.answered()
    assert minutes_away() == 10
