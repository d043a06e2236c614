from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_mock import MockerFixture

from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.health.clock_steps import ClockStepMonitor
from platepost.wire.faults import Fault
from platepost.wire.records import ClockQuality

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that is set and vouched for by hand, and a watch over it."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.wall, self.steady, self.synchronised = NOON, 0.0, False
        self.audit, self.download, self.uplink = mocker.Mock(), mocker.Mock(), mocker.Mock()
        keeper = Timekeeper(
            None,
            quality=lambda: ClockQuality(source="chrony", synchronised=self.synchronised),
            ends=NOON + timedelta(days=400),
            wall=self._seconds,
            steady=lambda: self.steady,
        )
        self.monitor = ClockStepMonitor(
            keeper,
            self.audit,
            mocker.Mock(),
            hotlist=mocker.Mock(current=None),
            download=self.download,
            uplink=self.uplink,
        )

    def _seconds(self) -> float:
        return self.wall.timestamp()

    def poll(self) -> int:
        self.monitor.poll(0.0)
        assert self.download.clock_changed.call_count == self.uplink.retry_now.call_count
        return int(self.uplink.retry_now.call_count)

    def audited(self) -> list[Any]:
        return [call.args[0] for call in self.audit.record.call_args_list]


def test_a_step_is_audited_and_what_a_wrong_clock_prevented_is_tried_again(mocker: MockerFixture) -> None:
    clock = Clock(mocker)
    assert clock.poll() == 0
    clock.wall += timedelta(days=10)
    assert clock.poll() == 1
    assert clock.audited() == ["clock_stepped"]
    assert clock.poll() == 1


def test_a_clock_that_is_vouched_for_changes_what_can_be_tried(mocker: MockerFixture) -> None:
    clock = Clock(mocker)
    clock.poll()
    clock.synchronised = True
    assert clock.poll() == 1
    assert clock.audited() == []


def test_the_clock_s_faults_and_its_point_of_the_self_test(mocker: MockerFixture) -> None:
    clock = Clock(mocker)
    assert clock.monitor.faults() == {Fault.CLOCK_UNSYNCHRONISED}
    (finding,) = clock.monitor.findings()
    assert (finding.point, finding.good, finding.said) == ("clock", False, "not synchronized, according to chrony")
    clock.wall = datetime(1990, 1, 1, tzinfo=UTC)
    assert clock.monitor.faults() == {Fault.CLOCK_UNSYNCHRONISED, Fault.CLOCK_BEHIND}
    clock.wall = datetime(2038, 1, 1, tzinfo=UTC)
    assert clock.monitor.faults() == {Fault.CLOCK_UNSYNCHRONISED, Fault.CLOCK_AHEAD}
    clock.wall, clock.synchronised = NOON, True
    assert clock.monitor.faults() == set()
    assert clock.monitor.findings()[0].good
