"""Synthetic hits: when they are made, of what, and what becomes of them."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.reporting.reporter import RecordContext
from platepost.device.reporting.settings import ReportingSettings
from platepost.device.reporting.synthetic import FIRST_SECONDS, LOOK_UP_SECONDS, SyntheticHits
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.wire.contract.examples import ExampleSigner, MemoryStore
from platepost.wire.faults import Fault
from platepost.wire.hotlist import HotList
from platepost.wire.records import ClockQuality, Hit, HotListState, Place, Recorder, Source, Versions, new_identifier
from platepost.wire.records.hit import SYNTHETIC_WORDING
from tests.clocks import SteppedClock
from tests.device.hotlist.department import Department
from tests.rigs import hotlist_settings

DEPARTMENT = Department()
HOUR = 3600.0


def hotlist(plate: str = "PLATEPOST", category: str = "acceptance_test", **more: Any) -> HotList:
    return DEPARTMENT.hotlist([HotListRow(plate, category, 9, None, None, None, **more), *Department.rows])


class Desk:
    """The part with a real list and recorder; whether a record still waits says the test."""

    def __init__(self, mocker: MockerFixture, current: HotList | None, **settings: Any) -> None:
        self.clock = SteppedClock(Department.built.timestamp())
        self.store = MemoryStore(new_identifier())
        self.in_force: Any = mocker.Mock(current=current, settings=hotlist_settings())
        self.in_force.moment.side_effect = self.clock.utc
        self.in_force.judge.return_value = HotListState(state="current", version=1, age_seconds=60.0)
        self.logbook: Any = mocker.Mock(clock=self.clock)
        self.logbook.records = Recorder(self.store, ExampleSigner(), Source("demo", "post-1"), now=self.clock.utc)
        self.logbook.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        self.logbook.outbox.holds.return_value = True
        versions = Versions(software="0.1.0", configuration="3f0c9a517b2e")
        reporter: Any = SimpleNamespace(
            hotlist=self.in_force, context=RecordContext("camera", Place(site="Bridge Street"), versions)
        )
        self.part = SyntheticHits(ReportingSettings(**settings), self.logbook, reporter, identify=new_identifier)

    def poll(self, *, after: float = 0.0) -> list[Hit]:
        """Return what was recorded at the end of some seconds."""
        before = len(self.store.records)
        self.clock.now += after
        self.part.poll(self.clock.now)
        return [Hit.model_validate(each.event["data"]) for each in self.store.records[before:]]

    def release(self, *, after: float) -> None:
        self.logbook.outbox.holds.return_value = False
        self.poll(after=after)
        self.logbook.outbox.holds.return_value = True


def test_one_is_made_soon_after_the_start_and_then_every_hour(mocker: MockerFixture) -> None:
    desk = Desk(mocker, hotlist())
    assert desk.poll(after=FIRST_SECONDS - 1) == []
    assert len(desk.poll(after=1)) == 1
    desk.release(after=2)
    assert desk.poll(after=HOUR - 3) == []
    assert len(desk.poll(after=1)) == 1


def test_it_is_marked_and_bears_no_picture(mocker: MockerFixture) -> None:
    desk = Desk(mocker, hotlist())
    (hit,) = desk.poll(after=FIRST_SECONDS)
    assert (hit.synthetic, hit.wording, hit.pictures) == (True, SYNTHETIC_WORDING, ())
    assert (hit.category, hit.plate_read, hit.plate_matched) == ("acceptance_test", "PLATEPOST", "PLATEPOST")
    assert desk.store.records[0].topic == "alpr/v1/demo/post-1/hit/acceptance_test"


@pytest.mark.parametrize(
    "current",
    [
        DEPARTMENT.hotlist(),
        hotlist(category="stolen_vehicle"),
        hotlist(distribution="narcotics"),
    ],
    ids=["not listed", "of another category", "covert"],
)
def test_a_list_without_the_test_plate_is_named_and_nothing_made(mocker: MockerFixture, current: HotList) -> None:
    desk = Desk(mocker, current)
    assert desk.poll(after=FIRST_SECONDS) == []
    assert desk.part.unlisted
    desk.in_force.current = hotlist()
    assert len(desk.poll()) == 1
    assert not desk.part.unlisted


def test_an_entry_that_has_ended_makes_none(mocker: MockerFixture) -> None:
    ends = Department.built + timedelta(minutes=30)
    listed = DEPARTMENT.hotlist([HotListRow("PLATEPOST", "acceptance_test", 9, None, ends, None), *Department.rows])
    desk = Desk(mocker, listed)
    assert len(desk.poll(after=FIRST_SECONDS)) == 1
    desk.release(after=2)
    assert desk.poll(after=HOUR) == []
    assert desk.part.unlisted


def test_an_entry_that_had_ended_by_a_clock_that_was_ahead_is_found_again(mocker: MockerFixture) -> None:
    ends = Department.built + timedelta(days=90)
    listed = DEPARTMENT.hotlist([HotListRow("PLATEPOST", "acceptance_test", 9, None, ends, None), *Department.rows])
    desk = Desk(mocker, listed)
    desk.in_force.moment.side_effect = lambda: desk.clock.utc() + timedelta(days=365)
    assert desk.poll(after=FIRST_SECONDS) == []
    assert desk.part.unlisted
    desk.in_force.moment.side_effect = desk.clock.utc
    assert len(desk.poll(after=LOOK_UP_SECONDS)) == 1
    assert not desk.part.unlisted


def test_without_a_list_nothing_is_made_and_nothing_missed(mocker: MockerFixture) -> None:
    desk = Desk(mocker, None)
    assert desk.poll(after=FIRST_SECONDS) == []
    assert not desk.part.unlisted


def test_a_post_that_makes_none_names_nothing(mocker: MockerFixture) -> None:
    desk = Desk(mocker, DEPARTMENT.hotlist(), synthetic_minutes=0)
    assert desk.poll(after=2 * HOUR) == []
    assert (desk.part.unlisted, desk.part.last, desk.part.faults()) == (False, None, ())


def test_its_release_and_latency_are_measured_and_the_next_waits_for_it(mocker: MockerFixture) -> None:
    desk = Desk(mocker, hotlist())
    assert desk.part.last is None
    (hit,) = desk.poll(after=FIRST_SECONDS)
    assert desk.poll(after=2 * HOUR) == [], "the last one waits"
    desk.logbook.outbox.holds.side_effect = OutboxError("the disk")
    assert desk.poll(after=2) == []
    desk.logbook.outbox.holds.side_effect = None
    last = desk.part.last
    assert last is not None
    assert (last.hit, last.every_minutes, last.released_seconds) == (hit.hit, 60, None)
    envelope = desk.store.records[0]
    desk.logbook.outbox.holds.assert_called_with(envelope.event["chain"], envelope.sequence)
    desk.release(after=3)
    first, last = last, desk.part.last
    assert last is not None
    assert last.hit != first.hit, "another was due"
    assert last.released_seconds is None


def test_one_that_is_not_released_in_time_is_a_fault_until_it_is(mocker: MockerFixture) -> None:
    desk = Desk(mocker, hotlist(), synthetic_late_minutes=5)
    desk.poll(after=FIRST_SECONDS)
    desk.poll(after=300)
    assert desk.part.faults() == ()
    desk.poll(after=1)
    assert desk.part.faults() == (Fault.SYNTHETIC_HIT_LATE,)
    desk.release(after=4)
    assert desk.part.faults() == ()
    assert desk.part.last is not None
    assert desk.part.last.released_seconds == 305.0


def test_other_settings_are_gone_by(mocker: MockerFixture) -> None:
    desk = Desk(mocker, hotlist("7TEST77"))
    assert desk.poll(after=FIRST_SECONDS) == []
    desk.part.adjust(mocker.Mock(table=lambda _kind: ReportingSettings(synthetic_plate="7TEST77")))
    assert [hit.plate_read for hit in desk.poll()] == ["7TEST77"]
