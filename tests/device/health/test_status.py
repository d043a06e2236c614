"""When a post says its status, and what it says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.faults.fault import Fault
from device.health.status import READ_NEWS_SECONDS, StatusReporter
from device.records import ClockQuality, HotListState, Place, Status, Versions
from device.reporting.reporter import Circumstances
from tests.clocks import SteppedClock

RUN = "01a20eee-0349-756c-a767-c205969791ee"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


class Desk:
    """A reporter of statuses with everything around it, and the statuses that it recorded."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.clock = SteppedClock(MARCH.timestamp())
        self.logbook: Any = mocker.Mock(clock=self.clock, run=RUN)
        self.logbook.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        self.logbook.timekeeper.now.side_effect = self.clock.utc
        self.frames: Any = mocker.Mock()
        versions = Versions(software="0.1.0", configuration="3f0c9a517b2e")
        self.frames.reporter.circumstances = Circumstances("camera", Place(site="Bridge Street"), versions)
        self.frames.reporter.last_read = None
        self.frames.pipeline.counters = mocker.Mock(frames=9, reads=2)
        self.list_is(state="current", version=1, age_seconds=1)
        self.faults: Any = mocker.Mock(present=frozenset())
        self.faults.look.side_effect = lambda: self.faults.present
        self.certificate: Any = mocker.Mock(expires=MARCH + timedelta(days=90))
        self.uplink: Any = mocker.Mock()
        self.status = StatusReporter(
            self.logbook, self.frames, self.uplink, faults=self.faults, certificate=self.certificate, control=None
        )

    def list_is(self, **said: Any) -> None:  # noqa: ANN401 - fields of the state
        self.frames.reporter.hotlist.state.return_value = HotListState(**said)

    def tick(self, *, after: float = 0.0) -> Status | None:
        """Return the status that was recorded, None if none was due."""
        self.clock.now += after
        record = self.logbook.records.record
        record.reset_mock()
        self.status.tick(self.clock.now)
        return record.call_args.args[0] if record.called else None


@pytest.fixture
def desk(mocker: MockerFixture) -> Desk:
    made = Desk(mocker)
    assert made.tick() is not None, "the first is due at once"
    return made


def test_a_status_is_due_when_faults_list_its_age_or_its_rules_are_others(desk: Desk) -> None:
    assert desk.tick() is None
    desk.faults.present = frozenset({Fault.CAMERA_SILENT})
    told = desk.tick()
    assert told is not None
    assert (told.state, [reason.name for reason in told.reasons]) == ("degraded", ["camera_silent"])
    for due, said in (
        (False, {"state": "current", "version": 1, "age_seconds": 2}),
        (True, {"state": "current", "version": 2}),
        (True, {"state": "warning", "version": 2}),
        (True, {"state": "warning", "version": 2, "near_alternatives": 1}),
    ):
        desk.list_is(**said)
        assert (desk.tick() is not None) == due


def test_news_of_reads_make_a_status_every_ten_minutes_at_most(desk: Desk) -> None:
    assert desk.tick(after=READ_NEWS_SECONDS + 1) is None, "nothing was read"
    desk.frames.reporter.last_read = MARCH
    told = desk.tick()
    assert told is not None
    assert told.last_read == MARCH
    desk.frames.reporter.last_read = MARCH + timedelta(days=1)
    assert desk.tick(after=READ_NEWS_SECONDS - 1) is None
    assert desk.tick(after=2) is not None


def test_since_is_when_the_state_began_and_of_offline_when_that_was_said(desk: Desk) -> None:
    def offline() -> Status:
        desk.status.will()
        said: Status = desk.logbook.recorder.unchained.call_args.args[0]
        return said

    began = desk.clock.utc()
    desk.clock.now += 100
    assert offline().since == desk.clock.utc(), "of the will, which is signed at every connection"
    desk.list_is(state="current", version=2)
    told = desk.tick()
    assert told is not None
    assert told.since == began, "it is well since then"
    desk.faults.present = frozenset({Fault.CAMERA_SILENT})
    told = desk.tick(after=50)
    assert told is not None
    assert told.since == desk.clock.utc()
    desk.clock.now += 1
    assert offline().since == desk.clock.utc()


def test_a_birth_reads_the_certificate_again_and_says_when_it_ends(desk: Desk) -> None:
    renewed = MARCH + timedelta(days=700)
    desk.certificate.read.side_effect = lambda: setattr(desk.certificate, "expires", renewed)
    desk.status.birth()
    assert desk.logbook.recorder.record.call_args.args[0].certificate_expires == renewed


def test_the_beginning_and_the_end_are_audited(desk: Desk) -> None:
    desk.status.start()
    desk.status.stop()
    boot, stop = desk.logbook.audit.say.call_args_list
    assert (boot.args, boot.kwargs["details"]["boot"]) == (("boot",), RUN)
    assert (stop.args, stop.kwargs["details"]) == (("stop",), {"frames": 9, "reads": 2})
    assert desk.logbook.records.record.call_args.args[0].state == "offline"


def test_the_uplink_says_its_will_and_its_birth(desk: Desk) -> None:
    assert (desk.uplink.will, desk.uplink.on_connected) == (desk.status.will, desk.status.birth)
