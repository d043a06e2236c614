"""What `fleet rotate lists` asks before it does anything, and says afterwards: a real mosquitto, no real posts."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.control.keys.rotation import announce
from platepost.provisioning.control.signing import digest_of, sign_configuration
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.register import open_register
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.wire.records import KeyState, Purpose, Role, Source
from platepost.wire.records.configuration import ConfigurationState
from platepost.wire.records.signing import read_key
from tests.provisioning.control.conftest import fleet, said

__all__ = ["fleet"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]


class Town:
    """Three posts that say of their keys what a test has them say."""

    def __init__(self, made: Fleet, folder: Path, stack: ExitStack) -> None:
        made.add_operator("j-stone", Role.ADMINISTRATOR)
        self.fleet = made
        self.broker = stack.enter_context(Broker(made, folder / "broker"))

    def says(self, post: str, *keys: KeyState, state: str = "online", **more: Any) -> None:
        source = Source(self.fleet.agency, post)
        with Connection(self.fleet.post(post), broker=self.broker.address, topics=[source.configuration]) as connection:
            connection.publish(source.topic("status"), said(self.fleet, post, state, keys=keys, **more), retain=True)

    def key_state(self, purpose: Purpose = Purpose.LISTS, *, number: int = 0) -> KeyState:
        """What a post says that goes by the key that it was told last."""
        return KeyState(purpose=purpose, key=self.fleet.keys(purpose).announced(), era=0, number=number)

    def run(self, *words: str) -> Result:
        arguments = ["fleet", *words, "--broker", self.broker.address]
        return CliRunner().invoke(provision, arguments)

    def rotate(self, kind: str, *words: str) -> tuple[int, dict[str, Any]]:
        """Give the command; raise what it raises."""
        purpose = ("--purpose", "work order 9001", "--wait", "0", "--json")
        result = self.run("rotate", str(self.fleet.directory), kind, *purpose, *words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def town(fleet: Fleet, tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as stack:
        made = Town(fleet, tmp_path, stack)
        yield made


def files(made: Fleet) -> dict[Path, bytes]:
    return {
        path: path.read_bytes() for path in made.directory.rglob("*") if path.is_file() and "acts" not in path.parts
    }


def test_a_post_that_could_not_follow_is_named_and_nothing_begun(town: Town) -> None:
    town.says("post-1", town.key_state())
    town.says("post-2")
    before = files(town.fleet)
    for words in ((), ("--rehearse",)):
        with pytest.raises(ProvisioningError, match="post-2 would reject what the new key signs"):
            town.rotate("lists", *words)
    assert files(town.fleet) == before
    code, told = town.rotate("lists", "--anyway")
    assert (code, told["in_use"]) == (1, True)
    assert told["posts"] == {"post-1": "waiting", "post-2": "fixed", "post-3": "unknown"}


def test_posts_that_are_away_hold_nothing_up_and_are_told_apart(town: Town) -> None:
    town.says("post-1", town.key_state(), state="offline")
    code, told = town.rotate("lists")
    assert (code, told["in_use"], told["posts"]["post-1"]) == (0, True, "away")
    with pytest.raises(ProvisioningError, match="retire it first"):
        town.rotate("lists")
    result = town.run("status", str(town.fleet.directory), "--json")
    rows = {row["post"]: row["remarks"] for row in json.loads(result.stdout)["posts"]}
    assert "goes by another key for lists" in rows["post-1"]
    town.says("post-1", town.key_state(number=1), state="online")
    result = town.run("status", str(town.fleet.directory), "--json")
    rows = {row["post"]: row["remarks"] for row in json.loads(result.stdout)["posts"]}
    assert rows["post-1"] == []


def test_a_fleet_without_a_custodian_is_told_so_and_a_post_that_does_not_know_one_is_named(town: Town) -> None:
    def status() -> dict[str, Any]:
        said: dict[str, Any] = json.loads(town.run("status", str(town.fleet.directory), "--json").stdout)
        return said | {"remarks": {row["post"]: row["remarks"] for row in said["posts"]}}

    town.says("post-1", town.key_state())
    before = status()
    (notice,) = before["notices"]
    assert f"custodian add {town.fleet.directory} records" in notice
    assert before["remarks"]["post-1"] == []
    assert "Notice: no custodian is required" in town.run("status", str(town.fleet.directory)).stdout
    town.fleet.add_custodian("vault")
    assert f"custodian require {town.fleet.directory} vault" in status()["notices"][0]
    town.fleet.add_custodian("records", required=True)
    after = status()
    assert after["notices"] == []
    (remark,) = after["remarks"]["post-1"]
    assert remark == "has no key for custody of records"
    key = town.fleet.keys(Purpose.CUSTODY, "records").announced()
    keys = [KeyState(purpose=Purpose.CUSTODY, custodian=name, key=key, era=0, number=0) for name in ("records", "else")]
    town.says("post-1", *keys)
    assert status()["remarks"]["post-1"] == []


def test_the_former_is_not_retired_while_a_present_post_goes_by_it(town: Town) -> None:
    before = town.key_state()
    town.says("post-1", before, state="offline")
    town.rotate("lists")
    town.says("post-1", before)
    with pytest.raises(ProvisioningError, match="post-1 does not go by the new key for lists yet"):
        town.rotate("lists", "--retire")
    assert town.fleet.keys(Purpose.LISTS).last().former  # type: ignore[union-attr]
    town.says("post-1", town.key_state(number=1))
    assert town.rotate("lists", "--retire")[0] == 0


def test_the_former_is_not_retired_while_the_newest_list_is_its(town: Town, tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("plate,category\nT00001,local\n")
    build = [
        "hotlist",
        "build",
        str(export),
        "--fleet",
        str(town.fleet.directory),
        "-o",
        str(tmp_path / "list.package"),
    ]
    assert CliRunner().invoke(provision, build).exit_code == 0
    town.rotate("lists")
    with pytest.raises(ProvisioningError, match="newest list is signed with the former key"):
        town.rotate("lists", "--retire")
    assert CliRunner().invoke(provision, build).exit_code == 0
    assert town.rotate("lists", "--retire")[0] == 0


def test_the_former_is_not_retired_while_a_configuration_of_its_waits(town: Town) -> None:
    jws = sign_configuration(town.fleet, "post-1", {}, version=1, who="j-stone")
    topic = Source(town.fleet.agency, "post-1").configuration
    with Connection(town.fleet.publisher, broker=town.broker.address, topics=[topic]) as connection:
        connection.publish(topic, jws, retain=True)
    town.says("post-1", town.key_state(Purpose.CONFIGURATION), state="offline")
    town.rotate("configuration")
    with pytest.raises(ProvisioningError, match="at the broker for post-1 is signed with the old key"):
        town.rotate("configuration", "--retire")
    applied = ConfigurationState(state="applied", version=1, digest=digest_of(jws))
    town.says("post-1", town.key_state(Purpose.CONFIGURATION, number=1), configuration=applied)
    assert town.rotate("configuration", "--retire")[0] == 0
    present = read_key(town.fleet.configuration_verifying_key.read_bytes())
    assert open_register(town.fleet.register.read_bytes(), [present]), "the register is signed again"


def test_a_command_that_was_cut_off_before_it_published_goes_on(town: Town) -> None:
    begun = announce(town.fleet, town.fleet.keys(Purpose.LISTS), "j-stone")
    code, told = town.rotate("lists")
    assert (code, told["in_use"], told["present"]) == (0, True, begun.present)


def test_options_that_mean_nothing_for_a_key_are_refused(town: Town) -> None:
    purpose = ("--purpose", "drill")
    for kind, words, why in (
        ("broker", ["--retire"], "only for configuration, lists"),
        ("publisher", ["--vouch", "root"], "only for configuration, lists"),
        ("lists", ["--retire", "--revoke"], "revoking also retires"),
        ("lists", ["--retire", "--overlap-days", "3"], "when the key is replaced"),
    ):
        result = town.run("rotate", str(town.fleet.directory), kind, *purpose, *words)
        assert (result.exit_code, why in result.output) == (2, True), result.output


def test_people_are_told_what_to_do_next(town: Town) -> None:
    before = town.key_state()
    town.says("post-1", before)
    words = ("rotate", str(town.fleet.directory), "lists", "--purpose", "drill", "--wait", "0")
    shown = town.run(*words)
    assert shown.exit_code == 1
    assert "has not taken it yet" in shown.output
    assert "run the same command again" in shown.output
    town.says("post-1", town.key_state(number=1))
    shown = town.run(*words)
    assert "then retire the former" in shown.output
    assert [act.action for act in town.fleet.acts] == ["key_announced", "key_announced", "key_rotated"]


def test_a_fleet_without_posts_has_keys_too(tmp_path: Path) -> None:
    made = Fleet.create(tmp_path / "empty", agency="riverside")
    with ExitStack() as stack:
        empty = Town(made, tmp_path, stack)
        assert empty.rotate("lists")[1]["in_use"]
        assert empty.rotate("lists", "--retire")[0] == 0
