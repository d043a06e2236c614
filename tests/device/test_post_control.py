"""A running post under control, and under a clock that is set: what it does, read from its own outbox."""

import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pytest_mock import MockerFixture

from platepost.device.camera.snapshot import Snapshot
from platepost.device.camera.tuning import CameraTuning
from platepost.device.clock.clock import Clock
from platepost.device.config import REMOTE_KEYS
from platepost.device.control.software import SoftwareUpdates
from platepost.device.enrollment.logins import Logins
from platepost.device.health.heartbeat import Heartbeat
from platepost.device.hotlist.service import HotListService
from platepost.device.logbook import Logbook
from platepost.device.part import Part, Tables
from platepost.device.recording import Recordings
from platepost.device.reporting.service import ReportingService
from platepost.device.vision.pipeline import VisionService
from platepost.device.vision.settings import VisionSettings
from platepost.provisioning.control.signing import sign_configuration
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.records import Command, Finding, Source, hotlist_package
from platepost.wire.records.settings import RecordSettings
from tests.device.test_post import MakePost, ScriptedCamera, ScriptedPost, fleet, make_post, table
from tests.rigs import part_of

__all__ = ["fleet", "make_post", "table"]

SOURCE = Source("demo", "post-1")
PATIENT = CameraTuning(silent_seconds=60.0)


@pytest.fixture
def controlled(table: dict[str, Any]) -> dict[str, Any]:
    table["control"] = {
        "directory": "state/control",
        "configuration_key": "configuration_key.pem",
        "operators_ca": "ca.pem",
    }
    table["hotlist"]["in_service_without_list"] = True
    return table


def configure(one: ScriptedPost, fleet: Fleet, version: int, **sections: Any) -> None:
    jws = sign_configuration(fleet, "post-1", sections, version=version, who="j-stone")
    one.uplink.bring(SOURCE.configuration, jws)


def once_frames_came(one: ScriptedPost, act: Callable[[], object]) -> None:
    def wait() -> None:
        one.camera.exhausted.wait(60)
        act()

    threading.Thread(target=wait).start()


def test_a_configuration_changes_over_while_frames_go_on(controlled: dict[str, Any], fleet: Fleet) -> None:
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "frame", "wait"]))
    vision, reporting = part_of(one.post, VisionService), part_of(one.post, ReportingService)
    pipeline = vision.pipeline
    sections = {"vision": {"minimum_confidence": 0.5}, "records": {"read_overview": True}}
    once_frames_came(one, lambda: configure(one, fleet, 1, **sections))
    one.run_until(lambda: one.post._configuration != one.configuration and pipeline.counters.frames == 2)
    assert vision.pipeline is pipeline
    assert pipeline._settings.minimum_confidence == 0.5
    assert reporting.reporter._settings.read_overview
    assert "configuration_applied" in one.actions()
    last = [e["data"] for e in one.records() if e["type"] == "platepost.status.v1"][-1]
    assert (last["configuration"]["state"], last["configuration"]["version"]) == ("trial", 1)
    assert last["versions"]["configuration"] == one.post._configuration.digest[:16]


def test_a_configuration_is_asked_for_until_it_has_come(controlled: dict[str, Any]) -> None:
    assert SOURCE.configuration in ScriptedPost(controlled, ScriptedCamera([])).uplink.small


class Adjusted(Part):
    """Remembers by what it was to go."""

    def __init__(self) -> None:
        self.told: list[Tables] = []

    def adjust(self, tables: Tables) -> None:
        self.told.append(tables)


def test_a_configuration_from_afar_reaches_every_part(controlled: dict[str, Any], fleet: Fleet) -> None:
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "wait"]))
    first, last = Adjusted(), Adjusted()
    one.post._parts = (first, *one.post._parts, last)
    sections = {
        "vision": {"minimum_confidence": 0.5},
        "passages": {"lost_after_seconds": 2.5},
        "hotlist": {"near_alternatives": 3},
        "records": {"read_overview": True, "health_seconds": 7},
        "custody": {"behind_hours": 48},
        "software": {"window_begin": 3},
        "service": {"revoked_ssh": [12]},
    }
    assert set(sections) == {key.partition(".")[0] for key in REMOTE_KEYS}
    once_frames_came(one, lambda: configure(one, fleet, 1, **sections))
    one.run_until(lambda: bool(last.told))
    assert first.told == last.told == [one.post._configuration]
    said = last.told[0].table(RecordSettings)
    assert (said.read_overview, said.health_seconds) == (True, 7)
    vision, hotlist = part_of(one.post, VisionService), part_of(one.post, HotListService)
    assert vision.pipeline._settings.minimum_confidence == 0.5
    assert vision.pipeline._passages.settings.lost_after_seconds == 2.5
    assert part_of(one.post, ReportingService).reporter._settings == said
    assert hotlist.settings.near_alternatives == 3
    assert part_of(one.post, SoftwareUpdates)._settings.window_begin == 3
    assert part_of(one.post, Logins)._settings.revoked_ssh == (12,)
    assert [part_of(one.post, Heartbeat)._beat.seconds, part_of(one.post, Logbook)._account.seconds] == [7, 7]


