"""The proof of rights at a real broker finds what a wrong list of them gives."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

import platepost.provisioning.brokers.mosquitto
from platepost.provisioning.cli import provision
from platepost.provisioning.commands.check_acl import NOT_RELOADED
from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.revocation import is_let_in
from tests.end_to_end.day import given, running

pytestmark = pytest.mark.end_to_end


def test_proof_finds_what_is_allowed_too_much_and_too_little(tmp_path: Path, mocker: MockerFixture) -> None:
    directory = tmp_path / "fleet"
    options = ("--agency", "riverside", "--administrator", "j-stone", "--no-passphrase")
    given(provision, "fleet", "init", directory, *options)
    whole = platepost.provisioning.brokers.mosquitto.access_list

    def wrong(*arguments: Any, **named: Any) -> str:
        right = whole(*arguments, **named)
        less = right.replace("pattern write alpr/v1/riverside/%u/audit\n", "")
        return less + "pattern write alpr/v1/riverside/+/command/self-test\n"

    mocker.patch("platepost.provisioning.brokers.mosquitto.access_list", wrong)
    with running("mosquitto", Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        left = [directory / name for name in ("posts/proof-post-0a1b2c", "subscribers/proof-member-0a1b2c")]
        for folder in left:  # of a proof that was killed
            folder.mkdir(parents=True)
            (folder / "groups").touch()
            os.utime(folder, (0, 0))
        at = ("--broker", broker.address, "--reload", reload, "--purpose", "drill", "--json")
        proof = json.loads(given(provision, "fleet", "check-acl", directory, *at, code=1))
    found = {
        (row["who"], row["does"], row["topic"].rpartition("}/")[2])
        for row in proof["cases"]
        if row["should"] != row["is"]
    }
    assert ("post", "write", "audit") in found
    assert ("other", "write", "command/self-test") in found
    assert Fleet.load(directory).posts() == Fleet.load(directory).subscribers() == ()


@pytest.mark.parametrize(
    ("words", "wrong", "said"),
    [((), True, True), (("--reload", "true"), True, False), ((), False, False)],
)
def test_proof_that_finds_faults_without_a_reload_says_that_the_rights_may_not_be_in_force(
    tmp_path: Path, mocker: MockerFixture, *, words: tuple[str, ...], wrong: bool, said: bool
) -> None:
    directory = tmp_path / "fleet"
    options = ("--agency", "riverside", "--administrator", "j-stone", "--no-passphrase")
    given(provision, "fleet", "init", directory, *options)
    case = {"who": "post", "does": "write", "topic": "read", "should": True, "is": not wrong}
    mocker.patch("platepost.provisioning.commands.check_acl.proved", return_value=([case], []))
    asked = ["fleet", "check-acl", str(directory), "--purpose", "drill", "--json", *words]
    result = CliRunner().invoke(provision, asked, catch_exceptions=False)
    assert result.exit_code == int(wrong)
    assert (NOT_RELOADED in result.stderr) == said
    assert json.loads(result.stdout)["wrong"] == int(wrong)


def test_proof_says_what_an_intruder_s_subscription_does_to_others(tmp_path: Path) -> None:
    directory = tmp_path / "fleet"
    options = ("--agency", "riverside", "--administrator", "j-stone", "--no-passphrase")
    given(provision, "fleet", "init", directory, *options)
    with running("mosquitto", Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        at = ("--broker", broker.address, "--reload", reload, "--purpose", "drill", "--json")
        proof = json.loads(given(provision, "fleet", "check-acl", directory, *at))
    assert proof["wrong"] == 0
    wide, shared = proof["intrusions"]
    # mosquitto 2.0 looks at rights when it delivers, and not when someone subscribes.
    assert (wide["topic"], wide["granted"]) == ("alpr/v1/riverside/#", True)
    assert wide["harm"] == "what no one else receives is acknowledged as received"
    assert shared["topic"].startswith("$share/proof/alpr/v1/riverside/")
    assert (shared["granted"], shared["harm"]) == (True, "4 of 8 records are lost to the group")
    (*_, act) = Fleet.load(directory).acts
    assert act.details["harmed"] == [wide["topic"], shared["topic"]]


def test_a_revoked_subscriber_is_not_let_in_and_its_session_ends(tmp_path: Path) -> None:
    directory = tmp_path / "fleet"
    given(
        provision, "fleet", "init", directory, "--agency", "riverside", "--administrator", "j-stone", "--no-passphrase"
    )
    given(provision, "subscriber", "add", directory, "dispatch", "--covert", "narcotics", "--purpose", "console")
    stolen = shutil.copytree(directory / "subscribers" / "dispatch", tmp_path / "stolen")
    with running("mosquitto", Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        at = ("--broker", broker.address, "--reload", reload, "--purpose", "laptop stolen", "--json")
        with Connection(stolen, broker=broker.address) as thief:
            told = json.loads(given(provision, "subscriber", "revoke", directory, "dispatch", *at))
            assert thief.was_ended(within=10)
        assert not is_let_in(stolen, broker.address)
    fleet = Fleet.load(directory)
    assert (told["subscriber"], fleet.subscribers(), fleet.groups()) == ("dispatch", (), {})
    assert "dispatch" not in fleet.broker.access_list.read_text()
    (*_, act) = fleet.acts
    assert (act.action, act.object, act.outcome) == ("subscriber_revoked", "dispatch", "success")
    given(provision, "subscriber", "add", directory, "dispatch", "--purpose", "another laptop")
