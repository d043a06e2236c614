"""New keys for lists and configurations: a real mosquitto, running posts, the commands that people type, no visit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.control.signing import next_version, note_version, sign_configuration
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.hotlist.build import build_package
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.ground.site import READS
from platepost.simulator.ground.subscriber import Subscriber
from platepost.wire.jose import sign
from platepost.wire.records import (
    KEYS_TYPE,
    Keyring,
    Purpose,
    Role,
    Source,
    hotlist_package,
    keys_topic,
)
from platepost.wire.records.signing import read_key
from platepost.wire.verify.verify import Verifier
from tests.end_to_end.test_control import BROKERS, Scene
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
POSTS = ("post-1", "post-2")


class Street:
    """A fleet of two posts on one broker; the first runs, the second is away until it is told to come."""

    def __init__(
        self,
        directory: Path,
        stack: ExitStack,
        clip: Path,
        make: Callable[[Fleet, Path], Any] = Broker,
    ) -> None:
        self.directory = directory
        self.fleet = Fleet.create(directory / "fleet", agency="demo")
        self.fleet.add_operator("j-stone", Role.ADMINISTRATOR)
        self.broker = stack.enter_context(make(self.fleet, directory / "broker"))
        more: dict[str, Any] = {
            "hotlist": {"in_service_without_list": True, "size_jump": 9.0},
            "uplink": {"drain_seconds": 5},
            "control": {"trial_minutes": 0.02},
        }
        for name in POSTS:
            camera = {"path": str(clip), "loop": True}
            settings = PostSettings(
                brokers=(self.broker.address,), camera="footage", camera_settings=camera, board="virtual", more=more
            )
            self.fleet.add_post(name, settings)
        keeper = self.fleet.add_subscriber("keeper", reads=READS)
        self.broker.reload()
        self.archive = directory / "records.jsonl"
        self.heard = stack.enter_context(
            Subscriber(keeper, agency="demo", broker=self.broker.address, archive=self.archive)
        )
        self._stack = stack
        self.posts: dict[str, Scene] = {}
        self.start("post-1")

    def start(self, name: str) -> None:
        post = Scene(self.fleet, self.broker, self.heard)
        post.name = name
        post.start()
        self._stack.callback(post.stop)
        self.posts[name] = post
        since = len(self.statuses(name))
        until(lambda: any(s["state"] != "offline" for s in self.statuses(name)[since:]), f"{name}'s birth")

    def restart(self, name: str) -> None:
        self.posts[name].stop()
        self.start(name)

    # --- what posts say

    def statuses(self, name: str) -> list[dict[str, Any]]:
        return [a.data for a in self.heard.arrivals if a.kind == "platepost.status.v1" and f"/{name}/" in a.topic]

    def audits(self, action: str, name: str = "post-1") -> list[dict[str, Any]]:
        found = [a.data for a in self.heard.arrivals if a.kind == "platepost.audit.v1" and f"/{name}/" in a.topic]
        return [data for data in found if data["action"] == action]

    def reasons(self, action: str, name: str = "post-1") -> list[str]:
        return [data.get("reason", "") for data in self.audits(action, name)]

    def held(self, name: str = "post-1", purpose: Purpose = Purpose.LISTS) -> dict[str, Any]:
        (found,) = [keys for keys in self.statuses(name)[-1]["keys"] if keys["purpose"] == purpose]
        return found

    def list_in_force(self, name: str = "post-1") -> int:
        return int(self.statuses(name)[-1]["hotlist"].get("version", 0))

    # --- what the department does

    def rotate(self, kind: str, *more: str, code: int | None = 0) -> dict[str, Any]:
        arguments = ["fleet", "rotate", str(self.fleet.directory), kind, "--broker", self.broker.address]
        arguments += ["--purpose", "work order 9000", "--wait", "20", "--json", *more]
        result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
        assert code in {None, result.exit_code}, result.output
        told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return told

    def signing_key(self, purpose: Purpose = Purpose.LISTS) -> bytes:
        return self.fleet.keys(purpose).signing.read_bytes()

    def publish_list(self, version: int, key: bytes | None = None) -> None:
        """Publish a list as the department does; with a `key`, as one who has that one and the publisher's rights."""
        now = datetime.now(UTC)
        package = build_package(
            [HotListRow(f"7LST{version:03d}", "stolen_vehicle", 2)],
            agency="demo",
            issuer="Demo",
            version=version,
            signing_key=key or self.signing_key(),
            post_keys=[self.fleet.recipient_key(name).read_bytes() for name in POSTS],
            built=now,
            expires=now + timedelta(days=30),
        )
        self.publish(hotlist_package("demo"), package)

    def publish_keys(self, *lines: bytes, purpose: str = "lists") -> None:
        self.publish(keys_topic("demo", purpose), b"\n".join(lines))

    def publish(self, topic: str, message: bytes) -> None:
        own = keys_topic("demo", "lists")
        with Connection(self.fleet.publisher, broker=self.broker.address, topics=[own]) as connection:
            connection.publish(topic, message, retain=True)

    def configure(self, key_of: Fleet | None = None, **settings: float) -> int:
        fleet = key_of or self.fleet
        version = next_version(self.fleet, "post-1")
        jws = sign_configuration(fleet, "post-1", {"vision": settings}, version=version, who="j-stone")
        note_version(self.fleet, "post-1", version)
        self.publish(Source("demo", "post-1").configuration, jws)
        return version


