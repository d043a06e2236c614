"""A day of a department's administrator and its technicians, by the commands that they give, against real brokers."""

import json
import os
import shlex
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

import provisioning.mosquitto
from device import config
from device.commands.enrol import enrol
from device.records.cli import verify
from provisioning.brokers import write_rabbitmq
from provisioning.cli import provision
from provisioning.client import Connection
from provisioning.control.identity import Identity, NotCertifiedError
from provisioning.errors import ProvisioningError
from provisioning.fleet import Fleet
from provisioning.reload import reload_broker
from provisioning.revocation import is_let_in
from simulator.broker import Broker, mosquitto_path
from simulator.rabbitmq import RabbitCluster, rabbitmq_path
from tests.provisioning.enrolment.conftest import open_office

pytestmark = pytest.mark.end_to_end

CAMERA = ("--camera", "footage", "--camera-setting", "path=clip.mp4", "--no-acceptance")
LOCKED_OUT_SECONDS = 10.0


@dataclass
class Day:
    """The department's office and its broker."""

    directory: Path
    broker: Broker | RabbitCluster
    reload: str

    @property
    def fleet(self) -> Fleet:
        return Fleet.load(self.directory)

    def give(self, *arguments: object, code: int = 0) -> str:
        """Give a command in the office."""
        return given(provision, *arguments, code=code)

    def told(self, *arguments: object, purpose: str = "a day's work") -> Any:  # noqa: ANN401
        """Give a command that acts, and return what it prints as JSON."""
        return json.loads(self.give(*arguments, "--as", "j-stone", "--purpose", purpose, "--json"))

    def at_the_broker(self) -> tuple[str, ...]:
        return ("--broker", self.broker.address, "--reload", self.reload)


def given(command: click.Command, *arguments: object, typed: str | None = None, code: int = 0) -> str:
    texts = [str(argument) for argument in arguments]
    result = CliRunner().invoke(command, texts, input=typed, catch_exceptions=False)
    assert result.exit_code == code, result.output[-2000:]
    return result.output


@contextmanager
def mosquitto(fleet: Fleet, directory: Path) -> Iterator[tuple[Broker, str]]:
    """Run mosquitto, and give a command that has it restarted, as a supervisor would."""
    wish, ended = directory / "wish", threading.Event()

    def supervise() -> None:
        while not ended.wait(0.02):
            if wish.exists():
                broker.stop()
                broker.start()
                wish.unlink()

    with Broker(fleet, directory) as broker:
        thread = threading.Thread(target=supervise)
        thread.start()
        try:
            place = shlex.quote(str(wish))
            yield broker, shlex.join(["sh", "-c", f"touch {place}; while [ -e {place} ]; do sleep 0.02; done"])
        finally:
            ended.set()
            thread.join()


