import pytest

from provisioning.accept.counting import Count, Span, compare, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Brown, Cai and DasGupta's formula, worked by hand to three digits.
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
        (30, 30, 0.886, 1.0),
        (29, 30, 0.833, 0.994),
        (190, 200, 0.910, 0.973),
        (5, 10, 0.237, 0.763),
    ],
)
def test_the_interval_is_wilson_s(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=0.001)


def test_without_a_trial_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert Count(0, 0, 0).share == 0.0


def test_each_keystroke_is_matched_with_one_read_at_most() -> None:
    seen = [Span(0, 2), Span(10, 12), Span(11, 13), Span(30, 31)]
    assert compare([2.5, 12.5, 13.1, 20.0], seen) == Count(vehicles=4, read=3, unseen=0)
    assert compare([2.5, 12.5, 33.0], seen) == Count(vehicles=3, read=3, unseen=1)


def test_what_passed_before_and_after_the_count_is_not_held_against_anybody() -> None:
    assert compare([20.0], [Span(0, 2), Span(19, 20), Span(40, 41)]) == Count(1, 1, 0)


def test_a_keystroke_far_from_every_read_is_a_vehicle_missed() -> None:
    assert compare([5.0, 15.0], [Span(4, 5)]) == Count(2, 1, 0)
    assert compare([], [Span(4, 5)]) == Count(0, 0, 0)