@pytest.fixture
def street(tmp_path: Path, sparse_clip: Path) -> Iterator[Street]:
    with ExitStack() as stack:
        yield Street(tmp_path, stack, sparse_clip)


@pytest.fixture(params=BROKERS)
def any_street(tmp_path: Path, sparse_clip: Path, request: pytest.FixtureRequest) -> Iterator[Street]:
    installed, make = BROKERS[request.param]
    if installed() is None:
        pytest.skip(f"{request.param} is missing: make test-brokers")
    with ExitStack() as stack:
        yield Street(tmp_path, stack, sparse_clip, make)


def thumbprint(pem: bytes) -> str:
    return read_key(pem).thumbprint()


def test_a_list_of_the_new_key_is_taken_and_of_the_former_refused_without_a_visit(any_street: Street) -> None:
    street = any_street
    former = street.signing_key()
    street.publish_list(1)
    until(lambda: street.list_in_force() == 1, "the first list")

    told = street.rotate("lists")
    assert (told["in_use"], told["statement"]) == (True, "0.1")
    assert told["posts"] == {"post-1": "goes_by_it", "post-2": "unknown"}
    until(lambda: thumbprint(street.signing_key()) == told["present"] == street.held()["key"], "the new key")
    assert street.held()["former"] == [told["former"]] == [thumbprint(former)]
    street.publish_list(2)
    until(lambda: street.list_in_force() == 2, "a list of the new key")
    street.publish_list(3, former)
    until(lambda: street.list_in_force() == 3, "a list of the former key, accepted still")
    street.publish_list(4)
    until(lambda: street.list_in_force() == 4, "a list")

    assert street.rotate("lists", "--retire")["posts"]["post-1"] == "goes_by_it"
    until(lambda: street.held()["former"] == [], "the retirement")
    street.publish_list(5, former)
    until(lambda: "retired_key" in street.reasons("hotlist_refused"), "the refusal")
    assert street.list_in_force() == 4
    street.restart("post-1")
    assert (street.list_in_force(), street.held()["number"]) == (4, 2)
    street.publish_list(6)
    until(lambda: street.list_in_force() == 6, "the next list")

    # Who was away through all of it finds the way alone.
    street.start("post-2")
    until(lambda: street.list_in_force("post-2") == 6, "the list on the post that was away")
    until(lambda: street.held("post-2") == street.held(), "the keys")
    changed = street.audits("trusted_keys_changed", "post-2")
    assert [(data["object"], data["identity"]) for data in changed] == [
        ("lists 0.1", "j-stone"),
        ("lists 0.2", "j-stone"),
    ]

    acts = [(act.action, act.object, act.details.get("purpose")) for act in street.fleet.acts]
    assert acts == [(what, "lists", "work order 9000") for what in ("key_announced", "key_rotated", "key_retired")]
    assert [event for _, _, event in street.fleet.certificates.signing_keys()] == [
        "announced",
        "in_use",
        "retired",
    ]
    for name in POSTS:
        street.posts[name].stop()
        until(lambda name=name: street.statuses(name)[-1]["state"] == "offline", "the end")
        keys = Keyring.from_files(street.fleet.record_key(name))
        lines = [line for line in street.archive.read_bytes().splitlines() if f'/demo/{name}"'.encode() in line]
        report = Verifier(keys, whole=True).feed_all(lines)
        assert report.intact, report.problems


