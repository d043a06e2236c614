"""Statuses are never given up for want of room: however a part of a post flaps, it makes only a few of them an hour."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import OutboxError
from platepost.device.board.tamper import TamperMonitor
from platepost.device.diagnosis import FaultMonitor
from platepost.device.faults.flapping import LONGEST_REST_SECONDS, WINDOW_SECONDS
from platepost.device.health.status import StatusReporter
from platepost.device.part import Part
from platepost.device.reporting.reporter import RecordContext
from platepost.device.vision.pipeline import Counters
from platepost.simulator.board.virtual import VirtualBoard
from platepost.wire.faults import Fault
from platepost.wire.records import ClockQuality, HotListState, Place, Versions
from platepost.wire.records.settings import RecordSettings
from tests.clocks import SteppedClock

WORST_HOUR, LASTING_HOUR = 2 * 13, 2 * 10
"""Statuses: each coming and each going is one."""
WELL = HotListState(state="current", version=7, age_seconds=1.0, entries=3)


class Faulty(Part):
    """A part that names what a test says."""

    def __init__(self) -> None:
        self.named: frozenset[Fault] = frozenset()

    def faults(self) -> frozenset[Fault]:
        return self.named


class Bench:
    """What names a post's faults and says them, over parts that do as they are told; time is made up."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.clock = SteppedClock()
        self.logbook: Any = mocker.Mock(clock=self.clock, run="01a20eee-0349-756c-a767-c205969791ee")
        self.logbook.settings = RecordSettings(signing_key=Path("key.pem"))
        self.logbook.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        self.logbook.timekeeper.now.side_effect = self.clock.utc
        self.board, self.part = VirtualBoard(), Faulty()
        self.tamper = TamperMonitor(self.board, self.logbook.audit)
        faults = FaultMonitor(self.clock)
        faults.watch([self.part, self.tamper])
        self.faults = faults
        versions = Versions(software="1", configuration="0" * 16)
        reporter: Any = mocker.Mock()
        reporter.context = RecordContext("camera", Place(), versions)
        reporter.last_read = None
        self.hotlist = reporter.hotlist
        self.hotlist.state.return_value = WELL
        self.uplink: Any = mocker.Mock()
        self.uplink.state.return_value = self.connection = SimpleNamespace(connected=True, certificate_expires=None)
        certificate: Any = mocker.Mock(expires=None)
        self.status = StatusReporter(
            self.logbook,
            reporter,
            self.uplink,
            counters=Counters(),
            faults=faults,
            certificate=certificate,
            control=None,
        )

    def round(self) -> None:
        self.tamper.poll(self.clock.now)
        self.faults.update()
        self.status.poll(self.clock.now)

    @property
    def statuses(self) -> int:
        return int(self.logbook.records.record.call_count + self.logbook.recorder.record.call_count)

    @property
    def named(self) -> set[str]:
        return {reason.name for reason in self.logbook.records.record.call_args.args[0].reasons}


def hours_of(bench: Bench, flap: Callable[[], object], *, every: float) -> list[int]:
    """Flap for two hours; return how many statuses there were in each."""
    hours = []
    for hour in range(2):
        before = bench.statuses
        while bench.clock.now < (hour + 1) * WINDOW_SECONDS:
            flap()
            bench.clock.now += every
        hours.append(bench.statuses - before)
    return hours


def _names(*faults: Fault) -> tuple[Callable[[Bench], object], Callable[[Bench], object]]:
    return (
        lambda bench: setattr(bench.part, "named", frozenset(faults)),
        lambda bench: setattr(bench.part, "named", frozenset()),
    )


def _list(state: str) -> tuple[Callable[[Bench], object], Callable[[Bench], object]]:
    said = {"version": 7, "age_seconds": 1.0, "entries": 3} if state != "none" else {}
    told = HotListState.model_validate({"state": state} | said)
    return (
        lambda bench: setattr(bench.hotlist.state, "return_value", told),
        lambda bench: setattr(bench.hotlist.state, "return_value", WELL),
    )


