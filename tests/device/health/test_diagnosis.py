"""Statuses are never given up for want of room: however a part of a post flaps, it makes only a few of them an hour."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device.board.tamper import TamperMonitor
from device.errors import OutboxError
from device.faults.fault import Fault
from device.faults.flapping import LONGEST_REST_SECONDS, WINDOW_SECONDS
from device.health import announcer, diagnosis, status
from device.health.announcer import Bulletins
from device.health.diagnosis import Diagnosis
from device.health.status import Vitals
from device.records import ClockQuality, HotListState, Place, Versions
from simulator.board.virtual import VirtualBoard

WORST_HOUR, LASTING_HOUR = 2 * 13, 2 * 10
"""Statuses: each coming and each going is one."""


class Bench:
    """What names a post's faults and says them, over parts that do as they are told; time is made up."""

    def __init__(self, mocker: MockerFixture, folder: Path) -> None:
        self.now = 0.0
        for module in (announcer, diagnosis, status):
            mocker.patch.object(module, "monotonic", new=self._monotonic)
        self.parts: Any = mocker.Mock()
        self.board = VirtualBoard()
        told = Vitals(place=Place(), versions=Versions(software="1", configuration="0" * 16), certificate_expires=None)
        parts, books = self.parts, self.parts.books
        parts.changeover.configuration.outbox.path = folder / "outbox.db"
        shared = {name: getattr(parts, name) for name in ("changeover", "lists", "lookout", "uplink", "backlog")}
        more = ("acceptance", "forks", "intake", "keeper", "networks", "reads")
        self.diagnosis = Diagnosis(told, books, **shared, **{name: getattr(parts, name) for name in more})
        self.diagnosis._guard = TamperMonitor(books.auditor, now=lambda: self.now)
        self.diagnosis._condition = parts.condition
        self.bulletins = Bulletins(told, books, faults=self.diagnosis.faults, pipeline=parts.pipeline, **shared)
        mocker.patch("device.health.diagnosis.certificate_expires", return_value=None)
        self.ail()

    def _monotonic(self) -> float:
        return self.now

    def ail(self, *, by: Callable[["Bench"], object] = lambda _: None) -> None:
        """Have everything in order, but for what one cause does."""
        parts, books = self.parts, self.parts.books
        books.timekeeper.quality.return_value = ClockQuality(source="kernel", synchronised=True)
        books.timekeeper.behind = books.outbox.disk_full = books.records.failing = False
        books.outbox.set_aside = []
        parts.acceptance.missing = parts.forks.forked = parts.networks.damaged = False
        parts.keeper.faults = parts.condition.faults = frozenset()
        parts.lookout.faults.return_value = set()
        parts.lookout.capture = SimpleNamespace(fault=None, age=0.1, dropped=0)
        parts.lists.state.return_value = HotListState(state="current", version=7, age_seconds=1.0, entries=3)
        self.uplink = SimpleNamespace(connected=True, problem=None, refusals=(), refused_subscriptions=(), too_large=0)
        parts.uplink.state.side_effect = lambda: self.uplink
        self.board.close_case()
        self.board.close_door()
        by(self)

    def round(self) -> None:
        self.diagnosis._guard.tick(self.board)
        if self.bulletins.changed(self.diagnosis.faults()):
            self.bulletins.say_status()

    @property
    def statuses(self) -> int:
        books = self.parts.books
        return int(books.records.record.call_count + books.recorder.record.call_count)

    @property
    def named(self) -> set[str]:
        return {reason.name for reason in self.parts.books.records.record.call_args.args[0].reasons}


def _list(state: str) -> Callable[[Bench], object]:
    said = {"version": 7, "age_seconds": 1.0, "entries": 3} if state != "none" else {}
    return lambda bench: setattr(
        bench.parts.lists.state, "return_value", HotListState.model_validate({"state": state} | said)
    )


def _uplink(**said: object) -> Callable[[Bench], object]:
    return lambda bench: vars(bench.uplink).update(said)


def _truly(path: str, name: str) -> Callable[[Bench], object]:
    return lambda bench: setattr(getattr(bench.parts, path) if path else bench.parts.books, name, True)


