"""One post without a broker: what it does about cameras, lists and switches, read from its own outbox."""

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platepost.common.errors import CameraError, OutboxError
from platepost.device.camera.base import Camera
from platepost.device.camera.tuning import UNIT, CameraTuning
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.device.config import parse
from platepost.device.frame import Frame
from platepost.device.part import Part
from platepost.device.post import Post
from platepost.device.rig import Rig
from platepost.device.uplink.inbox import Delivery, Handler
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.build import build_package
from platepost.simulator.board.virtual import VirtualBoard
from tests.rigs import chain_of, part_of, post_table, records_in


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
                self._closed.wait(60)
                return
            gray = np.full((90, 160), 100 + number % 2, np.uint8)  # a lens gives no two frames alike
            yield Frame(number, datetime.now(UTC), number / 10, gray, lambda: np.zeros((90, 160, 3), np.uint8))


class FedUplink(Uplink):
    """An uplink that no broker sends anything: a test does."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.handlers: dict[str, Handler] = {}
        self.small: set[str] = set()

    def subscribe(self, topic: str, handler: Handler, *, optional: bool = False, small: bool = False) -> None:
        super().subscribe(topic, handler, optional=optional, small=small)
        self.handlers[topic] = handler
        self.small |= {topic} if small else set()

    def bring(self, topic: str, message: bytes) -> None:
        self.handlers[topic](Delivery(1, 1, 1, topic, message))


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))


@pytest.fixture
def table(fleet: Fleet) -> dict[str, Any]:
    folder = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
    return {"folder": folder} | post_table(
        without_list=False, camera={"backend": "scripted"}, board={"backend": "virtual"}
    )


class ScriptedPost:
    """A post with its camera and board in hand."""

    def __init__(
        self,
        table: dict[str, Any],
        camera: ScriptedCamera,
        *,
        clock: Clock = SYSTEM,
        tuning: CameraTuning = UNIT,
    ) -> None:
        self.folder: Path = table["folder"]
        self.camera = camera
        self.board = VirtualBoard()
        self.configuration = parse({key: value for key, value in table.items() if key != "folder"}, folder=self.folder)
        rig = Rig(
            camera=lambda _settings: camera,
            board=lambda _settings: self.board,
            clock=clock,
            uplink=FedUplink,
            camera_tuning=tuning,
        )
        self.post = Post(self.configuration, rig=rig)
        self.uplink = part_of(self.post, FedUplink)

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
            thread.join(60)
        assert not thread.is_alive()
        assert done()

    def records(self) -> list[dict[str, Any]]:
        """What a post that runs has recorded so far, or one that ran."""
        with suppress(OutboxError):
            return chain_of(self.post._logbook.outbox)
        return records_in(self.folder)

    def actions(self) -> list[str]:
        """The audit trail."""
        return [e["data"]["action"] for e in self.records() if e["type"] == "platepost.audit.v1"]

    def reasons(self) -> list[set[str]]:
        """What each status names."""
        statuses = [e["data"] for e in self.records() if e["type"] == "platepost.status.v1"]
        return [{reason["name"] for reason in status.get("reasons", ())} for status in statuses]


MakePost = Callable[..., ScriptedPost]


@pytest.fixture
def make_post(table: dict[str, Any]) -> MakePost:
    def make(
        *plays: list[str],
        finite: bool = False,
        clock: Clock = SYSTEM,
        hung_seconds: float = UNIT.hung_seconds,
        **hotlist: Any,
    ) -> ScriptedPost:
        table["hotlist"] |= hotlist
        tuning = CameraTuning(reopenings=(0.01,) * 9, hung_seconds=hung_seconds)
        return ScriptedPost(table, ScriptedCamera(*plays, finite=finite), clock=clock, tuning=tuning)

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


def test_a_camera_that_fails_is_opened_again_and_named(make_post: MakePost) -> None:
    one = make_post(["frame", "fail"], ["fail"], ["frame", "wait"], in_service_without_list=True)
    one.run_until(one.camera.exhausted.is_set)
    assert one.camera.opened == 3
    assert one.actions().count("camera_failed") == 2


def test_a_camera_that_hangs_is_opened_again(make_post: MakePost) -> None:
    one = make_post(["frame", "wait"], ["frame", "wait"], hung_seconds=0.3, in_service_without_list=True)
    one.run_until(lambda: one.camera.opened >= 2)
    assert "camera_failed" in one.actions()


def test_footage_that_cannot_be_played_ends_the_run(make_post: MakePost) -> None:
    one = make_post(["fail"], finite=True, in_service_without_list=True)
    with pytest.raises(CameraError, match="unplugged"):
        one.post.run()
    assert one.actions()[-1] == "stop"


def test_without_a_list_the_post_is_not_in_service_and_says_so(make_post: MakePost) -> None:
    one = make_post(["frame"])
    one.run_until(lambda: bool(one.board.states("status_light")[1:]))
    assert one.camera.opened == 0
    assert any("hotlist_missing" in names for names in one.reasons())


@pytest.mark.parametrize(("hours", "opened"), [(1, 1), (15, 1), (25, 0)], ids=["fresh", "warning", "stale"])
def test_service_follows_the_age_of_the_list(make_post: MakePost, fleet: Fleet, hours: float, opened: int) -> None:
    one = make_post(["wait"])
    folder = one.folder / "state" / "hotlist"
    folder.mkdir(parents=True, exist_ok=True)
    built = datetime.now(UTC) - timedelta(hours=hours)
    (folder / "hotlist-0000000000000001.package").write_bytes(package(fleet, built=built))
    one.run_until(lambda: bool(one.board.states("status_light")[1:]) and one.camera.opened == opened)
    assert any("hotlist_stale" in names for names in one.reasons()) == (hours > 24)


def test_the_tamper_switch_is_audited_and_shown(make_post: MakePost) -> None:
    one = make_post(["wait"], in_service_without_list=True)
    one.board.open_case()
    one.run_until(lambda: any("tamper_open" in names for names in one.reasons()))
    assert "tamper_opened" in one.actions()


def test_a_run_begins_with_boot_and_ends_with_stop_and_offline(make_post: MakePost) -> None:
    one = make_post(["frame"], finite=True, in_service_without_list=True)
    account = one.post.run()
    assert account.frames == 1
    assert one.actions()[0] == "boot"
    assert one.actions()[-1] == "stop"
    assert one.records()[-1]["data"]["state"] == "offline"
    assert account.undelivered == len(one.records())


def test_a_post_that_was_not_accepted_reads_nothing_and_says_so(make_post: MakePost, table: dict[str, Any]) -> None:
    table["acceptance"] = {"file": "state/acceptance.jws"}
    one = make_post(["frame"], in_service_without_list=True)
    one.run_until(lambda: bool(one.board.states("status_light")[1:]))
    assert one.camera.opened == 0
    assert any("not_accepted" in names for names in one.reasons())


class Noted(Part):
    """A part that notes what it is told, and fails where it is to."""

    def __init__(self, name: str, said: list[str], *fails: str) -> None:
        self.name = name
        self.said = said
        self.fails = fails

    def note(self, verb: str) -> None:
        self.said.append(f"{verb} {self.name}")
        if verb in self.fails:
            raise RuntimeError(f"{verb} {self.name}")

    def start(self) -> None:
        self.note("start")

    def update(self, frame: Frame) -> None:
        self.note(f"update {frame.number}")

    def poll(self, now: float) -> None:
        del now
        self.note("poll")

    def stop(self) -> None:
        self.note("stop")


ALL_STOP = ["stop c", "stop b", "stop a"]


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ({}, ["start a", "start b", "start c", *ALL_STOP]),
        ({"b": ["start"]}, ["start a", "start b", "stop b", "stop a"]),
        ({"b": ["start", "stop"]}, ["start a", "start b", "stop b", "stop a"]),
        ({"b": ["stop"]}, ["start a", "start b", "start c", *ALL_STOP]),
        ({"c": ["stop"], "a": ["stop"]}, ["start a", "start b", "start c", *ALL_STOP]),
    ],
)
def test_parts_start_in_order_and_stop_in_the_opposite_one_whatever_fails(
    make_post: MakePost, fails: dict[str, list[str]], said: list[str]
) -> None:
    one, heard = make_post(["wait"], in_service_without_list=True), []
    one.post._parts = tuple(Noted(name, heard, *fails.get(name, ())) for name in "abc")
    one.post.stop()
    with pytest.raises(RuntimeError) if fails else nullcontext():
        one.post.run()
    assert heard == said


def test_a_part_that_fails_ends_the_run_in_order(make_post: MakePost) -> None:
    one = make_post(["wait"], in_service_without_list=True)
    one.post._parts += (Noted("last", [], "poll"),)
    with pytest.raises(RuntimeError, match="poll last"):
        one.post.run()
    with pytest.raises(OutboxError):
        one.post._logbook.outbox.next(1)
    assert (one.folder / "state" / "clock.json").exists()
    assert (one.actions()[0], one.actions()[-1]) == ("boot", "stop")
    assert one.records()[-1]["data"]["state"] == "offline"


def test_every_part_gets_each_frame_and_is_polled(make_post: MakePost) -> None:
    one, heard = make_post(["frame", "frame", "wait"], in_service_without_list=True), []
    one.post._parts = (Noted("first", heard), *one.post._parts, Noted("last", heard))
    one.run_until(lambda: heard.count("poll last") > 1 and one.camera.exhausted.is_set())
    assert [what for what in heard if what.startswith("update")] == [
        f"update {number} {name}" for number in range(2) for name in ("first", "last")
    ]
    assert heard.count("poll first") == heard.count("poll last")
