import pytest

from platepost.device.uplink.brokers import Backoff


def test_the_bound_doubles_up_to_the_most() -> None:
    backoff = Backoff(first=1.0, most=5.0, draw=lambda _low, high: high)
    assert [backoff.failed() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.failed() == 1.0


def test_the_jitter_is_full() -> None:
    backoff = Backoff(first=1.0, most=60.0)
    waits = []
    for _ in range(2000):
        backoff.reset()
        for _ in range(3):
            backoff.failed()
        waits.append(backoff.failed())
    assert min(waits) < 0.4
    assert max(waits) > 7.6
    assert sum(waits) / len(waits) == pytest.approx(4.0, abs=0.3)


def test_failures_for_years_do_not_overflow() -> None:
    backoff = Backoff(first=1.0, most=60.0, draw=lambda _low, high: high)
    backoff.failures = 10**9
    assert backoff.failed() == 60.0