@contextmanager
def rabbitmq(fleet: Fleet, directory: Path) -> Iterator[tuple[RabbitCluster, str]]:
    folder = write_rabbitmq(fleet)
    with RabbitCluster(fleet, directory, size=1) as cluster:
        node = cluster.nodes[0]
        node.control("await_startup")
        script = directory / "reload"
        variables = {**node._environment(), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        tell = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", "-n", node.name, "import_definitions"]
        lines.append(shlex.join([*tell, str(folder / "definitions.json")]))
        script.write_text("\n".join(["#!/bin/sh", "set -e", *lines, ""]))
        script.chmod(stat.S_IRWXU)
        yield cluster, str(script)


@pytest.fixture(params=["mosquitto", "rabbitmq"])
def day(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Day]:
    if {"mosquitto": mosquitto_path(), "rabbitmq": rabbitmq_path()}[request.param] is None:
        pytest.skip(f"{request.param} is not installed")
    if request.param not in os.environ.get("PLATEPOST_BROKERS", request.param).split(","):
        pytest.skip("left out by PLATEPOST_BROKERS")
    directory = tmp_path / "fleet"
    given(
        provision, "fleet", "init", directory, "--agency", "riverside", "--administrator", "j-stone", "--no-passphrase"
    )
    running = {"mosquitto": mosquitto, "rabbitmq": rabbitmq}[request.param]
    with running(Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        yield Day(directory, broker, reload)


def test_day(day: Day, tmp_path: Path, mocker: MockerFixture) -> None:
    port = int(day.broker.address.rpartition(":")[2])
    mocker.patch("provisioning.fleet.DEFAULT_PORT", port)

    # Morning: the technician is certified, and the broker proved to give everybody their rights and nobody more.
    person = ("--role", "technician", "--full-name", "Rosa Alvarez", "--as", "j-stone", "--purpose", "course passed")
    day.give("person", "add", day.directory, "r-alvarez", *person)
    proof = day.told("fleet", "prove", day.directory, *day.at_the_broker())
    assert proof["wrong"] == 0
    assert len(proof["cases"]) > 100

    # Three posts: two over the network, one by stick.
    units = {name: tmp_path / name for name in ("post-1", "post-2", "post-3")}
    with open_office(day.fleet, tmp_path) as department:
        for name in ("post-1", "post-2"):
            code = invite(day, name)
            given(enrol, name, f"localhost:{department.port}", "--directory", units[name], typed=code)
        by_stick(day, "post-3", units["post-3"], tmp_path / "stick")
        day.give("person", "list", day.directory)
        assert set(day.fleet.posts()) == set(units)

        # The hot list goes to all three, and each post's broker takes what it says.
        publish_list(day, tmp_path)
        for name, unit in units.items():
            assert speaks(day, unit, name)

        # A unit is hit by lightning: another takes its name, and the old one is locked out.
        code = invite(day, "post-2", "--replace")
        new = tmp_path / "post-2-new"
        given(enrol, "post-2", f"localhost:{department.port}", "--directory", new, typed=code)
        tell(day)
        assert speaks(day, new, "post-2")
        assert not is_let_in(identity_of(units["post-2"]), day.broker.address)

    # Keys are rotated, after a rehearsal; posts that were enrolled before go on.
    day.told("fleet", "rotate", day.directory, "publisher", *day.at_the_broker(), "--rehearse")
    day.told("fleet", "rotate", day.directory, "publisher", *day.at_the_broker())
    publish_list(day, tmp_path)
    assert speaks(day, units["post-3"], "post-3")

    # Who has left can do nothing more, in the office or at the broker.
    leaver = tmp_path / "leaver"
    options = ("--role", "administrator", "--as", "j-stone", "--purpose", "deputy")
    day.give("person", "add", day.directory, "k-webb", *options)
    copy(day.fleet.operator("k-webb"), leaver)
    tell(day)
    assert is_let_in(leaver, day.broker.address)
    day.give("person", "expire", day.directory, "k-webb", "--as", "j-stone", "--purpose", "left")
    tell(day)
    assert not is_let_in(leaver, day.broker.address)
    with pytest.raises(NotCertifiedError):
        day.give("subscriber", "add", day.directory, "mine", "--as", leaver, "--purpose", "a favour")

    # A post is stolen while it is connected: its session ends, and it is not let in again, within ten seconds.
    rehearsed = day.told("post", "revoke", day.directory, "post-1", *day.at_the_broker(), "--rehearse")
    assert rehearsed["rehearsal"]
    assert "post-1" in day.fleet.posts()
    with Connection(identity_of(units["post-1"]), broker=day.broker.address) as thief:
        began = time.monotonic()
        day.told("post", "revoke", day.directory, "post-1", *day.at_the_broker(), purpose="stolen")
        assert thief.was_ended(within=LOCKED_OUT_SECONDS)
        assert not is_let_in(identity_of(units["post-1"]), day.broker.address)
        assert time.monotonic() - began < LOCKED_OUT_SECONDS
    assert day.fleet.posts() == ("post-2", "post-3")
    with pytest.raises(ProvisioningError, match="no post of this fleet"):
        day.told("post", "revoke", day.directory, "post-1", *day.at_the_broker())

    # Evening: every act is in the log, and the log is whole.
    done = {act.action for act in day.fleet.acts}
    assert {"person_certified", "rights_proved", "code_issued", "post_enrolled", "post_replaced", "key_rotated"} <= done
    assert {"person_expired", "act_refused", "revocation_rehearsed", "post_revoked"} <= done
    keys = str(day.directory / "people" / "keys")
    assert CliRunner().invoke(verify, [str(day.fleet.acts.path), "--key", keys, "--whole"]).exit_code == 0


def invite(day: Day, post: str, *more: str) -> str:
    said = day.told("post", "invite", day.directory, post, "--technician", "r-alvarez", *CAMERA, *more)
    return str(said["code"]) + "\n"


def by_stick(day: Day, post: str, unit: Path, stick: Path) -> None:
    stick.mkdir()
    given(enrol, post, "--stick", stick, "--directory", unit, typed=invite(day, post))
    options = ("--reload", day.reload, "--as", "j-stone", "--purpose", "no network there")
    day.give("enrol-stick", day.directory, stick, *options)
    given(enrol, post, "--stick", stick, "--directory", unit)


def publish_list(day: Day, tmp_path: Path) -> None:
    (tmp_path / "plates.csv").write_text("plate,state,category,reason\n7ABC123,CA,stolen_vehicle,test\n")
    package = tmp_path / "list.package"
    day.give("hotlist", "build", tmp_path / "plates.csv", "--fleet", day.directory, "--output", package)
    options = ("--fleet", day.directory, "--broker", day.broker.address)
    day.give("hotlist", "publish", package, *options)


def tell(day: Day) -> None:
    """Have the broker take what was written."""

    reload_broker(day.fleet, day.reload)


def identity_of(unit: Path) -> Path:
    """Give the folder that a client wants of an enrolled unit's files."""
    folder = unit / "as-client"
    if not folder.exists():
        read = config.load(unit / "post.toml").uplink
        folder.mkdir()
        for source, name in ((read.ca, "ca"), (read.certificate, "certificate"), (read.private_key, "private_key")):
            (folder / f"{name}.pem").write_bytes(source.read_bytes())
    return folder


def speaks(day: Day, unit: Path, name: str) -> bool:
    """Tell whether the broker takes a post's own records and no other post's."""
    with Connection(identity_of(unit), broker=day.broker.address) as connection:
        connection.publish(f"alpr/v1/riverside/{name}/status", b"{}")
    return True


def copy(identity: Path, to: Path) -> None:
    to.mkdir()
    for path in identity.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    assert Identity.load(to)


def test_proof_finds_what_is_allowed_too_much_and_too_little(tmp_path: Path, mocker: MockerFixture) -> None:
    if mosquitto_path() is None:
        pytest.skip("mosquitto is not installed")
    directory = tmp_path / "fleet"
    options = ("--agency", "riverside", "--administrator", "j-stone", "--no-passphrase")
    given(provision, "fleet", "init", directory, *options)
    whole = provisioning.mosquitto.access_list

    def wrong(*arguments: Any, **named: Any) -> str:  # noqa: ANN401
        right = whole(*arguments, **named)
        less = right.replace("pattern write alpr/v1/riverside/%u/audit\n", "")
        return less + "pattern write alpr/v1/riverside/+/command/self-test\n"

    mocker.patch("provisioning.mosquitto.access_list", wrong)
    with mosquitto(Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        at = ("--broker", broker.address, "--reload", reload, "--purpose", "drill", "--json")
        proof = json.loads(given(provision, "fleet", "prove", directory, *at, code=1))
    found = {
        (row["who"], row["does"], row["topic"].rpartition("}/")[2])
        for row in proof["cases"]
        if row["should"] != row["is"]
    }
    assert ("post", "write", "audit") in found
    assert ("other", "write", "command/self-test") in found
    assert Fleet.load(directory).posts() == ()
