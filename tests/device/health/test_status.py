"""When a post says its status, and what it says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.health.status import BROKER_CERTIFICATE_DAYS, FIRST_REPEAT_SECONDS, StatusReporter
from platepost.device.reporting.reporter import RecordContext
from platepost.device.vision.pipeline import Counters
from platepost.wire.faults import Fault
from platepost.wire.records import ClockQuality, HotListState, Place, Status, SyntheticHit, Versions
from platepost.wire.records.settings import RecordSettings
from tests.clocks import SteppedClock

RUN = "01a20eee-0349-756c-a767-c205969791ee"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = RecordSettings(signing_key=Path("key.pem"), status_seconds=300)


class Desk:
    """A reporter of statuses with everything around it, and the statuses that it recorded."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.clock = SteppedClock(MARCH.timestamp())
        self.logbook: Any = mocker.Mock(clock=self.clock, run=RUN, settings=SETTINGS)
        self.logbook.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        self.logbook.timekeeper.now.side_effect = self.clock.utc
        self.reporter: Any = mocker.Mock()
        versions = Versions(software="0.1.0", configuration="3f0c9a517b2e")
        self.reporter.context = RecordContext("camera", Place(site="Bridge Street"), versions)
        self.reporter.last_read = None
        self.list_is(state="current", version=1, age_seconds=1)
        self.faults: Any = mocker.Mock(present=frozenset())
        self.faults.undecided.side_effect = lambda: self.undecided
        self.undecided: frozenset[Fault] = frozenset()
        self.faults.update.side_effect = lambda: self.faults.present
        self.certificate: Any = mocker.Mock(expires=MARCH + timedelta(days=90))
        self.uplink: Any = mocker.Mock()
        self.uplink.state.return_value = SimpleNamespace(connected=True, certificate_expires=None)
        self.status = StatusReporter(
            self.logbook,
            self.reporter,
            self.uplink,
            counters=Counters(frames=9, reads=2),
            faults=self.faults,
            certificate=self.certificate,
            control=None,
        )

    def list_is(self, **said: Any) -> None:
        self.reporter.hotlist.state.return_value = HotListState(**said)

    def poll(self, *, after: float = 0.0) -> Status | None:
        """Return the status that was recorded, None if none was due."""
        self.clock.now += after
        record = self.logbook.records.record
        record.reset_mock()
        self.status.poll(self.clock.now)
        return record.call_args.args[0] if record.called else None

    def repeat(self, *, after: float = 0.0) -> tuple[Status, int] | None:
        """Return the status that was repeated with how long the broker keeps it, None if nothing was sent."""
        self.clock.now += after
        self.uplink.send_now.reset_mock()
        self.status.poll(self.clock.now)
        if not self.uplink.send_now.called:
            return None
        return self.logbook.recorder.unchained.call_args.args[0], self.uplink.send_now.call_args.kwargs[
            "expiry_seconds"
        ]


@pytest.fixture
def desk(mocker: MockerFixture) -> Desk:
    made = Desk(mocker)
    assert made.poll() is not None, "the first is due at once"
    return made


def test_a_status_is_due_when_faults_list_its_age_or_its_rules_are_others(desk: Desk) -> None:
    assert desk.poll() is None
    desk.faults.present = frozenset({Fault.CAMERA_SILENT})
    told = desk.poll()
    assert told is not None
    assert (told.state, [reason.name for reason in told.reasons]) == ("degraded", ["camera_silent"])
    for due, said in (
        (False, {"state": "current", "version": 1, "age_seconds": 2}),
        (True, {"state": "current", "version": 2}),
        (True, {"state": "warning", "version": 2}),
        (True, {"state": "warning", "version": 2, "near_alternatives": 1}),
    ):
        desk.list_is(**said)
        assert (desk.poll() is not None) == due


def test_a_status_is_repeated_as_often_as_configured_with_the_news_of_reads(desk: Desk) -> None:
    assert desk.repeat(after=FIRST_REPEAT_SECONDS - 1) is None
    desk.reporter.last_read = MARCH
    assert desk.poll() is None, "a read makes no status of its own"
    repeated = desk.repeat(after=1)
    assert repeated is not None
    said, kept_seconds = repeated
    assert (said.state, said.last_read, said.valid_seconds, kept_seconds) == ("online", MARCH, 660, 660)
    assert desk.repeat(after=299) is None
    assert desk.repeat(after=1) is not None


def test_a_status_that_was_recorded_is_soon_repeated_so_that_what_is_retained_expires(desk: Desk) -> None:
    desk.repeat(after=FIRST_REPEAT_SECONDS)
    desk.faults.present = frozenset({Fault.CAMERA_SILENT})
    told = desk.poll(after=1)
    assert told is not None
    assert told.valid_seconds == 660
    repeated = desk.repeat(after=FIRST_REPEAT_SECONDS)
    assert repeated is not None
    assert repeated[0].state == "degraded"
    desk.status.birth()
    assert desk.repeat(after=FIRST_REPEAT_SECONDS - 1) is None
    assert desk.repeat(after=1) is not None


def test_nothing_is_repeated_without_a_connection_nor_where_the_disk_fails(desk: Desk) -> None:
    desk.uplink.state.return_value = SimpleNamespace(connected=False, certificate_expires=None)
    assert desk.repeat(after=1000) is None
    desk.uplink.state.return_value = SimpleNamespace(connected=True, certificate_expires=None)
    desk.logbook.recorder.unchained.side_effect = OutboxError("full")
    assert desk.repeat() is None
    desk.logbook.recorder.unchained.side_effect = None
    assert desk.repeat() is not None, "tried again"


