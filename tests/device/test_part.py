"""When a part does what it does now and then."""

from platepost.device.part import Interval


def test_an_interval_is_due_at_once_and_then_when_its_time_has_passed() -> None:
    interval = Interval(60.0)
    assert [now for now in (1000.0, 1000.0, 1059.9, 1060.0, 1060.1, 1200.0, 1259.9) if interval.due(now)] == [
        1000.0,
        1060.0,
        1200.0,
    ]


def test_another_length_counts_from_the_next_time_that_it_is_due() -> None:
    interval = Interval(60.0)
    assert interval.due(0.0)
    interval.seconds = 10.0
    assert [now for now in (10.0, 59.0, 60.0, 69.0, 70.0) if interval.due(now)] == [60.0, 70.0]
