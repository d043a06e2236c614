from device.condition.restless import MOST, REST_SECONDS, WINDOW_SECONDS, Restless


def come_and_go(thing: Restless, times: int, *, every: float, since: float = 0.0) -> list[bool]:
    """Let it come and go again; return whether it counted as there after each going."""
    gone = []
    for number in range(times):
        thing.see(there=True, now=since + number * every)
        assert thing.present
        thing.see(there=False, now=since + number * every + 0.3)
        gone.append(thing.present)
    return gone


def test_what_comes_seldom_goes_at_once() -> None:
    assert come_and_go(Restless(), 20, every=WINDOW_SECONDS / (MOST - 1)) == [False] * 20


def test_what_comes_often_goes_when_it_has_stayed_away() -> None:
    thing = Restless()
    assert come_and_go(thing, 10, every=1.0) == [False] * (MOST - 1) + [True] * (10 - MOST + 1)
    last = 9.3
    thing.see(there=False, now=last + REST_SECONDS - 0.1)
    assert thing.present
    thing.see(there=False, now=last + REST_SECONDS)
    assert not thing.present


def test_comings_that_nobody_could_tell_are_pointed_out() -> None:
    thing = Restless()
    come_and_go(thing, MOST, every=1.0)
    assert thing.see(there=True, now=10.0)
    assert not thing.see(there=True, now=10.3)
    assert not thing.see(there=False, now=10.6)


def test_once_it_rests_it_goes_at_once_again() -> None:
    thing = Restless()
    come_and_go(thing, 10, every=1.0)
    thing.see(there=False, now=10 + REST_SECONDS)
    assert come_and_go(thing, 1, every=1.0, since=10 + REST_SECONDS + WINDOW_SECONDS) == [False]
