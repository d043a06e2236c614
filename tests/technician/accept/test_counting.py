import pytest

from platepost.provisioning.errors import ProvisioningError
from platepost.technician.accept.counting import (
    REACH_SECONDS,
    ManualCount,
    Span,
    compare,
    least_read,
    wilson,
)
from platepost.technician.accept.service import AcceptanceCriteria, instruction, judged
from platepost.technician.commands.accept import _limits


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
    assert ManualCount(0, 0, 0).share == 0.0


def test_each_keystroke_is_matched_with_one_read_at_most() -> None:
    seen = [Span(0, 2), Span(10, 12), Span(11, 13), Span(30, 31)]
    assert compare([2.5, 12.5, 13.1, 20.0], seen) == ManualCount(vehicles=4, read=3, unseen=0)
    assert compare([2.5, 12.5, 33.0], seen) == ManualCount(vehicles=3, read=3, unseen=1)


def test_what_passed_before_and_after_the_count_is_not_held_against_anybody() -> None:
    assert compare([20.0], [Span(0, 2), Span(19, 20), Span(40, 41)]) == ManualCount(1, 1, 0)


def test_a_keystroke_far_from_every_read_is_a_vehicle_missed() -> None:
    assert compare([5.0, 15.0], [Span(4, 5)]) == ManualCount(2, 1, 0)
    assert compare([], [Span(4, 5)]) == ManualCount(0, 0, 0)


@pytest.mark.parametrize(
    ("vehicles", "share", "least"), [(30, 0.8, 29), (200, 0.8, 172), (16, 0.8, 16), (15, 0.8, None), (2, 0.0, 0)]
)
def test_as_many_must_be_read_as_the_interval_asks(vehicles: int, share: float, least: int | None) -> None:
    assert least_read(vehicles, share) == least
    if least:
        assert wilson(least, vehicles)[0] >= share > wilson(least - 1, vehicles)[0]


def test_it_is_said_which_vehicles_are_counted_when_and_how_many_may_be_missing() -> None:
    said = " ".join(instruction(AcceptanceCriteria()))
    assert "in the lane that this post is aimed at" in said
    assert "as it passes the place where you showed the test plate" in said
    assert f"up to {REACH_SECONDS:g} s sooner or later" in said
    assert "picture" not in said
    assert "At most 1 of the 30 may go unread" in said
    assert "At most 28 of the 200 may go unread" in " ".join(instruction(AcceptanceCriteria(vehicles=200)))
    assert "None of the 20 may go unread" in " ".join(instruction(AcceptanceCriteria(vehicles=20)))


@pytest.mark.parametrize(
    ("count", "wanted", "good"),
    [
        (ManualCount(30, 29, 4), 30, True),
        (ManualCount(30, 28, 0), 30, False),
        (ManualCount(16, 16, 0), 30, False),
        (ManualCount(29, 29, 0), 30, False),
        (ManualCount(199, 199, 0), 200, False),
    ],
)
def test_a_count_that_was_ended_early_is_not_good(*, count: ManualCount, wanted: int, good: bool) -> None:
    found = judged(count, AcceptanceCriteria(vehicles=wanted))
    assert found.good is good
    assert (f"before all {wanted} vehicles" in found.said) is (count.vehicles < wanted)


def test_a_count_that_could_never_be_enough_is_refused() -> None:
    with pytest.raises(ProvisioningError, match="limit vehicles=15 are too few to show least_share"):
        _limits(("vehicles=15",))
    assert _limits(("vehicles=15", "least_share=0.79")).unread == 0
