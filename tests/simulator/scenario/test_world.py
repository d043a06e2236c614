from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from platepost.simulator.errors import ScenarioError, StuckError
from platepost.simulator.scenario import world as worlds
from platepost.simulator.scenario.world import SimulatedThread, World

BEGINS = datetime(2026, 3, 3, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Happening:
    at: float
    name: str


def sleeper(diary: list[tuple[float, str]], world: World, name: str, step: float) -> Callable[[SimulatedThread], None]:
    def work(thread: SimulatedThread) -> None:
        while True:
            diary.append((world.now, name))
            thread.sleep(step)

    return work


def test_everybody_has_a_turn_when_it_is_due_and_events_come_first() -> None:
    world = World(BEGINS)
    diary: list[tuple[float, str]] = []
    world.enter("slow", sleeper(diary, world, "slow", 2.0))
    world.enter("quick", sleeper(diary, world, "quick", 1.5))
    world.live([Happening(3.0, "event")], until=4.0, perform=lambda event: diary.append((world.now, event.name)))
    world.close()
    assert diary == [
        (0.0, "slow"),
        (0.0, "quick"),
        (1.5, "quick"),
        (2.0, "slow"),
        (3.0, "event"),
        (3.0, "quick"),
        (3.25, "slow"),  # the event wakes it
    ]
    assert world.now == 4.0
    assert world.utc() == datetime(2026, 3, 3, 8, 0, 4, tzinfo=UTC)


def test_time_stands_still_while_somebody_works() -> None:
    world = World(BEGINS)
    seen = []

    def work(thread: SimulatedThread) -> None:
        seen.extend((world.steady(), world.wall()) for _ in range(3))
        thread.sleep(10)

    world.enter("worker", work)
    world.live([], until=5.0, perform=print)
    world.close()
    assert len(set(seen)) == 1


def test_a_failure_in_a_post_ends_the_scenario() -> None:
    world = World(BEGINS)

    def work(thread: SimulatedThread) -> None:
        thread.sleep(1)
        raise RuntimeError("broken")

    world.enter("post", work)
    with pytest.raises(ScenarioError, match="post failed: broken"):
        world.live([], until=5.0, perform=print)
    world.close()


def test_who_does_not_come_to_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "TURN_SECONDS", 0.05)
    world = World(BEGINS)
    released = []

    def work(_actor: SimulatedThread) -> None:
        while not released:
            pass

    world.enter("post", work)
    with pytest.raises(StuckError, match="post did not come to rest"):
        world.live([], until=5.0, perform=print)
    released.append(True)
    world.close()


def test_wall_clock_lets_no_second_be_shorter_than_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []
    monkeypatch.setattr(worlds, "sleep", slept.append)
    monkeypatch.setattr(worlds.time, "monotonic", lambda: 100.0)
    world = World(BEGINS, wall_clock=True)
    world.live([Happening(2.0, "event")], until=3.0, perform=lambda _event: None)
    assert slept == [2.0, 3.0]
