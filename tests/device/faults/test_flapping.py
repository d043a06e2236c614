from hypothesis import given
from hypothesis import strategies as st

from platepost.device.faults.flapping import (
    LONGEST_REST_SECONDS,
    MOST,
    REST_SECONDS,
    WINDOW_SECONDS,
    FlapDamper,
    FlapDampers,
)

MOST_AN_HOUR = 13
"""What the longest rests leave room for."""


def come_and_go(thing: FlapDamper, times: int, *, every: float, since: float = 0.0) -> list[bool]:
    """Let it come and go again; return whether it counted as there after each going."""
    gone = []
    for number in range(times):
        thing.update(there=True, now=since + number * every)
        assert thing.present
        thing.update(there=False, now=since + number * every + 0.3)
        gone.append(thing.present)
    return gone


def test_what_comes_seldom_goes_at_once() -> None:
    assert come_and_go(FlapDamper(), 20, every=WINDOW_SECONDS / (MOST - 1)) == [False] * 20


def test_what_comes_often_goes_when_it_has_stayed_away() -> None:
    thing = FlapDamper()
    assert come_and_go(thing, 10, every=1.0) == [False] * (MOST - 1) + [True] * (10 - MOST + 1)
    last = 9.3
    thing.update(there=False, now=last + REST_SECONDS - 0.1)
    assert thing.present
    thing.update(there=False, now=last + REST_SECONDS)
    assert not thing.present


def test_comings_that_nobody_could_tell_are_pointed_out() -> None:
    thing = FlapDamper()
    come_and_go(thing, MOST, every=1.0)
    assert thing.update(there=True, now=10.0)
    assert not thing.update(there=True, now=10.3)
    assert not thing.update(there=False, now=10.6)


def test_once_it_rests_it_goes_at_once_again() -> None:
    thing = FlapDamper()
    come_and_go(thing, 10, every=1.0)
    thing.update(there=False, now=10 + REST_SECONDS)
    assert come_and_go(thing, 1, every=1.0, since=10 + REST_SECONDS + WINDOW_SECONDS) == [False]


def test_what_comes_back_after_each_rest_must_rest_ever_longer_and_not_for_ever() -> None:
    thing, now, rests = FlapDamper(), 0.0, []
    while now < 3 * WINDOW_SECONDS:
        thing.update(there=True, now=now)
        went = now
        while thing.present:
            thing.update(there=False, now=now)
            now += 1.0
        rests.append(now - 1.0 - went)
    assert rests[: MOST + 3] == [0.0] * (MOST - 1) + [REST_SECONDS * factor for factor in (1, 2, 4, 8)]
    assert max(rests) == LONGEST_REST_SECONDS
    assert len(rests) <= 3 * 10


@given(st.lists(st.tuples(st.floats(0.25, 900), st.floats(0.25, 900)), min_size=20, max_size=100))
def test_however_it_flaps_it_comes_seldom_is_told_at_once_and_goes_in_time(flaps: list[tuple[float, float]]) -> None:
    dampers, now, came, before = FlapDampers[str](), 0.0, list[float](), False
    for there, away in flaps:
        assert dampers.settle({"it"}, now=now) == {"it"}
        came += [] if before else [now]
        dampers.settle(set(), now=now + there)
        now += there + away
        before = dampers.settle(set(), now=now) == {"it"}
        assert not (before and away >= LONGEST_REST_SECONDS)
    for last in came:
        assert sum(last - WINDOW_SECONDS < at <= last for at in came) <= MOST_AN_HOUR


def test_each_thing_rests_by_itself() -> None:
    dampers = FlapDampers[str]()
    for now in range(10):
        dampers.settle({"loose"} if now % 2 else set(), now=now)
    assert dampers.settle({"fast"}, now=10.0) == {"loose", "fast"}
    assert dampers.settle(set(), now=11.0) == {"loose"}


def test_what_rests_is_forgotten() -> None:
    dampers = FlapDampers[int]()
    for version in range(100):
        dampers.settle({version}, now=version * 3600.0)
    assert len(dampers._things) <= 2
