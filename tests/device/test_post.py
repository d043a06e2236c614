"""One post without a broker: what it does about cameras, lists and switches, read from its own outbox."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_mock import MockerFixture

from device import backends
from device.camera import recovery, supervisor
from device.camera.base import Camera
from device.config import parse
from device.errors import CameraError, OutboxError
from device.frame import Frame
from device.post import Post
from provisioning.fleet.fleet import Fleet
from provisioning.fleet.post_file import PostSettings
from provisioning.hotlist.build import build_package
from simulator.board.virtual import VirtualBoard
from tests.rigs import post_table, records_in


class ScriptedCamera(Camera):
    """Plays one list of frames a time it is opened, and fails where the list says so."""

    name = "scripted"

    def __init__(self, *plays: list[str], finite: bool = False) -> None:
        self.plays = list(plays)
        self.opened = 0
        self.exhausted = threading.Event()
        self._finite = finite
        self._closed = threading.Event()

    @property
    def finite(self) -> bool:
        return self._finite

    def open(self) -> None:
        self._closed.clear()
        self.opened += 1

    def close(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        play = self.plays.pop(0) if self.plays else ["wait"]
        for number, step in enumerate(play):
            if step == "fail":
                raise CameraError("unplugged")
            if step == "wait":
                self.exhausted.set()
                self._closed.wait(20)
                return
            grey = np.full((90, 160), 100 + number % 2, np.uint8)  # a lens gives no two frames alike
            yield Frame(number, datetime.now(UTC), number / 10, grey, lambda: np.zeros((90, 160, 3), np.uint8))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))


@pytest.fixture
def table(fleet: Fleet) -> dict[str, Any]:
    folder = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    return {"folder": folder} | post_table(
        without_list=False, camera={"backend": "scripted"}, board={"backend": "virtual"}
    )


class Rig:
    """A post with its camera and board in hand."""

    def __init__(self, table: dict[str, Any], camera: ScriptedCamera, mocker: MockerFixture) -> None:
        self.folder: Path = table["folder"]
        self.camera = camera
        self.board = VirtualBoard()
        mocker.patch.object(backends, "camera", return_value=camera)
        mocker.patch.object(backends, "board", return_value=self.board)
        sections = {key: value for key, value in table.items() if key != "folder"}
        self.post = Post(parse(sections, folder=self.folder))

    def run_until(self, done: Callable[[], bool]) -> None:
        thread = threading.Thread(target=self.post.run)
        thread.start()
        ticker = threading.Event()
        try:
            for _ in range(1200):
                if done() or ticker.wait(0.05):
                    break
        finally:
            self.post.stop()
            thread.join(20)
        assert not thread.is_alive()
        assert done()

    def records(self) -> list[dict[str, Any]]:
        return records_in(self.folder)

    def actions_so_far(self) -> list[str]:
        """The audit trail of a post that runs, or ran."""
        try:
            waiting = self.post._books.outbox.next(1000)
        except OutboxError:
            return self.actions()
        return [e.event["data"]["action"] for e in waiting if e.type == "platepost.audit.v1"]

    def actions(self) -> list[str]:
        return [e["data"]["action"] for e in self.records() if e["type"] == "platepost.audit.v1"]

    def reasons(self) -> list[set[str]]:
        statuses = [e["data"] for e in self.records() if e["type"] == "platepost.status.v1"]
        return [{reason["name"] for reason in status.get("reasons", ())} for status in statuses]


@pytest.fixture
def rig(table: dict[str, Any], mocker: MockerFixture) -> Callable[..., Rig]:
    mocker.patch.object(recovery, "REOPENINGS", (0.01,) * 9)

    def make(*plays: list[str], finite: bool = False, **hotlist: Any) -> Rig:  # noqa: ANN401 - configuration values
        table["hotlist"] |= hotlist
        return Rig(table, ScriptedCamera(*plays, finite=finite), mocker)

    return make


def package(fleet: Fleet, *, built: datetime) -> bytes:
    return build_package(
        [],
        agency="demo",
        issuer="Demo",
        version=1,
        signing_key=fleet.list_signing_key.read_bytes(),
        post_keys=[fleet.recipient_key("post-1").read_bytes()],
        built=built,
        expires=built + timedelta(days=30),
    )


def test_a_camera_that_fails_is_opened_again_and_named(rig: Callable[..., Rig]) -> None:
    one = rig(["frame", "fail"], ["fail"], ["frame", "wait"], in_service_without_list=True)
    one.run_until(one.camera.exhausted.is_set)
    assert one.camera.opened == 3
    assert one.actions().count("camera_failed") == 2


def test_a_camera_that_hangs_is_opened_again(rig: Callable[..., Rig], mocker: MockerFixture) -> None:
    mocker.patch.object(supervisor, "HUNG_SECONDS", 0.3)
    one = rig(["frame", "wait"], ["frame", "wait"], in_service_without_list=True)
    one.run_until(lambda: one.camera.opened >= 2)
    assert "camera_failed" in one.actions()


def test_footage_that_cannot_be_played_ends_the_run(rig: Callable[..., Rig]) -> None:
    one = rig(["fail"], finite=True, in_service_without_list=True)
    with pytest.raises(CameraError, match="unplugged"):
        one.post.run()
    assert one.actions()[-1] == "stop"


def test_without_a_list_the_post_is_not_in_service_and_says_so(rig: Callable[..., Rig]) -> None:
    one = rig(["frame"])
    one.run_until(lambda: bool(one.board.states("status_light")[1:]))
    assert one.camera.opened == 0
    assert any("hotlist_missing" in names for names in one.reasons())


@pytest.mark.parametrize(("hours", "opened"), [(1, 1), (15, 1), (25, 0)], ids=["fresh", "warning", "stale"])
def test_service_follows_the_age_of_the_list(rig: Callable[..., Rig], fleet: Fleet, hours: float, opened: int) -> None:
    one = rig(["wait"])
    folder = one.folder / "state" / "hotlist"
    folder.mkdir(parents=True, exist_ok=True)
    built = datetime.now(UTC) - timedelta(hours=hours)
    (folder / "hotlist-0000000000000001.package").write_bytes(package(fleet, built=built))
    one.run_until(lambda: bool(one.board.states("status_light")[1:]) and one.camera.opened == opened)
    assert any("hotlist_stale" in names for names in one.reasons()) == (hours > 24)


def test_the_tamper_switch_is_audited_and_shown(rig: Callable[..., Rig]) -> None:
    one = rig(["wait"], in_service_without_list=True)
    one.board.open_case()
    one.run_until(lambda: "tamper_opened" in one.actions_so_far())
    assert any("tamper_open" in names for names in one.reasons())


def test_a_run_begins_with_boot_and_ends_with_stop_and_offline(rig: Callable[..., Rig]) -> None:
    one = rig(["frame"], finite=True, in_service_without_list=True)
    account = one.post.run()
    assert account.frames == 1
    assert one.actions()[0] == "boot"
    assert one.actions()[-1] == "stop"
    assert one.records()[-1]["data"]["state"] == "offline"
    assert account.undelivered == len(one.records())


def test_a_post_that_was_not_accepted_reads_nothing_and_says_so(rig: Callable[..., Rig], table: dict[str, Any]) -> None:
    table["acceptance"] = {"file": "state/acceptance.jws"}
    one = rig(["frame"], in_service_without_list=True)
    one.run_until(lambda: bool(one.board.states("status_light")[1:]))
    assert one.camera.opened == 0
    assert any("not_accepted" in names for names in one.reasons())
