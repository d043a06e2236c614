"""Acceptance as a technician does it: the checklist on a post at work, against a real mosquitto."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.device import backends
from platepost.device.board.base import Light
from platepost.device.board.status_light import described
from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.view import View, Views
from platepost.device.commands import selftest
from platepost.device.config import load
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.device.post import Post
from platepost.device.uplink.brokers import Backoff
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import RefusedRow
from platepost.provisioning.hotlist.source import read_rows
from platepost.simulator.board.virtual import VirtualBoard
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Subscriber
from platepost.technician.accept.dialogue import Keystroke, Terminal
from platepost.technician.accept.service import AcceptanceCriteria
from platepost.technician.commands.accept import accept_post
from platepost.technician.commands.acceptance import acceptance
from platepost.technician.technician import certified
from platepost.wire.records import ClockQuality, Role, hotlist_package

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("seen_once"),  # its clip is shown over and over
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
LEAVES = {50, 111}
"""Frames of the clip at which a vehicle has left the picture, from its truth."""
TEST_PLATE = "6WDN917"
LIMITS = AcceptanceCriteria(
    vehicles=4, least_share=0.4, outage_seconds=1, alarm_seconds=120, list_seconds=240, patience_seconds=120
)


class Technician(Terminal):
    """Does what is asked, and counts the vehicles that really leave the picture."""

    def __init__(self, broker: Broker) -> None:
        self.said: list[str] = []
        self.shown: list[str] = []
        self.asked: list[str] = []
        self.board: VirtualBoard | None = None
        self.walks_away_at: str | None = None
        self._broker = broker
        self._taps: queue.Queue[float] = queue.Queue()
        self._counting = False

    def say(self, text: str) -> None:
        self.said.append(text)
        if self.walks_away_at and text.startswith(self.walks_away_at):
            raise KeyboardInterrupt
        if text.startswith("Open the case"):
            assert self.board is not None
            self.board.open_case()
            threading.Timer(1.0, self.board.close_case).start()
        if text.startswith("Take the network away"):
            self._broker.stop()
        if text.startswith("Plug it in again"):
            self._broker.start()
        if text.startswith("Press Enter"):
            self._counting = True

    def ask(self, question: str) -> bool:
        """Answer honestly: only what is said is looked for."""
        self.asked.append(question)
        assert self.board is not None
        showing = self.board.value("status_light")
        assert isinstance(showing, Light)
        return described(showing) in question and self.board.value("illuminator") is True

    def discard(self) -> None:
        pass

    def progress(self, text: str) -> None:
        self.shown.append(text)

    def tap(self, seconds: float) -> Keystroke | None:
        try:
            return Keystroke("vehicle", self._taps.get(timeout=seconds))
        except queue.Empty:
            return None

    def sees(self, number: int) -> None:
        if self._counting and number % 140 in LEAVES:
            self._taps.put(time.monotonic())


class Watched(FootageCamera):
    """Footage that the technician looks at too."""

    technician: Technician

    def frames(self) -> Iterator[Any]:
        for frame in super().frames():
            yield frame
            self.technician.sees(frame.number)


class Site:
    """A department with a broker, a record keeper and a list with a test plate; a unit that was aimed."""

    def __init__(self, folder: Path, mocker: MockerFixture) -> None:
        self.fleet = Fleet.create(folder / "fleet", agency="riverside")
        self.fleet.add_subscriber("keeper", reads=READS)
        self.fleet.add_operator("j-stone", Role.ADMINISTRATOR)
        identity = self.fleet.add_operator("r-alvarez", Role.TECHNICIAN)
        self.broker = Broker(self.fleet, folder / "broker")
        settings = PostSettings(
            brokers=(self.broker.address,),
            site="Main St and 4th",
            camera="footage",
            camera_settings={"path": str(CLIP), "loop": True},
            board="virtual",
            acceptance=True,
            more={
                "passages": {"repeat_seconds": 0.0},
                "uplink": {"drain_seconds": 5.0},
            },
        )
        self.files = self.fleet.add_post("post-1", settings)
        self.configuration = load(self.files / "post.toml")
        self.broker.start()
        self.keeper = Subscriber(
            self.fleet.subscriber("keeper"),
            agency="riverside",
            broker=self.broker.address,
            archive=folder / "records.jsonl",
        )
        self.keeper.start()
        self._publish(folder)
        with FootageCamera(path=CLIP, pace="fast") as camera:
            gray = next(iter(camera.frames())).gray
        Views(day=View.of(gray, accepted=datetime.now(UTC), accepted_by="r-alvarez")).save(self.files / "state")
        self.identity = identity
        self.technician = Technician(self.broker)
        Watched.technician = self.technician
        # The machine of a test may have no synchronised clock.
        good = ClockQuality(source="kernel", synchronised=True, estimated_error_seconds=0.001)
        mocker.patch("platepost.device.clock.timekeeper.clock_quality", return_value=good)
        mocker.patch.object(selftest, "clock_quality", return_value=good)
        # An uplink left to itself comes back after this test's patience only.
        mocker.patch.object(Backoff, "failed", return_value=3600.0)
        mocker.patch.object(backends, "camera", side_effect=lambda _name, settings: Watched(**settings))
        mocker.patch.object(backends, "board", side_effect=self._make_board)

    def _make_board(self, _name: str, _settings: object) -> VirtualBoard:
        self.technician.board = VirtualBoard()
        return self.technician.board

    def _publish(self, folder: Path) -> None:
        source = folder / "list.csv"
        source.write_text(f"plate,state,category\n{TEST_PLATE},CA,acceptance_test\n8AAA000,CA,stolen_vehicle\n")
        now = datetime.now(UTC)
        rows = [row for row in read_rows(source, SourceMapping(), at=now) if not isinstance(row, RefusedRow)]
        package = build_package(
            rows,
            agency="riverside",
            issuer="Riverside",
            version=1,
            signing_key=self.fleet.list_signing_key.read_bytes(),
            post_keys=[self.fleet.recipient_key("post-1").read_bytes()],
            built=now,
        )
        with Connection(self.fleet.publisher, broker=self.broker.address) as connection:
            connection.publish(hotlist_package("riverside"), package, retain=True)

    def accept(self) -> tuple[dict[str, Any], Path]:
        who = certified(self.configuration, self.identity, purpose="work order 7731")
        results, written = accept_post(self.configuration, who, self.technician, limits=LIMITS)
        return {result.point: result for result in results}, written

    def close(self) -> None:
        self.keeper.stop()
        self.broker.stop()


@pytest.fixture
def site(tmp_path: Path, mocker: MockerFixture) -> Iterator[Site]:
    made = Site(tmp_path, mocker)
    yield made
    made.close()


def test_a_post_is_accepted_after_an_interruption_and_goes_into_service(site: Site, tmp_path: Path) -> None:
    statement = site.files / "state" / "acceptance.jws"
    site.technician.walks_away_at = "Take the network away"
    with pytest.raises(KeyboardInterrupt):
        site.accept()
    assert not statement.exists()
    first = list(site.technician.said)
    assert not [line for line in first if line.startswith("FAULT")], first

    site.technician.walks_away_at = None
    site.technician.said.clear()
    found, written = site.accept()
    assert not [point for point, result in found.items() if not result.good], found
    assert next(line for line in site.technician.said if line.endswith(": done before")) == "board: done before"
    assert not [line for line in site.technician.said if line.startswith(("Open the case", "Press Enter", "Bring"))]
    assert {"camera", "tamper switch", "view", "rights at the broker", "hot list", "alarm", "count", "outage"} < {
        *found
    }
    assert "all delivered to the broker afterwards" in found["outage"].said
    assert any("not connected yet" in shown for shown in site.technician.shown)
    assert [picture.caption for picture in found["alarm"].pictures] == ["The test plate."]
    # Ten commands and questions between an unpacked unit and a signed acceptance; here are those of the checklist.
    instructions = ("Open", "Bring", "Press Enter", "Take", "Plug")
    questions = len(site.technician.asked) + sum(line.startswith(instructions) for line in first + site.technician.said)
    assert questions <= 7

    page = written.read_text()
    assert "Accepted" in page
    assert "r-alvarez, technician" in page
    assert page.count("data:image/jpeg") == 2
    for words in (("verify",), ("keep", "--as", "j-stone", "--purpose", "work order 7731")):
        arguments = [words[0], str(site.fleet.directory), str(written), *words[1:]]
        assert CliRunner().invoke(acceptance, arguments, catch_exceptions=False).exit_code == 0
    shown = CliRunner().invoke(acceptance, ["show", str(site.fleet.directory), "--json"], catch_exceptions=False)
    (kept,) = json.loads(shown.stdout)
    assert (kept["technician"], kept["accepted"]) == ("r-alvarez", True)

    post = Post(load(site.files / "post.toml"))
    thread = threading.Thread(target=post.run, daemon=True)
    thread.start()
    assert site.keeper.wait_for(lambda all_: any(_accepted(each, kept["digest"]) for each in all_), timeout=90)
    post.stop()
    thread.join(90)
    assert not thread.is_alive()


def _accepted(arrival: Any, digest: str) -> bool:
    data = arrival.data
    return data.get("action") == "acceptance" and data["object"] == digest and data["outcome"] == "success"


def test_a_post_that_fails_a_point_stays_out_of_service(site: Site) -> None:
    (site.files / "state" / "view.json").unlink()
    site.technician.walks_away_at = None
    site.broker.stop()
    who = certified(site.configuration, site.identity, purpose="work order 7731")
    limits = LIMITS.model_copy(update={"list_seconds": 1.0})
    results, written = accept_post(site.configuration, who, site.technician, limits=limits)
    failed = {result.point for result in results if not result.good}
    assert {"view", "rights at the broker", "hot list"} <= failed
    assert "Not accepted" in written.read_text()
    assert not (site.files / "state" / "acceptance.jws").exists()
    with Outbox(site.files / "state" / "outbox.db", key=read_key_file(site.files / "outbox.key")) as outbox:
        audits = [e.event["data"] for e in outbox.next(1000) if e.type == "platepost.audit.v1"]
    (said,) = [audit for audit in audits if audit["action"] == "acceptance"]
    assert said["outcome"] == "failure"
    assert not said["details"]["points"]["view"]["good"]
