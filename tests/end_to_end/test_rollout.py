"""A fleet-wide change against a real mosquitto: posts that take it, refuse it, fall ill with it, or are away."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import secured_client, split_address
from platepost.provisioning.control.rollout import Rollout, Target, merged
from platepost.provisioning.control.signing import Settings
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.wire.control.desired import read
from platepost.wire.records import Role, Source
from platepost.wire.records.configuration import ConfigurationState, RefusedConfiguration
from tests.provisioning.control.conftest import fleet, said

__all__ = ["fleet"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
POSTS = ("post-1", "post-2", "post-3")


class LightPost:
    """A post's word on the wire, and nothing behind it: what it was told, and what it answers."""

    def __init__(self, made: Fleet, name: str, broker: str, mind: str) -> None:
        self.told: list[dict[str, Any]] = []
        self._fleet, self._name, self._mind = made, name, mind
        self.on_told: Callable[[int], None] = lambda _version: None
        self._source = Source(made.agency, name)
        self._client = secured_client(made.post(name))
        self._client.on_message = self._on_message
        # Anew after each loss of the connection.
        self._client.on_connect = lambda *_: self._client.subscribe(self._source.configuration, qos=1)
        self._client.connect(*split_address(broker))
        self._client.loop_start()
        self.say("online", ConfigurationState(state="file"))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, state: str, configuration: ConfigurationState, *faults: str) -> None:
        body = said(self._fleet, self._name, state, *faults, configuration=configuration)
        self._client.publish(self._source.topic("status"), body, qos=1, retain=True)

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        key = ECKey.import_key(self._fleet.configuration_verifying_key.read_bytes())
        desired = read(message.payload, key)
        self.told.append(desired.payload.settings)
        version = desired.payload.version
        self.on_told(version)
        bad = len(self.told) == 1
        if self._mind == "refuses" and bad:
            refused = RefusedConfiguration(version=version, reason="value", message="it cannot be")
            self.say("online", ConfigurationState(state="file", refused=refused))
            return
        self.say("online", ConfigurationState(state="trial", version=version, digest=desired.digest))
        if self._mind == "falls ill" and bad:
            ill = ConfigurationState(state="trial", version=version, digest=desired.digest)
            self.say("degraded", ill, "falling_behind")
        if self._mind == "gives it back" and bad:
            self.say("online", ConfigurationState(state="file"))


class Street:
    """Three posts on one broker."""

    def __init__(self, made: Fleet, folder: Path, stack: ExitStack) -> None:
        made.add_operator("j-stone", Role.ADMINISTRATOR)
        self.fleet = made
        self.broker = stack.enter_context(Broker(made, folder / "broker"))
        self._stack = stack
        self.posts: dict[str, LightPost] = {}

    def stand(self, **minds: str) -> None:
        for name in POSTS:
            mind = minds.get(name.replace("-", "_"), "is good")
            if mind != "is away":
                self.posts[name] = LightPost(self.fleet, name, self.broker.address, mind)
                self._stack.callback(self.posts[name].close)

    def roll_out(self, *words: str) -> tuple[int, dict[str, Any]]:
        arguments = ["configuration", "rollout", str(self.fleet.directory), "--set", "vision.minimum_confidence=0.5"]
        arguments += [
            "--canary",
            "post-1",
            "--broker",
            self.broker.address,
            "--watch",
            "0.05",
            "--wait",
            "10",
            "--json",
        ]
        arguments += ["--purpose", "work order 8001", *words]
        result = CliRunner().invoke(provision, arguments, catch_exceptions=False)
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def street(fleet: Fleet, tmp_path: Path) -> Iterator[Street]:
    with ExitStack() as stack:
        yield Street(fleet, tmp_path, stack)


def test_a_good_change_reaches_the_canary_and_then_all(street: Street) -> None:
    street.stand(post_3="is away")
    code, result = street.roll_out()
    assert (code, result["applied"], result["away"]) == (0, ["post-1", "post-2"], ["post-3"])
    assert [post.told for post in street.posts.values()] == [[{"vision": {"minimum_confidence": 0.5}}]] * 2
    # Who was away finds it waiting, and what is told next lies over what was told before.
    street.posts["post-3"] = LightPost(street.fleet, "post-3", street.broker.address, "is good")
    arguments = ["--set", "records.read_overview=true"]
    code, result = street.roll_out(*arguments)
    assert (code, result["applied"]) == (0, list(POSTS))
    wanted = {"vision": {"minimum_confidence": 0.5}, "records": {"read_overview": True}}
    assert [post.told[-1] for post in street.posts.values()] == [wanted] * 3
    street.posts["post-3"].close()
    acts = [act.action for act in street.fleet.acts]
    assert acts[-2:] == ["configuration_rollout", "configuration_rolled_out"]