def test_offline_holds_until_something_else_is_said(desk: Desk) -> None:
    desk.status.will()
    assert desk.logbook.recorder.unchained.call_args.args[0].valid_seconds is None


def test_since_is_when_the_state_began_and_of_offline_when_that_was_said(desk: Desk) -> None:
    def offline() -> Status:
        desk.status.will()
        said: Status = desk.logbook.recorder.unchained.call_args.args[0]
        return said

    began = desk.clock.utc()
    desk.clock.now += 100
    assert offline().since == desk.clock.utc(), "of the will, which is signed at every connection"
    desk.list_is(state="current", version=2)
    told = desk.poll()
    assert told is not None
    assert told.since == began, "it is well since then"
    desk.faults.present = frozenset({Fault.CAMERA_SILENT})
    told = desk.poll(after=50)
    assert told is not None
    assert told.since == desk.clock.utc()
    desk.clock.now += 1
    assert offline().since == desk.clock.utc()


def test_a_birth_reads_the_certificate_again_and_says_when_it_ends(desk: Desk) -> None:
    renewed = MARCH + timedelta(days=700)
    desk.certificate.read.side_effect = lambda: setattr(desk.certificate, "expires", renewed)
    desk.status.birth()
    assert desk.logbook.recorder.record.call_args.args[0].certificate_expires == renewed


def test_a_broker_certificate_that_ends_soon_is_said_each_day_with_the_days_left(desk: Desk) -> None:
    assert desk.status.findings() == ()
    ends = MARCH + timedelta(days=BROKER_CERTIFICATE_DAYS + 1)
    desk.uplink.state.return_value.certificate_expires = ends
    assert desk.poll() is None, "not yet"
    day = timedelta(days=1).total_seconds()
    told = desk.poll(after=2 * day)
    assert told is not None
    assert [(notice.name, "ends in 29 days" in notice.message) for notice in told.notices] == [
        ("broker_certificate_expiring", True)
    ]
    assert told.state == "online"
    assert desk.poll() is None
    assert desk.poll(after=day) is not None
    (finding,) = desk.status.findings()
    assert (finding.point, finding.good, finding.said) == ("broker certificate", True, "valid for 28 days more")
    desk.poll(after=15 * day)
    assert not desk.status.findings()[0].good
    desk.uplink.state.return_value.certificate_expires = ends + timedelta(days=700)
    told = desk.poll()
    assert told is not None, "it was renewed"
    assert told.notices == ()


def test_the_last_synthetic_hit_is_told_and_a_list_that_allows_none_is_noticed(desk: Desk) -> None:
    last = SyntheticHit(hit=RUN, made=MARCH, every_minutes=60, released_seconds=1.5)
    desk.status.synthetic = SimpleNamespace(unlisted=False, last=last)  # type: ignore[assignment]
    assert desk.poll() is None, "the next repeat tells it"
    told = desk.repeat(after=FIRST_REPEAT_SECONDS)
    assert told is not None
    assert told[0].last_synthetic == last
    desk.status.synthetic = SimpleNamespace(unlisted=True, last=None)  # type: ignore[assignment]
    status = desk.poll()
    assert status is not None
    assert [notice.name for notice in status.notices] == ["synthetic_unlisted"]


def test_the_beginning_and_the_end_are_audited(desk: Desk) -> None:
    desk.status.start()
    desk.status.stop()
    boot, stop = desk.logbook.audit.record.call_args_list
    assert (boot.args, boot.kwargs["details"]["boot"]) == (("boot",), RUN)
    assert (stop.args, stop.kwargs["details"]) == (("stop",), {"frames": 9, "reads": 2})
    assert desk.logbook.records.record.call_args.args[0].state == "offline"


def test_the_uplink_says_its_will_and_its_birth(desk: Desk) -> None:
    assert (desk.uplink.will, desk.uplink.on_connected) == (desk.status.will, desk.status.birth)


def test_a_setting_far_from_its_default_and_a_comparison_of_reads_are_noticed(desk: Desk) -> None:
    unusual = tuple(f"vision.minimum_confidence_{number}" for number in range(30))
    desk.status.adjust(SimpleNamespace(unusual=unusual))  # type: ignore[arg-type]
    desk.undecided = frozenset({Fault.READS_FEWER})
    status = desk.poll()
    assert status is not None
    assert [notice.name for notice in status.notices] == ["reads_compared", "settings_unusual"]
    assert "vision.minimum_confidence_0" in status.notices[1].message
    desk.status.adjust(SimpleNamespace(unusual=()))  # type: ignore[arg-type]
    desk.undecided = frozenset()
    status = desk.poll()
    assert status is not None
    assert status.notices == ()


@pytest.mark.parametrize(("in_force", "names"), [(True, []), (False, ["no_custodian"])])
def test_it_is_said_that_a_broker_s_acknowledgment_alone_releases_records(
    desk: Desk, *, in_force: bool, names: list[str]
) -> None:
    desk.logbook.outbox.requirements.in_force = in_force
    desk.faults.present = frozenset({Fault.DISK_FULL})
    told = desk.poll()
    assert told is not None
    assert [notice.name for notice in told.notices] == names