def test_a_stolen_list_key_is_revoked_and_what_it_signed_let_go_of(street: Street) -> None:
    stolen = street.signing_key()
    street.publish_list(1)
    until(lambda: street.list_in_force() == 1, "the list")
    # The thief has the highest version there can be, and then the post itself.
    street.publish_list(2**53 - 1, stolen)
    until(lambda: street.list_in_force() == 2**53 - 1, "the thief's list")
    thief = read_key(stolen)
    payload = {
        "purpose": "lists",
        "agency": "demo",
        "era": 0,
        "number": 2**53 - 1,
        "issued": "2026-03-01T11:00:00.000Z",
        "who": "j-stone",
        "key": {"thumbprint": thief.thumbprint(), "public_key": thief.as_pem(private=False).decode()},
        "former": [],
        "withdrawn": "retired",
    }
    street.publish_keys(sign(json.dumps(payload).encode(), thief, typ=KEYS_TYPE))
    until(lambda: street.held()["number"] == 2**53 - 1, "the thief's statement")

    (street.fleet.root / "private_key.pem").rename(street.directory / "root.pem")
    with pytest.raises(ProvisioningError, match="copy its key back"):
        street.rotate("lists", "--revoke")
    (street.directory / "root.pem").rename(street.fleet.root / "private_key.pem")
    told = street.rotate("lists", "--revoke")
    assert (told["statement"], told["posts"]["post-1"]) == ("1.1", "goes_by_it")
    until(lambda: street.list_in_force() == 0, "the post without the thief's list")
    until(lambda: "revoked_key" in street.reasons("hotlist_refused"), "its audit")
    assert "hotlist_missing" in {reason["name"] for reason in street.statuses("post-1")[-1]["reasons"]}
    street.publish_list(2)
    until(lambda: street.list_in_force() == 2, "a list of the new key")
    street.publish_list(2**53 - 1, stolen)
    until(lambda: street.reasons("hotlist_refused").count("revoked_key") >= 2, "the refusal of another")
    street.publish_keys(sign(json.dumps(payload | {"era": 1}).encode(), thief, typ=KEYS_TYPE))
    until(lambda: "revoked_key" in street.reasons("trusted_keys_refused"), "the refusal of the thief's word")
    street.restart("post-1")
    assert (street.list_in_force(), street.held()["era"]) == (2, 1)


def test_configurations_are_signed_with_a_new_key_and_a_revoked_one_s_is_given_back(street: Street) -> None:
    def confidence() -> float:
        post = street.posts["post-1"].post
        assert post is not None
        return post._configuration.vision.minimum_confidence

    before = confidence()
    street.configure(minimum_confidence=0.41)
    until(lambda: confidence() == 0.41, "the configuration")
    former = Fleet.load(street.fleet.directory)
    kept = street.directory / "former.pem"
    kept.write_bytes(street.signing_key(Purpose.CONFIGURATION))

    street.rotate("configuration", "--overlap-days", "30")
    street.configure(minimum_confidence=0.42)
    until(lambda: confidence() == 0.42, "one of the new key")
    street.rotate("configuration", "--retire")
    present = street.signing_key(Purpose.CONFIGURATION)
    street.fleet.keys(Purpose.CONFIGURATION).signing.write_bytes(kept.read_bytes())
    street.configure(former, minimum_confidence=0.43)
    until(lambda: "retired_key" in street.reasons("configuration_refused"), "the refusal")
    street.fleet.keys(Purpose.CONFIGURATION).signing.write_bytes(present)
    assert confidence() == 0.42
    street.restart("post-1")
    assert confidence() == 0.42

    street.rotate("configuration", "--revoke")
    until(lambda: "revoked_key" in street.reasons("configuration_reverted"), "that it is given back")
    until(lambda: confidence() == before, "the post's own file")
    street.configure(minimum_confidence=0.44)
    until(lambda: confidence() == 0.44, "one of the newest key")
    assert street.held(purpose=Purpose.LISTS)["era"] == 0