SURROUNDINGS = frozenset({Fault.UNDER_VOLTAGE, Fault.LENS_MOVED, Fault.NO_READS, Fault.QUEUE_OLD})
CAUSES: dict[str, Callable[[Bench], object]] = {
    "board": lambda bench: bench.board.open_case(),
    "camera": lambda bench: setattr(bench.parts.lookout.faults, "return_value", {Fault.CAMERA_BLACK}),
    "capture": lambda bench: setattr(bench.parts.lookout.capture, "age", 6.0),
    "clock": lambda bench: setattr(
        bench.parts.books.timekeeper.quality, "return_value", ClockQuality(source="kernel", synchronised=False)
    ),
    "acceptance": _truly("acceptance", "missing"),
    "chain": _truly("forks", "forked"),
    "disk": lambda bench: setattr(bench.parts.books.outbox, "disk_full", True),
    "list gone": _list("none"),
    "list stale": _list("stale"),
    "list warning": _list("warning"),
    "surroundings": lambda bench: setattr(
        bench.parts.condition,
        "faults",
        SURROUNDINGS,
    ),
    "models": _truly("networks", "damaged"),
    "records": lambda bench: setattr(bench.parts.books.records, "failing", True),
    "starts": lambda bench: setattr(bench.parts.keeper, "faults", {Fault.RESTARTING_OFTEN}),
    "broker's certificate": _uplink(problem="broker_certificate_expired", connected=False),
    "refused": _uplink(refusals=(SimpleNamespace(reason="not_authorized"),)),
    "nobody": _uplink(refusals=(SimpleNamespace(reason="no_matching_subscribers"),)),
    "size": _uplink(too_large=1),
    "subscription": _uplink(refused_subscriptions=("list not_authorized",)),
}


def hours_of(bench: Bench, flap: Callable[[], object], *, every: float) -> list[int]:
    """Flap for two hours; return how many statuses there were in each."""
    hours = []
    for hour in range(2):
        before = bench.statuses
        while bench.now < (hour + 1) * WINDOW_SECONDS:
            flap()
            bench.now += every
        hours.append(bench.statuses - before)
    return hours


@pytest.fixture
def bench(mocker: MockerFixture, tmp_path: Path) -> Bench:
    return Bench(mocker, tmp_path)


@pytest.mark.parametrize("cause", CAUSES)
def test_no_part_makes_more_than_a_few_statuses_an_hour(bench: Bench, cause: str) -> None:
    bench.round()
    said = bench.statuses

    def flap() -> None:
        bench.ail(by=CAUSES[cause])
        bench.round()
        assert bench.statuses > said, "it is told at once"
        bench.now += 1.0
        bench.ail()
        bench.round()

    hours = hours_of(bench, flap, every=20.0)
    assert max(hours) <= WORST_HOUR
    assert hours[-1] <= LASTING_HOUR
    for _ in range(2):
        bench.now += LONGEST_REST_SECONDS
        bench.round()
    assert bench.named == set(), "and heals when it stays away"


def test_every_fault_rests_and_the_guards_own_do_so_by_themselves(bench: Bench, mocker: MockerFixture) -> None:
    present = mocker.patch.object(bench.diagnosis, "_present", return_value=set())

    def flap() -> None:
        present.return_value = set() if present.return_value else set(Fault)
        bench.round()

    assert max(hours_of(bench, flap, every=5.0)) <= WORST_HOUR


@pytest.mark.parametrize("lasts", [8.0, 61.0])
def test_a_connection_that_comes_and_goes_makes_no_more_and_is_told_of_once_it_lasts(
    bench: Bench, lasts: float
) -> None:
    bench.round()

    def flap() -> None:
        bench.uplink.connected = True
        bench.bulletins.birth()
        bench.now += lasts
        bench.round()
        bench.uplink.connected = False
        bench.round()

    bench.bulletins.birth()
    assert bench.parts.books.recorder.record.call_count == 1, "told at once while it is seldom"
    hours = hours_of(bench, flap, every=2.0)
    assert max(hours) <= WORST_HOUR / 2
    assert hours[-1] <= LASTING_HOUR / 2
    bench.uplink.connected = True
    bench.bulletins.birth()
    said = bench.statuses
    for _ in range(round(LONGEST_REST_SECONDS) + 1):
        bench.now += 1.0
        bench.round()
    assert bench.statuses == said + 1


def test_a_birth_that_waited_for_the_disk_counts_as_one(bench: Bench) -> None:
    record = bench.parts.books.recorder.record
    record.side_effect = [OutboxError("the disk is full")] * 20 + [None]
    for _ in range(20):
        with pytest.raises(OutboxError):
            bench.bulletins.birth()
    bench.bulletins.birth()
    assert record.call_count == 21


def test_what_flaps_goes_into_the_audit_trail_within_bounds(bench: Bench) -> None:
    bench.ail(by=_uplink(problem="session_taken_over", connected=False))
    bench.round()
    books = bench.parts.books
    assert [call.args[0] for call in books.moderator.say.call_args_list] == ["identity_elsewhere"]
    assert not books.auditor.say.called
