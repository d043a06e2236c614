"""A running post under control, and under a clock that is set: what it does, read from its own outbox."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pytest_mock import MockerFixture

from device import logbook
from device.clock import timekeeper as timekeeping
from device.records import ClockQuality, Command, Finding, Source
from provisioning.control.signing import sign_configuration
from provisioning.fleet.fleet import Fleet
from tests.device.test_post import Rig, ScriptedCamera, fleet, rig, table

__all__ = ["fleet", "rig", "table"]


@pytest.fixture
def controlled(table: dict[str, Any]) -> dict[str, Any]:
    table["control"] = {
        "directory": "state/control",
        "configuration_key": "configuration_key.pem",
        "operators_ca": "ca.pem",
    }
    table["hotlist"]["in_service_without_list"] = True
    return table


def configure(post: Any, fleet: Fleet, version: int, **sections: Any) -> None:  # noqa: ANN401
    jws = sign_configuration(fleet, "post-1", sections, version=version, who="j-stone")
    post._remote.receive(
        jws,
        at=datetime.now(UTC),
        clock=ClockQuality(source="kernel", synchronised=False),
        faults=post._controls._faults,
    )


def test_a_configuration_changes_over_while_frames_go_on(
    controlled: dict[str, Any], mocker: MockerFixture, fleet: Fleet
) -> None:
    one = Rig(controlled, ScriptedCamera(["frame", "frame", "wait"]), mocker)
    before = one.post._changeover.configuration.digest
    pipeline = one.post._pipeline

    def act() -> None:
        one.camera.exhausted.wait(20)
        configure(one.post, fleet, 1, vision={"minimum_confidence": 0.5}, records={"read_overview": True})

    threading.Thread(target=act).start()
    one.run_until(lambda: one.post._changeover.configuration.digest != before and pipeline.counters.frames == 2)
    assert one.post._pipeline is pipeline
    assert pipeline._settings.minimum_confidence == 0.5
    assert one.post._reporter._section.read_overview
    applied = [e["data"] for e in one.records() if e["type"] == "platepost.audit.v1"]
    assert "configuration_applied" in [data["action"] for data in applied]
    last = [e["data"] for e in one.records() if e["type"] == "platepost.status.v1"][-1]
    assert (last["configuration"]["state"], last["configuration"]["version"]) == ("trial", 1)
    assert last["versions"]["configuration"] == one.post._changeover.configuration.digest[:16]


def test_a_configuration_that_makes_a_fault_is_given_back(
    controlled: dict[str, Any], mocker: MockerFixture, fleet: Fleet
) -> None:
    mocker.patch("device.control.configuration.remote.FAULT_SECONDS", 0.3)
    one = Rig(controlled, ScriptedCamera(["frame", "wait"]), mocker)
    before = one.post._changeover.configuration
    assert before.vision.minimum_confidence != 0.5

    def act() -> None:
        one.camera.exhausted.wait(20)
        configure(one.post, fleet, 1, vision={"minimum_confidence": 0.5})
        # The camera falls silent, as far as the post can tell, because of it.
        mocker.patch("device.health.status.SILENT_SECONDS", 0.0)

    threading.Thread(target=act).start()
    one.run_until(lambda: "configuration_reverted" in one.actions_so_far())
    assert one.post._changeover.configuration == before


def test_a_restart_is_asked_for_and_told_to_whoever_runs_the_post(
    controlled: dict[str, Any], mocker: MockerFixture
) -> None:
    one = Rig(controlled, ScriptedCamera(["frame", "wait"]), mocker)
    accounts = []
    thread = threading.Thread(target=lambda: accounts.append(one.post.run()))
    thread.start()
    one.camera.exhausted.wait(20)
    one.post._begin_anew()
    thread.join(20)
    assert accounts[0].restart


def test_a_running_post_tests_itself_and_hands_out_a_frame(controlled: dict[str, Any], mocker: MockerFixture) -> None:
    one = Rig(controlled, ScriptedCamera(["frame"] * 3 + ["wait"]), mocker)
    # A busy machine may take longer to start the post, and to come to the test after the last frame.
    mocker.patch.object(one.post._still, "_patience", 60.0)
    mocker.patch("device.health.selftest.OLD_FRAME_SECONDS", 60.0)
    found: list[Finding] = []
    pictures: list[bytes] = []

    def act() -> None:
        pictures.append(one.post._still.take().content)
        one.camera.exhausted.wait(20)
        found.extend(one.post._check_up())

    thread = threading.Thread(target=act)
    thread.start()
    assert one.post._still._wanted.wait(20)
    one.run_until(lambda: bool(found))
    thread.join(20)
    assert pictures[0][:2] == b"\xff\xd8"
    points = {finding.point: finding.good for finding in found}
    assert points["camera"]
    assert not points["uplink"]
    assert not points["hot list"]


def test_a_post_without_the_table_takes_neither(rig: Callable[..., Rig]) -> None:
    one = rig(["wait"], in_service_without_list=True)
    assert one.post._controls is None
    assert Source("demo", "post-1").command("+") not in one.post._uplink._inbox.topics
    assert Command.STILL


class Wall:
    """The system's clock, which can be set."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> float:
        return time.time() + self.ahead.total_seconds()


def stepped(one: Rig, times: int) -> bool:
    return one.actions_so_far().count("clock_stepped") == times


def test_a_clock_that_is_set_back_is_audited_and_the_chain_goes_on(
    rig: Callable[..., Rig], mocker: MockerFixture
) -> None:
    wall = Wall()

    class Keeper(timekeeping.Timekeeper):
        def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - the timekeeper's own
            super().__init__(*arguments, **more, wall=wall)

    mocker.patch.object(logbook, "Timekeeper", Keeper)
    for number, ahead in enumerate((timedelta(), timedelta(hours=-2), timedelta(days=-700)), start=1):
        one = rig(["frame", "wait"], in_service_without_list=True)

        def act(one: Rig = one, ahead: timedelta = ahead) -> None:
            one.camera.exhausted.wait(20)
            wall.ahead = ahead - timedelta(minutes=5)

        threading.Thread(target=act).start()
        one.run_until(partial(stepped, one, number))
        # As after kill -9 and a boot without a battery: nothing was saved but the records.
        (one.folder / "state" / "clock.json").unlink()
    events = one.records()
    times = [event["time"] for event in events]
    assert times == sorted(times)
    steps = [e["data"]["details"]["seconds"] for e in events if e["data"].get("action") == "clock_stepped"]
    assert [step < -299 for step in steps] == [True] * 3
    assert events[-1]["data"]["clock"]["held_seconds"] > 600 * 86400