def test_nobody_else_speaks_of_keys_and_a_forged_word_has_no_effect(street: Street) -> None:
    topic = keys_topic("demo", "lists")
    before = street.held()
    for folder in (street.fleet.post("post-2"), street.fleet.subscriber("keeper"), street.fleet.operator("j-stone")):
        with (
            pytest.raises(ProvisioningError, match="Not authorized"),
            Connection(folder, broker=street.broker.address) as connection,
        ):
            connection.publish(topic, b"forged", retain=True)
    for words in (b"forged", b"a.b.c", sign(b"{}", read_key(street.signing_key()), typ=KEYS_TYPE)):
        count = len(street.audits("trusted_keys_refused"))
        street.publish_keys(words)
        until(lambda count=count: len(street.audits("trusted_keys_refused")) > count, "the audit")
    assert street.held() == before


def test_a_rotation_that_is_cut_off_or_not_followed_goes_on(street: Street) -> None:
    street.start("post-2")
    former = street.signing_key()
    before = {path: path.read_bytes() for path in street.fleet.directory.rglob("*.pem")}
    told = street.rotate("lists", "--rehearse")
    assert (told["rehearsal"], told["posts"]) == (True, dict.fromkeys(POSTS, "goes_by_it"))
    assert {path: path.read_bytes() for path in street.fleet.directory.rglob("*.pem")} == before
    # One post cannot keep it: its folder is not its own any more.
    control = street.fleet.post("post-2") / "state" / "control"
    moved = control.rename(control.with_name("moved"))
    control.write_text("in the way")
    told = street.rotate("lists", "--wait", "5", code=1)
    assert (told["in_use"], told["posts"]["post-2"]) == (False, "refused")
    assert street.signing_key() == former
    with pytest.raises(ProvisioningError, match="not in use yet"):
        street.rotate("lists", "--retire", "--anyway")
    control.unlink()
    moved.rename(control)
    street.restart("post-2")
    again = street.rotate("lists")
    assert (again["in_use"], again["present"]) == (True, told["present"])
    assert thumbprint(street.signing_key()) == told["present"]

    with pytest.raises(ProvisioningError, match="retire it first"):
        street.rotate("lists")


def test_a_post_that_is_killed_while_it_takes_a_key_goes_by_it(street: Street) -> None:
    street.posts["post-1"].stop()
    chance = random.Random(4)
    file = street.fleet.post("post-2") / "post.toml"
    command = [sys.executable, "-c", "from platepost.device.cli import main; main()", "run", "--config", str(file)]
    taken = 0
    for round_ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                since = len(street.statuses("post-2"))
                until(lambda since=since: len(street.statuses("post-2")) > since, "its birth")
                street.rotate("lists", "--wait", "0", "--anyway", code=None)
                time.sleep(chance.uniform(0, 0.05))
            finally:
                os.kill(process.pid, signal.SIGKILL)
        street.start("post-2")
        until(lambda: street.held("post-2")["key"] == thumbprint(street.signing_key()), "the key")
        street.rotate("lists", "--retire")
        taken = round_ + 1
        until(lambda taken=taken: street.held("post-2")["number"] == 2 * taken, "the retirement")
        street.posts["post-2"].stop()
