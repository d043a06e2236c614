from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from platepost.simulator.errors import ScenarioError, StuckError
from platepost.simulator.scenario import scheduler as schedulers
from platepost.simulator.scenario.scheduler import Scheduler, SimulatedThread

BEGINS = datetime(2026, 3, 3, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Happening:
    at: float
    name: str


def sleeper(
    diary: list[tuple[float, str]], scheduler: Scheduler, name: str, step: float
) -> Callable[[SimulatedThread], None]:
    def work(thread: SimulatedThread) -> None:
        while True:
            diary.append((scheduler.now, name))
            thread.sleep(step)

    return work


def test_everybody_has_a_turn_when_it_is_due_and_events_come_first() -> None:
    scheduler = Scheduler(BEGINS)
    diary: list[tuple[float, str]] = []
    scheduler.add_thread("slow", sleeper(diary, scheduler, "slow", 2.0))
    scheduler.add_thread("quick", sleeper(diary, scheduler, "quick", 1.5))
    scheduler.run([Happening(3.0, "event")], until=4.0, perform=lambda event: diary.append((scheduler.now, event.name)))
    scheduler.close()
    assert diary == [
        (0.0, "slow"),
        (0.0, "quick"),
        (1.5, "quick"),
        (2.0, "slow"),
        (3.0, "event"),
        (3.0, "quick"),
        (3.25, "slow"),  # the event wakes it
    ]
    assert scheduler.now == 4.0
    assert scheduler.utc() == datetime(2026, 3, 3, 8, 0, 4, tzinfo=UTC)


def test_time_stands_still_while_somebody_works() -> None:
    scheduler = Scheduler(BEGINS)
    seen = []

    def work(thread: SimulatedThread) -> None:
        seen.extend((scheduler.monotonic(), scheduler.wall()) for _ in range(3))
        thread.sleep(10)

    scheduler.add_thread("worker", work)
    scheduler.run([], until=5.0, perform=print)
    scheduler.close()
    assert len(set(seen)) == 1


def test_a_failure_in_a_post_ends_the_scenario() -> None:
    scheduler = Scheduler(BEGINS)

    def work(thread: SimulatedThread) -> None:
        thread.sleep(1)
        raise RuntimeError("broken")

    scheduler.add_thread("post", work)
    with pytest.raises(ScenarioError, match="post failed: broken"):
        scheduler.run([], until=5.0, perform=print)
    scheduler.close()


def test_who_does_not_come_to_rest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "TURN_SECONDS", 0.05)
    scheduler = Scheduler(BEGINS)
    released = []

    def work(_actor: SimulatedThread) -> None:
        while not released:
            pass

    scheduler.add_thread("post", work)
    with pytest.raises(StuckError, match="post neither slept nor ended"):
        scheduler.run([], until=5.0, perform=print)
    released.append(True)
    scheduler.close()


def test_wall_clock_lets_no_second_be_shorter_than_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []
    monkeypatch.setattr(schedulers, "sleep", slept.append)
    monkeypatch.setattr(schedulers.time, "monotonic", lambda: 100.0)
    scheduler = Scheduler(BEGINS, wall_clock=True)
    scheduler.run([Happening(2.0, "event")], until=3.0, perform=lambda _event: None)
    assert slept == [2.0, 3.0]