def test_a_recording_says_by_which_configuration_it_was_made(controlled: dict[str, Any], fleet: Fleet) -> None:
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "wait"]))
    recordings = part_of(one.post, Recordings)
    before = recordings._evaluated_with()
    once_frames_came(one, lambda: configure(one, fleet, 1, vision={"minimum_confidence": 0.5}))
    one.run_until(lambda: recordings._evaluated_with() != before)
    now = recordings._evaluated_with()
    assert now["configuration"]["vision"]["minimum_confidence"] == 0.5
    assert now["versions"]["configuration"] != before["versions"]["configuration"]


def test_a_configuration_that_makes_a_fault_is_given_back(
    controlled: dict[str, Any], mocker: MockerFixture, fleet: Fleet
) -> None:
    mocker.patch("platepost.device.control.configuration.remote.FAULT_SECONDS", 0.3)
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "wait"]))
    assert one.configuration.vision.minimum_confidence != 0.5
    adjusted = Adjusted()
    one.post._parts += (adjusted,)

    def act() -> None:
        configure(one, fleet, 1, vision={"minimum_confidence": 0.5})
        # The camera falls silent, as far as the post can tell, because of it.
        one.post._camera._tuning = CameraTuning(silent_seconds=0.0)

    once_frames_came(one, act)
    one.run_until(lambda: "configuration_reverted" in one.actions() and len(adjusted.told) == 2)
    assert adjusted.told[0].table(VisionSettings).minimum_confidence == 0.5
    assert one.post._configuration == adjusted.told[1] == one.configuration


def test_a_configuration_that_makes_none_is_kept_when_its_trial_is_over(
    controlled: dict[str, Any], fleet: Fleet
) -> None:
    clock = SettableClock()
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "wait"]), clock=clock, tuning=PATIENT)
    once_frames_came(one, lambda: configure(one, fleet, 1, vision={"minimum_confidence": 0.5}))

    def kept() -> bool:
        statuses = [e["data"] for e in one.records() if e["type"] == "platepost.status.v1"]
        said = statuses[-1]["configuration"]["state"] if statuses else ""
        if said == "trial":
            clock.passed = 60 * one.configuration.control.trial_minutes
        return said == "applied"

    one.run_until(kept)
    assert one.post._configuration.vision.minimum_confidence == 0.5


def test_a_restart_is_asked_for_and_told_to_whoever_runs_the_post(controlled: dict[str, Any]) -> None:
    one = ScriptedPost(controlled, ScriptedCamera(["frame", "wait"]))
    once_frames_came(one, one.post._restart_software)
    assert one.post.run().restart


def test_a_running_post_tests_itself_and_hands_out_a_frame(controlled: dict[str, Any], mocker: MockerFixture) -> None:
    one = ScriptedPost(controlled, ScriptedCamera(["frame"] * 3 + ["wait"]), tuning=PATIENT)
    snapshot = part_of(one.post, Snapshot)
    # A busy machine may take longer to start the post, and to come to the test after the last frame.
    mocker.patch("platepost.device.camera.snapshot.PATIENCE_SECONDS", 60.0)
    found: list[Finding] = []
    pictures: list[bytes] = []

    def act() -> None:
        pictures.append(snapshot.take().content)
        one.camera.exhausted.wait(60)
        found.extend(one.post._check_up())

    thread = threading.Thread(target=act)
    thread.start()
    assert snapshot._wanted.wait(60)
    one.run_until(lambda: bool(found))
    thread.join(60)
    assert pictures[0][:2] == b"\xff\xd8"
    points = {finding.point: finding.good for finding in found}
    assert set(points) == {
        "camera",
        "hot list",
        "clock",
        "certificate",
        "outbox",
        "disk",
        "uplink",
        "custody",
        "hardening",
    }
    assert points["camera"]
    assert not points["uplink"]
    assert not points["hot list"]


def test_a_post_without_the_table_takes_neither(make_post: MakePost) -> None:
    one = make_post(["wait"], in_service_without_list=True)
    assert one.post._control is None
    assert hotlist_package("demo") in one.uplink.handlers
    assert SOURCE.command("+") not in one.uplink.handlers
    assert SOURCE.configuration not in one.uplink.handlers
    assert Command.STILL


class SettableClock(Clock):
    """The clocks of a machine: both go on, also by leaps, and that of the wall can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.passed = 0.0

    def steady(self) -> float:
        return super().steady() + self.passed

    def wall(self) -> float:
        return super().wall() + self.passed + self.ahead.total_seconds()


def moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


def stepped(one: ScriptedPost, times: int) -> bool:
    return one.actions().count("clock_stepped") == times


def test_a_clock_that_is_set_back_is_audited_and_the_chain_goes_on(make_post: MakePost) -> None:
    clock = SettableClock()
    for number, ahead in enumerate((timedelta(), timedelta(hours=-2), timedelta(days=-700)), start=1):
        one = make_post(["frame", "wait"], clock=clock, in_service_without_list=True)

        once_frames_came(one, partial(setattr, clock, "ahead", ahead - timedelta(minutes=5)))
        one.run_until(partial(stepped, one, number))
        # As after kill -9 and a boot without a battery: nothing was saved but the records.
        (one.folder / "state" / "clock.json").unlink()
    events = one.records()
    for before, event in itertools.pairwise(events):
        said = timedelta(seconds=event["data"]["clock"].get("stepped_back_seconds", 0))
        assert moment(before) - moment(event) == said if said else moment(before) <= moment(event)
    steps = [e["data"]["details"]["seconds"] for e in events if e["data"].get("action") == "clock_stepped"]
    assert [step < -299 for step in steps] == [True] * 3
    assert events[-1]["data"]["clock"]["held_seconds"] > 600 * 86400
