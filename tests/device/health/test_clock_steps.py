from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_mock import MockerFixture

from device.clock.timekeeper import Timekeeper
from device.health.clock_steps import ClockStepMonitor
from device.records import ClockQuality

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that is set and vouched for by hand, and a watch over it."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.wall, self.synchronised = NOON, False
        self.auditor, self.changes = mocker.Mock(), mocker.Mock()
        keeper = Timekeeper(
            None,
            quality=lambda: ClockQuality(source="chrony", synchronised=self.synchronised),
            wall=self._seconds,
            steady=lambda: 0.0,
        )
        self.watch = ClockStepMonitor(keeper, self.auditor, hotlist=lambda: None, changed=self.changes)

    def _seconds(self) -> float:
        return self.wall.timestamp()

    def tick(self) -> int:
        self.watch.tick()
        return int(self.changes.call_count)

    def audited(self) -> list[Any]:
        return [call.args[0] for call in self.auditor.say.call_args_list]


def test_a_step_is_audited_and_what_a_wrong_clock_prevented_is_tried_again(mocker: MockerFixture) -> None:
    clock = Clock(mocker)
    assert clock.tick() == 0
    clock.wall += timedelta(days=10)
    assert clock.tick() == 1
    assert clock.audited() == ["clock_stepped"]
    assert clock.tick() == 1


def test_a_clock_that_is_vouched_for_changes_what_can_be_tried(mocker: MockerFixture) -> None:
    clock = Clock(mocker)
    clock.tick()
    clock.synchronised = True
    assert clock.tick() == 1
    assert clock.audited() == []
