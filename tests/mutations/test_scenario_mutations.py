"""Each scenario fails when its promise is broken, and by the demand that speaks of it.

Here the post is broken, never the scenario: a part of `device` is replaced by one that does what it must not. Every
scenario that ships, and every kind of demand, is broken at least once. `make test-scenarios` plays them.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any, get_args

import pytest
from _pytest.mark.structures import ParameterSet
from joserfc import jws

from platepost.department.custody.issuer import ReceiptIssuer
from platepost.department.database.cluster import installed_versions
from platepost.device.board.base import Light
from platepost.device.board.tamper import TamperMonitor
from platepost.device.camera.lens import LensMonitor
from platepost.device.camera.supervisor import CameraSupervisor, DroppedFrames
from platepost.device.camera.tuning import CameraTuning
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.custody.service import CustodyService
from platepost.device.hotlist.service import HotListService, Installation
from platepost.device.outbox import custody, rows
from platepost.device.outbox.database import Connection
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.quota import Quota
from platepost.device.reporting.reporter import Reporter
from platepost.device.uplink.in_flight import InFlight
from platepost.device.vision.passages import Passage, Passages
from platepost.simulator import processes
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.scenario import event_runner, site
from platepost.simulator.scenario.description import Check
from platepost.simulator.scenario.load import SHIPPED, shipped
from platepost.simulator.scenario.runner import RunOptions, run_one
from platepost.wire.hotlist import HotList, HotListStore, LookUpResult, Query
from platepost.wire.hotlist.manifest import Manifest
from platepost.wire.hotlist.settings import HotListSettings
from platepost.wire.records import TYPES, Envelope, Hit, Recorder
from tests.remembering import remembering

Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def networks(remembered: Path) -> Iterator[None]:
    """Have the networks look at each picture once: no mutation is theirs, and most scenarios show the same street."""
    with remembering(remembered):
        yield


def loses_a_record(patch: Patch) -> None:
    """One record is deleted before it was delivered."""
    following = Outbox.next

    def losing(self: Outbox, limit: int, **more: Any) -> tuple[Envelope, ...]:
        self._file.transaction(lambda connection: rows.delete(connection, 6))
        return following(self, limit, **more)

    patch.setattr(Outbox, "next", losing)


def reads_nothing(patch: Patch) -> None:
    """No passage is ever credible."""
    patch.setattr(Passage, "credible", property(lambda _self: False))
    patch.setattr(Passage, "safe", property(lambda _self: False))


def takes_all_for_one_vehicle(patch: Patch) -> None:
    """Whatever plate is seen next belongs to the vehicle before."""
    patch.setattr(Passages, "_distance", lambda _self, _passage, _sighting: 0.0)


def does_not_look_at_the_view(patch: Patch) -> None:
    """The camera's view is held against none."""
    patch.setattr(LensMonitor, "watch", lambda _self, _gray, _monotonic: None)


def keeps_the_first_list(patch: Patch) -> None:
    """Once a list is in force, no other is taken."""
    install = HotListService.install

    def stubborn(self: HotListService, package: bytes, **more: str) -> Installation:
        return install(self, package, **more) if self.current is None else Installation(None, "stubborn", "")

    patch.setattr(HotListService, "install", stubborn)


def takes_every_list(patch: Patch) -> None:
    """The signature of a list is not looked at."""

    def trusting(line: bytes, _key: object) -> Manifest:
        return Manifest.model_validate_json(jws.extract_compact(line).payload)

    for name in (
        "platepost.wire.hotlist.manifest",
        "platepost.wire.hotlist.package",
        "platepost.wire.hotlist.issuers",
    ):
        patch.setattr(f"{name}.verify", trusting, raising=False)


def forgets_its_list(patch: Patch) -> None:
    """A list is not there any more after a restart."""
    patch.setattr(HotListStore, "load", lambda _self: None)


def ignores_age(patch: Patch) -> None:
    """Every list is in date."""
    patch.setattr("platepost.device.hotlist.service.freshness", lambda *_args, **_more: "current")


def withdraws_every_hit(patch: Patch) -> None:
    """At its end no hit is borne out."""
    withdraw = Reporter._withdraw
    patch.setattr(Reporter, "_withdraw", lambda self, *said, **told: withdraw(self, *said, **{**told, "still": set()}))


def waits_for_the_end(patch: Patch) -> None:
    """A hit does not leave before its passage has ended."""
    patch.setattr(Reporter, "early", lambda _self, _passage: None)