CAUSES = {
    "case": (lambda bench: bench.board.open_case(), lambda bench: bench.board.close_case()),
    "door": (lambda bench: bench.board.open_door(), lambda bench: bench.board.close_door()),
    "list gone": _list("none"),
    "list warning": _list("warning"),
    "one": _names(Fault.CAMERA_BLACK),
    "several": _names(Fault.UNDER_VOLTAGE, Fault.LENS_MOVED, Fault.NO_READS, Fault.QUEUE_OLD),
    "all": _names(*Fault),
}


@pytest.fixture
def bench(mocker: MockerFixture) -> Bench:
    return Bench(mocker)


@pytest.mark.parametrize("cause", CAUSES)
def test_no_part_makes_more_than_a_few_statuses_an_hour(bench: Bench, cause: str) -> None:
    come, go = CAUSES[cause]
    bench.round()
    said = bench.statuses

    def flap() -> None:
        come(bench)
        bench.round()
        assert bench.statuses > said, "it is told at once"
        bench.clock.now += 1.0
        go(bench)
        bench.round()

    hours = hours_of(bench, flap, every=20.0)
    assert max(hours) <= WORST_HOUR
    assert hours[-1] <= LASTING_HOUR
    for _ in range(2):
        bench.clock.now += LONGEST_REST_SECONDS
        bench.round()
    assert bench.named == set(), "and heals when it stays away"


def test_what_a_part_has_damped_itself_is_named_as_it_says(bench: Bench) -> None:
    flapping, damped = Faulty(), Faulty()
    damped.damped = True
    bench.faults.watch([flapping, damped])
    for number in range(20):
        named = frozenset({Fault.CAMERA_BLACK, Fault.DOOR_OPEN}) if number % 2 == 0 else frozenset()
        flapping.named, damped.named = named & {Fault.CAMERA_BLACK}, named & {Fault.DOOR_OPEN}
        bench.faults.update()
        bench.clock.now += 1.0
    assert bench.faults.present == {Fault.CAMERA_BLACK}


@pytest.mark.parametrize("lasts", [8.0, 61.0])
def test_a_connection_that_comes_and_goes_makes_no_more_and_is_told_of_once_it_lasts(
    bench: Bench, lasts: float
) -> None:
    bench.round()

    def flap() -> None:
        bench.connection.connected = True
        bench.status.birth()
        bench.clock.now += lasts
        bench.round()
        bench.connection.connected = False
        bench.round()

    bench.status.birth()
    assert bench.logbook.recorder.record.call_count == 1, "told at once while it is seldom"
    hours = hours_of(bench, flap, every=2.0)
    assert max(hours) <= WORST_HOUR / 2
    assert hours[-1] <= LASTING_HOUR / 2
    bench.connection.connected = True
    bench.status.birth()
    said = bench.statuses
    for _ in range(round(LONGEST_REST_SECONDS) + 1):
        bench.clock.now += 1.0
        bench.round()
    assert bench.statuses == said + 1


def test_a_birth_that_waited_for_the_disk_counts_as_one(bench: Bench) -> None:
    record = bench.logbook.recorder.record
    record.side_effect = [OutboxError("the disk is full")] * 20 + [None]
    for _ in range(20):
        with pytest.raises(OutboxError):
            bench.status.birth()
    bench.status.birth()
    assert record.call_count == 21
    bench.logbook.records.record.assert_not_called()


def test_what_a_part_cannot_tell_yet_is_gathered(mocker: MockerFixture) -> None:
    comparing = mocker.Mock(undecided=lambda: (Fault.READS_FEWER,))
    faults = FaultMonitor(SteppedClock())
    faults.watch([Faulty(), comparing])
    assert faults.undecided() == {Fault.READS_FEWER}
