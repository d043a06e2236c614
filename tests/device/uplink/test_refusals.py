import pytest

from platepost.device.uplink.reasons import NOBODY
from platepost.device.uplink.refusals import EVERYTHING, Refusals
from tests.clocks import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(100.0)


@pytest.fixture
def refusals(clock: SteppedClock) -> Refusals:
    return Refusals(first=30.0, most=100.0, now=clock.steady, draw=max)


def test_a_refused_topic_is_held_and_then_on_trial(refusals: Refusals, clock: SteppedClock) -> None:
    assert refusals.refuse("a", "not_authorized")
    assert refusals.held() == {"a"}
    assert refusals.next_retry() == 30.0
    clock.now += 30.0
    assert refusals.held() == frozenset()
    assert refusals.on_trial("a")
    assert not refusals.on_trial("b")
    assert refusals.next_retry() is None


def test_one_is_forgotten_alone(refusals: Refusals) -> None:
    for topic in ("a", EVERYTHING):
        refusals.refuse(topic, "quota_exceeded")
    refusals.forget("a")
    refusals.forget("b")
    assert refusals.held() == {EVERYTHING}


def test_the_wait_doubles_up_to_the_most(refusals: Refusals, clock: SteppedClock) -> None:
    waits = []
    for _ in range(4):
        refusals.refuse("a", "not_authorized")
        (refusal,) = refusals.all()
        waits.append(refusal.retry_in_seconds)
        clock.now += refusal.retry_in_seconds
    assert waits == [30.0, 60.0, 100.0, 100.0]


def test_somebody_who_is_missing_is_asked_for_soon_and_often(clock: SteppedClock) -> None:
    refusals = Refusals(first=30.0, most=900.0, now=clock.steady, draw=max)
    waits = []
    for _ in range(9):
        refusals.refuse("a", NOBODY)
        (refusal,) = refusals.all()
        waits.append(refusal.retry_in_seconds)
        clock.now += refusal.retry_in_seconds
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_many_refusals_at_once_count_as_one(refusals: Refusals) -> None:
    for _ in range(20):
        refusals.refuse("a", "not_authorized")
    (refusal,) = refusals.all()
    assert (refusal.attempts, refusal.reason) == (1, "not_authorized")


def test_only_news_is_reported_as_news(refusals: Refusals, clock: SteppedClock) -> None:
    assert refusals.refuse("a", "not_authorized")
    clock.now += 30
    assert not refusals.refuse("a", "not_authorized")
    clock.now += 60
    assert refusals.refuse("a", "payload_format_invalid")


def test_acceptance_forgets(refusals: Refusals) -> None:
    refusals.refuse("a", "not_authorized")
    refusals.refuse("b", "not_authorized")
    refusals.refuse(EVERYTHING, "quota_exceeded")
    assert refusals.on_trial("c")
    refusals.accepted("a")
    assert [refusal.topic for refusal in refusals.all()] == ["b"]


def test_waits_are_drawn_apart(clock: SteppedClock) -> None:
    refusals = Refusals(first=30.0, most=100.0, now=clock.steady)
    for number in range(50):
        refusals.refuse(str(number), "server_busy")
    waits = {refusal.retry_in_seconds for refusal in refusals.all()}
    assert len(waits) == 50
    assert all(15.0 <= wait <= 30.0 for wait in waits)