def takes_its_time(patch: Patch) -> None:
    """A hit lies about before it is sent."""
    following = Outbox.next
    slept = []

    def slow(self: Outbox, limit: int, **more: Any) -> tuple[Envelope, ...]:
        found = following(self, limit, **more)
        if not slept and any(envelope.type == TYPES[Hit] for envelope in found):
            slept.append(True)
            sleep(8.5)
        return found

    patch.setattr(Outbox, "next", slow)


def does_not_feel_the_case(patch: Patch) -> None:
    """The tamper switch is not asked."""
    patch.setattr(TamperMonitor, "poll", lambda _self, _now: None)


def lets_the_camera_hang(patch: Patch) -> None:
    """However long no frame comes, nothing is done."""
    make = CameraSupervisor.__init__

    def patient(self: CameraSupervisor, *parts: Any, tuning: CameraTuning, **more: Any) -> None:
        make(self, *parts, tuning=replace(tuning, hung_seconds=1e9), **more)

    patch.setattr(CameraSupervisor, "__init__", patient)


def says_nothing_of_its_camera(patch: Patch) -> None:
    """What is wrong with the camera is kept quiet."""
    patch.setattr(CameraSupervisor, "faults", lambda _self: set())


def trusts_its_clock(patch: Patch) -> None:
    """Whatever the clock says is said to be right."""
    quality = Timekeeper.quality
    patch.setattr(Timekeeper, "quality", lambda self: quality(self).model_copy(update={"synchronised": True}))


def believes_every_clock(patch: Patch) -> None:
    """The clock is taken for what it says, however far it jumped."""
    patch.setattr(Timekeeper, "_is_believable", lambda *_: True)


def takes_lists_of_any_date(patch: Patch) -> None:
    """There is no time that is too late for a list to have been built."""
    patch.setattr(Timekeeper, "latest", lambda _self: None)


def dates_by_every_list(patch: Patch) -> None:
    """What a list says of its time moves the floor under the clock, for good."""
    heed = Timekeeper.heed_list

    def heeding(self: Timekeeper, built: datetime | None) -> None:
        heed(self, built)
        if self._list is not None:
            self._floor = max(self._floor, self._list)

    patch.setattr(Timekeeper, "heed_list", heeding)


def does_not_say_how_wrong_its_clock_is(patch: Patch) -> None:
    """Records do not say how far their time is from the clock."""
    quality = Timekeeper.quality
    patch.setattr(Timekeeper, "quality", lambda self: quality(self).model_copy(update={"held_seconds": None}))


def stops_its_clock(patch: Patch) -> None:
    """Records bear a time of long ago."""
    now = Timekeeper.now
    patch.setattr(Timekeeper, "now", lambda self: now(self) - timedelta(days=2))


def does_not_account(patch: Patch) -> None:
    """Reads that gave way are not told."""
    patch.setattr(Recorder, "account_for_drops", lambda _self, **_more: None)


def drops_hits_first(patch: Patch) -> None:
    """On a full disk a hit goes, and no one is told."""
    give_up = Quota.give_up

    def carelessly(self: Quota, connection: Connection, size: int) -> bool:
        connection.execute("DELETE FROM record WHERE rank = 0")
        return give_up(self, connection, size)

    patch.setattr(Quota, "give_up", carelessly)


def serves_one_broker_only(patch: Patch) -> None:
    """On any connection but the first, nothing is sent."""
    fill = InFlight.fill
    patch.setattr(InFlight, "fill", lambda self, link: fill(self, link) if link.number == 1 else None)
    patch.setattr(site, "DRAIN_SECONDS", 0.5)


def falls_behind(patch: Patch) -> None:
    """Frames are skipped."""
    patch.setattr(DroppedFrames, "recent", True)


def takes_one_for_another(patch: Patch) -> None:
    """Characters that look a little alike are taken for one another."""
    consult, loose = HotList.consult, {"look_alike_pairs": ("5S", "6G", "17"), "look_alike_budget": 2}

    def consulted(
        self: HotList, query: Query, *, at: datetime, settings: HotListSettings | None = None
    ) -> LookUpResult:
        return consult(self, query, at=at, settings=settings and settings.model_copy(update=loose))

    patch.setattr(HotList, "consult", consulted)


def shows_no_light(patch: Patch) -> None:
    """The status light says that all is well."""
    patch.setattr("platepost.device.board.status_light.light", lambda _faults: Light.IN_SERVICE)


def believes_the_broker(patch: Patch) -> None:
    """What a broker has acknowledged is deleted at once."""
    patch.setattr(custody, "may_go", lambda _connection, sequences, _requirements: frozenset(sequences))