@pytest.mark.parametrize(
    ("mind", "why"),
    [("refuses", "refused it: value"), ("falls ill", "has: falling_behind"), ("gives it back", "gave it back")],
)
def test_a_canary_that_does_not_bear_it_brings_it_back(street: Street, mind: str, why: str) -> None:
    street.stand(post_1=mind)
    code, result = street.roll_out()
    assert code == 1
    assert why in result["wrong"]["post-1"]
    assert result["not_back"] == {}
    assert street.posts["post-1"].told == [{"vision": {"minimum_confidence": 0.5}}, {}]
    assert street.posts["post-2"].told == street.posts["post-3"].told == []
    assert [act.action for act in street.fleet.acts][-1] == "configuration_rolled_back"


def test_one_of_the_others_that_does_not_bear_it_brings_it_back_from_all(street: Street) -> None:
    street.stand(post_2="falls ill")
    code, result = street.roll_out()
    assert code == 1
    assert [*result["wrong"]] == ["post-2"]
    assert all(post.told[-1] == {} and len(post.told) == 2 for post in street.posts.values())


def last_act(street: Street) -> tuple[str, str]:
    act = list(street.fleet.acts)[-1]
    return act.action, act.outcome


def test_a_canary_that_fails_while_the_others_are_told_brings_it_back(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.stand()
    real = Rollout._await

    def late(made: Rollout, awaited: dict[str, Target], since: int) -> dict[str, str]:
        if "post-2" in awaited and "post-1" not in awaited:
            street.posts["post-1"].say("online", ConfigurationState(state="file"))
        return real(made, awaited, since)

    monkeypatch.setattr(Rollout, "_await", late)
    code, result = street.roll_out()
    assert code == 1
    assert result["wrong"] == {"post-1": "gave it back"}
    assert all(post.told[-1] == {} and len(post.told) == 2 for post in street.posts.values())
    assert last_act(street) == ("configuration_rolled_back", "failure")


@pytest.mark.parametrize("error", [ProvisioningError("no answer within 10 s"), OSError("the disk is full")])
def test_an_error_halfway_brings_it_back_from_all_that_were_told(
    street: Street, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    street.stand()
    real = Rollout._publish

    def on_act(made: Rollout, target: Target, settings: Settings) -> None:
        if target.post == "post-3" and settings:
            raise error
        real(made, target, settings)

    monkeypatch.setattr(Rollout, "_publish", on_act)
    code, result = street.roll_out()
    assert code == 1
    assert str(error) in next(iter(result["wrong"].values()))
    assert result["not_back"] == {}
    assert {name: len(post.told) for name, post in street.posts.items()} == {"post-1": 2, "post-2": 2, "post-3": 0}
    assert street.posts["post-1"].told[-1] == street.posts["post-2"].told[-1] == {}
    assert last_act(street) == ("configuration_rolled_back", "failure")


@pytest.mark.parametrize("comes_back", [True, False])
def test_posts_that_nobody_watches_are_not_well(
    street: Street, monkeypatch: pytest.MonkeyPatch, *, comes_back: bool
) -> None:
    street.stand()
    real = Rollout._watch

    def watch(made: Rollout, seconds: float) -> dict[str, str]:
        if "post-2" in made._watched:
            street.broker.stop()
            if comes_back:
                street.broker.start()
        return real(made, seconds)

    monkeypatch.setattr(Rollout, "_watch", watch)
    code, result = street.roll_out()
    assert code == 1
    assert result["wrong"] == dict.fromkeys(POSTS, "was not watched to the end: the broker hung up")
    assert (result["not_back"] == {}) == comes_back
    assert all((post.told[-1] == {}) == comes_back for post in street.posts.values())
    act = list(street.fleet.acts)[-1]
    assert last_act(street) == ("configuration_rolled_back", "failure")
    assert act.details["not_back"] == result["not_back"]


def test_the_end_is_logged_even_if_the_way_back_is_broken_off(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    street.stand(post_1="refuses")

    def interrupted(*_: object) -> dict[str, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Rollout, "roll_back", interrupted)
    with pytest.raises((KeyboardInterrupt, IndexError)):
        street.roll_out()
    assert last_act(street) == ("configuration_rolled_back", "failure")


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("how", ["terminal lost", "stopped"])
def test_a_lost_terminal_brings_it_back(street: Street, how: str) -> None:
    street.stand()
    program = [sys.executable, "-c", "from platepost.device.cli import main; main()"]
    arguments = ["provision", "configuration", "rollout", str(street.fleet.directory), "--canary", "post-1"]
    arguments += ["--set", "vision.minimum_confidence=0.5", "--broker", street.broker.address, "--purpose", "work"]
    ours, theirs = os.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", *program, *arguments], stdin=theirs, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)
        seen = b""
        while b"watching" not in seen:
            seen += os.read(ours, 1000)
        if how == "stopped":
            run.terminate()
            while run.poll() is None:
                with suppress(OSError):  # the other end is closed
                    os.read(ours, 1000)
        os.close(ours)
        # 120 is Python's own: it could not write out what no one reads any more.
        assert run.wait(60) in ({1} if how == "stopped" else {1, 120})
    assert [told.get("vision") for told in street.posts["post-1"].told] == [{"minimum_confidence": 0.5}, None]
    assert last_act(street) == ("configuration_rolled_back", "failure")


def test_what_a_post_says_that_it_goes_by_and_the_broker_has_not_is_not_lost(street: Street) -> None:
    street.stand()
    street.posts["post-2"].say("online", ConfigurationState(state="applied", version=7, digest="ab" * 32))
    with pytest.raises(ProvisioningError, match="post-2 goes by version 7, which is not at the broker"):
        street.roll_out("--post", "post-2")
    assert street.posts["post-1"].told == []


def test_what_a_post_refused_is_not_told_again(street: Street) -> None:
    street.stand(post_1="refuses")
    file = str(street.fleet.directory.parent / "post-1.jws")
    directory, why = str(street.fleet.directory), ("--purpose", "work order 8000")
    sign = ["configuration", "sign", directory, "post-1", "--set", "vision.minimum_score=0.99", "-o", file, *why]
    publish = ["configuration", "publish", directory, file, "--broker", street.broker.address, *why]
    assert CliRunner().invoke(provision, sign, catch_exceptions=False).exit_code == 0
    assert CliRunner().invoke(provision, publish, catch_exceptions=False).exit_code == 1
    code, _ = street.roll_out()
    assert code == 0
    assert street.posts["post-1"].told[1:] == [{"vision": {"minimum_confidence": 0.5}}]


def test_versions_go_on_from_those_at_the_broker_after_a_restored_backup(street: Street) -> None:
    street.stand()
    street.posts["post-2"].say("online", ConfigurationState(state="file"))
    code, _ = street.roll_out()
    assert code == 0
    (street.fleet.directory / "configuration" / "versions.json").write_text("{}")
    versions = []
    for post in street.posts.values():
        post.on_told = versions.append
    street.roll_out()
    assert min(versions) == 2


def test_what_a_post_alone_was_told_stays() -> None:
    before = {"vision": {"minimum_score": 0.3, "minimum_confidence": 0.4}}
    assert merged(before, {"vision": {"minimum_confidence": 0.5}}) == {
        "vision": {"minimum_score": 0.3, "minimum_confidence": 0.5}
    }
    assert before["vision"]["minimum_confidence"] == 0.4


SIGNALLED = """
import os, signal, sys, threading
import platepost.provisioning.connection as connection
from platepost.provisioning.control.rollout import Rollout

armed = False

class Condition(threading.Condition):
    def __enter__(self):
        global armed
        entered = super().__enter__()
        if armed and threading.current_thread() is threading.main_thread():
            armed = False
            os.kill(os.getpid(), signal.SIGTERM)  # its handler runs now, with the lock held
        return entered

class Threading:
    Condition = Condition
    def __getattr__(self, name):
        return getattr(threading, name)

def watch(self, seconds, watch=Rollout._watch):
    global armed
    armed = True
    return watch(self, seconds)

connection.threading, Rollout._watch = Threading(), watch
from platepost.device.cli import main
sys.exit(main())
"""
"""The command, which gets SIGTERM just when its main thread has taken the connection's lock."""


def test_a_stop_while_the_connection_is_locked_brings_it_back(street: Street) -> None:
    street.stand()
    arguments = ["provision", "configuration", "rollout", str(street.fleet.directory), "--canary", "post-1"]
    arguments += ["--set", "vision.minimum_confidence=0.5", "--broker", street.broker.address, "--purpose", "work"]
    with subprocess.Popen([sys.executable, "-c", SIGNALLED, *arguments], stdout=subprocess.PIPE) as run:
        try:
            assert run.wait(60) == 1
        finally:
            run.kill()
    assert [told.get("vision") for told in street.posts["post-1"].told] == [{"minimum_confidence": 0.5}, None]
    assert last_act(street) == ("configuration_rolled_back", "failure")
