"""A post under remote control: a real mosquitto, the fleet's rights, the commands that people type."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from paho.mqtt.client import Client

from platepost.device.config import load
from platepost.device.post import Account, Post
from platepost.provisioning.cli import provision
from platepost.provisioning.connection import secured_client
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Subscriber
from platepost.wire.records import Keyring, Role
from platepost.wire.verify.verify import Verifier
from tests.rabbitmq import RabbitCluster, rabbitmq_path
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("seen_once"),  # its post sees a clip over and over
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
WHY = ("--purpose", "a test of ours")
SECONDS = 90.0


@dataclass
class Scene:
    """A fleet with one post and its people, a broker, and a subscriber that keeps every record."""

    fleet: Fleet
    broker: Any
    subscriber: Subscriber
    accounts: list[Account] = field(default_factory=list)
    post: Post | None = None
    thread: threading.Thread | None = None
    name: str = "post-1"

    def start(self) -> None:
        self.post = Post(load(self.fleet.post(self.name) / "post.toml"))
        post = self.post
        self.thread = threading.Thread(target=lambda: self.accounts.append(post.run()), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        if self.post is not None and self.thread is not None:
            self.post.stop()
            self.thread.join(SECONDS)
            assert not self.thread.is_alive()
            self.post = None

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        result = CliRunner().invoke(provision, [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == code, result.output
        told = json.loads(result.stdout.splitlines()[-1])
        return told[0] if isinstance(told, list) else told

    def command(self, name: str, *more: str, by: str = "a-technician", code: int = 0) -> dict[str, Any]:
        options = ("--as", str(self.fleet.operator(by)), "--broker", self.broker.address, "--purpose", "a test of ours")
        return self.run("command", name, "post-1", *options, *more, code=code)

    def configure(self, *settings: str, code: int = 0, **more: str) -> dict[str, Any]:
        directory, file = str(self.fleet.directory), str(self.fleet.directory.parent / "post-1.jws")
        pairs = [part for setting in settings for part in ("--set", setting)]
        options = [part for name, value in more.items() for part in (f"--{name}", value)]
        self.run("configuration", "sign", directory, "post-1", *WHY, "-o", file, *pairs, *options)
        return self.run("configuration", "publish", directory, file, *WHY, "--broker", self.broker.address, code=code)

    def audit(self, action: str) -> list[dict[str, Any]]:
        found = [arrival.data for arrival in self.subscriber.arrivals if arrival.kind == "platepost.audit.v1"]
        return [data for data in found if data["action"] == action]

    @property
    def status(self) -> dict[str, Any]:
        return [a.data for a in self.subscriber.arrivals if a.kind == "platepost.status.v1"][-1]


@pytest.fixture
def scene(tmp_path: Path, sparse_clip: Path) -> Iterator[Scene]:
    with staged(tmp_path, Broker, sparse_clip) as made:
        yield made


BROKERS: dict[str, tuple[Callable[[], object], Callable[[Fleet, Path], Any]]] = {
    "mosquitto": (mosquitto_path, Broker),
    "rabbitmq": (rabbitmq_path, partial(RabbitCluster, size=1)),
}


@pytest.fixture(params=BROKERS)
def any_scene(tmp_path: Path, sparse_clip: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    installed, make = BROKERS[request.param]
    if installed() is None:
        pytest.skip(f"{request.param} is missing: make test-brokers")
    with staged(tmp_path, make, sparse_clip) as made:
        yield made


@contextmanager
def staged(tmp_path: Path, make: Callable[[Fleet, Path], Any], clip: Path) -> Iterator[Scene]:
    fleet = Fleet.create(tmp_path / "fleet", agency="demo")
    for role in Role:
        fleet.add_operator(f"a-{role.value}", role)
    keeper = fleet.add_subscriber("keeper", reads=READS)
    with make(fleet, tmp_path / "broker") as broker:
        camera = {"path": str(clip), "loop": True}
        more: dict[str, Any] = {
            "hotlist": {"in_service_without_list": True},
            "uplink": {"drain_seconds": 5},
            # Over before a busy machine makes the post fall behind for long.
            "control": {"trial_minutes": 0.05},
        }
        fleet.add_post(
            "post-1",
            PostSettings(
                brokers=(broker.address,), camera="footage", camera_settings=camera, board="virtual", more=more
            ),
        )
        if not isinstance(broker, Broker):  # mosquitto's rights are by pattern
            broker.reload()
        archive = tmp_path / "records.jsonl"
        with Subscriber(keeper, agency="demo", broker=broker.address, archive=archive) as subscriber:
            made = Scene(fleet, broker, subscriber)
            made.start()
            until(lambda: any(a.kind == "platepost.status.v1" for a in subscriber.arrivals), "the birth")
            yield made
            made.stop()


def test_a_post_is_configured_and_commanded_and_all_of_it_is_in_the_chain(any_scene: Scene, tmp_path: Path) -> None:
    scene = any_scene
    applied = scene.configure("vision.minimum_confidence=0.4", "records.health_seconds=5")
    assert (applied["outcome"], applied["version"]) == ("applied", 1)
    until(lambda: scene.status["configuration"].get("digest") == applied["digest"], "the report")
    until(lambda: bool(scene.audit("configuration_applied")), "its audit")
    assert scene.audit("configuration_applied")[0]["identity"] == "a-administrator"

    refused = scene.configure("vision.minimum_confidence=4", code=1)
    assert (refused["outcome"], refused["reason"]) == ("refused", "invalid_value")
    assert "vision.minimum_confidence = 4: should be less than or equal to 1" in refused["message"]
    assert scene.status["configuration"]["version"] == 1
    shown = scene.run("configuration", "show", str(scene.fleet.directory), "post-1", "--broker", scene.broker.address)
    assert (shown["desired"]["version"], shown["reported"]["version"]) == (2, 1)

    tested = scene.command("self-test")
    assert {finding["point"] for finding in tested["findings"]} >= {"camera", "clock", "outbox", "uplink"}
    assert tested["signature"] == "good"
    picture = tmp_path / "still.jpg"
    scene.command("still", "--output", str(picture))
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    assert scene.command("renew-certificate", code=1)["outcome"] == "unsupported"
    assert scene.command("still", "--output", str(picture), by="a-operator", code=1)["reason"] == "role"
    until(lambda: len(scene.audit("command_executed")) == 3, "the audit")
    assert {audit["identity"] for audit in scene.audit("command_executed")} == {"a-technician"}
    until(lambda: bool(scene.audit("command_refused")), "the audit of the refusal")
    assert scene.audit("command_refused")[0]["details"]["purpose"] == "a test of ours"

    boot = scene.status["boot"]
    assert scene.command("restart")["outcome"] == "done"
    assert scene.thread is not None
    scene.thread.join(SECONDS)
    assert scene.accounts[0].restart
    scene.start()
    until(lambda: scene.status["boot"] != boot and scene.status["state"] != "offline", "the new run")
    assert scene.status["configuration"]["digest"] == applied["digest"]

    scene.stop()
    keys = Keyring.from_files(scene.fleet.record_key("post-1"))
    until(lambda: scene.status["state"] == "offline", "the end")
    report = Verifier(keys, whole=True).feed_all((tmp_path / "records.jsonl").read_bytes().splitlines())
    assert report.intact, report.problems


def raw(scene: Scene, folder: Path, topic: str, *listen: str) -> tuple[list[str], str | None]:
    """Publish as someone, and return what they hear of topics, and how the broker answered."""
    client: Client = secured_client(folder)
    heard: list[str] = []
    answers: list[Any] = []
    ready = threading.Event()
    client.on_connect = lambda *_: client.subscribe([(each, 1) for each in listen]) if listen else ready.set()
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _client, _data, message: heard.append(message.topic)
    client.on_publish = lambda _client, _data, _mid, reason, _properties: answers.append(reason)
    client.connect("localhost", scene.broker.port)
    client.loop_start()
    assert ready.wait(SECONDS)
    client.publish(topic, b"x", qos=1)
    until(lambda: bool(answers), "an answer")
    scene.command("self-test")
    client.publish(topic, b"x", qos=1)
    until(lambda: len(answers) == 2, "the next answer, which comes after all that the self-test brings")
    client.disconnect()
    client.loop_stop()
    return heard, str(answers[0]) if answers[0].is_failure else None


def test_the_broker_gives_nobody_more_than_their_rights(scene: Scene) -> None:
    post = "alpr/v1/demo/post-1"
    heard, refused = raw(scene, scene.fleet.subscriber("keeper"), f"{post}/command/restart", "alpr/v1/demo/#")
    assert refused == "Not authorized"
    assert not [topic for topic in heard if "/response/" in topic or "/command/" in topic or "hotlist" in topic]
    heard, refused = raw(scene, scene.fleet.operator("a-operator"), f"{post}/configuration", f"{post}/#")
    assert refused == "Not authorized"
    assert not [topic for topic in heard if "/response/" in topic or "/read" in topic or "/audit" in topic]


def test_a_post_that_is_away_is_told_when_it_returns(scene: Scene) -> None:
    scene.stop()
    directory, file = str(scene.fleet.directory), str(scene.fleet.directory.parent / "post-1.jws")
    scene.run("configuration", "sign", directory, "post-1", *WHY, "-o", file, "--set", "vision.motion_area=0.01")
    told = scene.run(
        "configuration", "publish", directory, file, *WHY, "--broker", scene.broker.address, "--wait", "1", code=1
    )
    assert told["outcome"] == "no answer"
    with pytest.raises(ProvisioningError, match="did not answer"):
        scene.command("self-test", "--wait", "1")
    scene.start()
    until(lambda: scene.status.get("configuration", {}).get("version") == 1, "the report")


def test_an_older_configuration_takes_no_newer_one_s_place(scene: Scene) -> None:
    scene.configure("vision.motion_area=0.02", version="4")
    scene.stop()
    with pytest.raises(ProvisioningError, match="version 4 for post-1 stands at the broker already, and is newer"):
        scene.configure("vision.motion_area=0.01", version="3")
    actions = [act.action for act in scene.fleet.acts]
    assert actions == ["configuration_signed", "configuration_published", "configuration_signed"]