def hears_no_receipt(patch: Patch) -> None:
    """Whatever custodians sign for, records stay."""
    patch.setattr(CustodyService, "receive", lambda _self, _delivery: None)


def names_no_loss(patch: Patch) -> None:
    """A custodian does not compare its store with its log of receipts."""
    patch.setattr(ReceiptIssuer, "_unheld", lambda *_: iter(()))


def signs_for_what_it_does_not_store(patch: Patch) -> None:
    """A department's keeper takes note of records, and writes none of them."""
    mutation = (
        "from platepost.department.custody.tables import CustodyTables; CustodyTables.write = lambda *_, **__: None; "
    )
    patch.setattr(processes, "_PROGRAM", f"import sys; {mutation}{processes._PROGRAM}")


@dataclass(frozen=True)
class Broken:
    scenario: str
    how: Callable[[Patch], None]
    found_by: frozenset[str]
    """Kinds of demands that must not be met then."""


def broken(scenario: str, how: Callable[[Patch], None], *found_by: str) -> ParameterSet:
    return pytest.param(Broken(scenario, how, frozenset(found_by)), id=f"{scenario}-{how.__name__}")


BROKEN = [
    broken("covered_lens", does_not_look_at_the_view, "state"),
    broken("ordinary_day", withdraws_every_hit, "withdrawn"),
    broken("tamper", loses_a_record, "delivered", "chain"),
    broken("night_rain", reads_nothing, "truth", "hits"),
    broken("amber_alert", keeps_the_first_list, "hits", "list", "audit"),
    broken("look_alike_plates", takes_its_time, "latency"),
    broken("recovered_car", keeps_the_first_list, "hits", "reads", "list"),
    broken("week_without_network", ignores_age, "hits", "state"),
    broken("tamper", does_not_feel_the_case, "state", "audit", "board"),
    broken("tamper", shows_no_light, "board"),
    broken("hung_camera", lets_the_camera_hang, "camera_opened", "audit", "reads", "board"),
    broken("frozen_camera", says_nothing_of_its_camera, "state"),
    broken("stale_list", ignores_age, "hits", "state", "list"),
    broken("forged_list", takes_every_list, "hits", "audit", "list"),
    broken("clock_wrong_at_boot", trusts_its_clock, "clock", "state"),
    broken("clock_wrong_at_boot", stops_its_clock, "clock"),
    broken("clock_set_wrong", believes_every_clock, "clock", "state"),
    broken("list_from_future", takes_lists_of_any_date, "audit", "list"),
    broken("list_from_future", dates_by_every_list, "clock", "state"),
    broken("clock_wrong_at_boot", does_not_say_how_wrong_its_clock_is, "clock"),
    broken("disk_full", does_not_account, "delivered", "audit", "chain"),
    broken("disk_full", drops_hits_first, "hits", "delivered", "chain"),
    broken("broker_failover", serves_one_broker_only, "broker", "delivered"),
    broken("rush_hour", takes_all_for_one_vehicle, "truth", "reads", "hits"),
    broken("moved_camera", does_not_look_at_the_view, "state"),
    broken("rush_hour", falls_behind, "state"),
    broken("look_alike_plates", takes_one_for_another, "hits"),
    broken("software_restart", forgets_its_list, "audit"),
    broken("two_posts", loses_a_record, "delivered"),
    broken("custodian_away", believes_the_broker, "state"),
    broken("custodian_restored", names_no_loss, "custody"),
    broken("clock_set_wrong", hears_no_receipt, "delivered"),
    broken("department_trouble", signs_for_what_it_does_not_store, "custody", "decisions"),
]
CASES = [case.values[0] for case in BROKEN]


@pytest.mark.skipif(
    "PLATEPOST_MUTATIONS" not in os.environ, reason="PLATEPOST_MUTATIONS is missing: make test-scenarios"
)
@pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
@pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools")
@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.usefixtures("networks")
def test_a_broken_promise_is_found_out(case: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_runner, "EFFECT_SECONDS", 15.0)
    case.how(monkeypatch)
    outcome = run_one(SHIPPED / f"{case.scenario}.toml", RunOptions())
    assert outcome.error is None
    assert not outcome.passed
    assert case.found_by <= {demand.check for demand in outcome.demands if not demand.met}, outcome.failures


def test_every_scenario_is_broken() -> None:
    assert {path.stem for path in shipped()} == {case.scenario for case in CASES}


def test_every_kind_of_demand_is_broken() -> None:
    kinds = {get_args(model.model_fields["check"].annotation)[0] for model in get_args(get_args(Check)[0])}
    assert kinds == set().union(*(case.found_by for case in CASES))
