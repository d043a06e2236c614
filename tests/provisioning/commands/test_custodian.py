"""Custodians from the command line, at a real broker."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.util import urlsafe_b64decode

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.provisioning.fleet.revocation import is_let_in
from platepost.wire.records import KeyState, KeyStatement, Purpose, Source
from platepost.wire.records.topics import custody_keys_topic
from tests.end_to_end.day import Day, given, running
from tests.provisioning.control.conftest import said

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "fleet"
    options = ("--agency", "riverside", "--administrator", "j-stone", "--no-passphrase")
    given(provision, "fleet", "init", made, *options)
    return made


@pytest.fixture
def day(directory: Path, tmp_path: Path) -> Iterator[Day]:
    with running("mosquitto", Fleet.load(directory), tmp_path / "broker") as (broker, reload):
        yield Day(directory, broker, reload)


def says(day: Day, *keys: KeyState) -> None:
    """Have post-1 say of its keys what a test wants."""
    topic = Source("riverside", "post-1").topic("status")
    with Connection(day.fleet.post("post-1"), broker=day.broker.address) as connection:
        connection.publish(topic, said(day.fleet, "post-1", keys=keys), retain=True)


def retained(day: Day, name: str) -> list[KeyStatement]:
    """What the broker has retained of a custodian's keys."""
    heard: list[bytes] = []

    def take(_topic: str, payload: bytes) -> bool:
        heard.append(payload)
        return True

    topic = custody_keys_topic("riverside", name)
    with Connection(day.fleet.publisher, broker=day.broker.address, topics=[topic]) as connection:
        connection.wait(take, 3)
    lines = heard[0].split() if heard else []
    return [KeyStatement.model_validate_json(urlsafe_b64decode(line.split(b".")[1])) for line in lines]


def test_a_second_custodian_comes_is_required_and_goes(day: Day, tmp_path: Path) -> None:
    day.fleet.add_post("post-1", PostSettings(brokers=(day.broker.address,)))
    at = ("--broker", day.broker.address, "--reload", day.reload, "--wait", "0")
    made = day.told("custodian", "add", "vault", "--group", "narcotics")
    assert (made["required"], made["groups"]) == (False, ["narcotics"])
    says(day)
    day.give("custodian", "require", "vault", *at, code=1)  # the post has not heard of it
    (first, again) = retained(day, "vault")
    assert first == again, "by the root, and by the key in force"
    assert first.custodian is not None
    assert (first.custodian.required, first.key.thumbprint) == (True, made["key"])
    known = KeyState(purpose=Purpose.CUSTODY, custodian="vault", key=made["key"], era=1, number=1)
    says(day, known)
    told = day.told("custodian", "require", "vault", *at)
    assert (told["statement"], told["posts"]) == ("1.1", {"post-1": "goes_by_it"})
    listed = json.loads(given(provision, "custodian", "list", day.directory, "--json"))
    assert [(row["name"], row["required"]) for row in listed] == [("records", True), ("vault", True)]
    with pytest.raises(ProvisioningError, match="custodian release"):
        day.give("custodian", "revoke", "vault", *at[:4])

    says(day, known.model_copy(update={"era": 2}))
    assert day.told("custodian", "release", "vault", *at)["statement"] == "2.1"
    kept = shutil.copytree(day.fleet.custodian("vault"), tmp_path / "kept")
    assert is_let_in(kept, day.broker.address)
    day.give("custodian", "revoke", "vault", *at[:4])
    assert not is_let_in(kept, day.broker.address)
    assert day.fleet.custodians() == ("records",)
    assert "vault" not in day.fleet.broker.access_list.read_text()
    acts = [act.action for act in day.fleet.acts]
    assert acts[-5:] == [
        "custodian_added",
        "custodian_required",
        "custodian_required",
        "custodian_released",
        "custodian_revoked",
    ]


def test_the_key_for_receipts_is_rotated_and_a_new_certificate_made(day: Day) -> None:
    fleet = day.fleet
    fleet.add_post("post-1", PostSettings(brokers=(day.broker.address,)))
    files = fleet.keys(Purpose.CUSTODY, "records")
    before = files.announced()
    at = ("--broker", day.broker.address, "--wait", "0")
    says(day)
    with pytest.raises(ProvisioningError, match="post-1 would reject what the new key signs"):
        day.give("custodian", "rotate", "records", *at)

    def holds(key: str, number: int, *former: str) -> None:
        says(day, KeyState(purpose=Purpose.CUSTODY, custodian="records", key=key, former=former, era=0, number=number))

    holds(before, 0)
    rehearsed = day.told("custodian", "rotate", "records", *at, "--rehearse")
    assert (rehearsed["posts"], files.announced()) == ({"post-1": "goes_by_it"}, before)
    day.give("custodian", "rotate", "records", *at, code=1)
    key = files.announced()
    holds(key, 1, before)
    told: dict[str, Any] = day.told("custodian", "rotate", "records", *at)
    assert (told["kind"], told["in_use"], told["present"]) == ("custody of records", True, key)
    assert b"ENCRYPTED" not in files.signing.read_bytes()
    day.give("custodian", "rotate", "records", "--retire", *at, code=1)
    holds(key, 2)
    assert day.told("custodian", "rotate", "records", "--retire", *at)["posts"] == {"post-1": "goes_by_it"}
    assert [(said.number, said.key.thumbprint) for said in retained(day, "records")] == [(1, key), (1, key), (2, key)]
    assert [event for purpose, _, event in fleet.certificates.signing_keys() if purpose == "custody of records"] == [
        "announced",
        "announced",
        "in_use",
        "retired",
        "retired",
    ]

    certificate = (fleet.custodian("records") / "certificate.pem").read_bytes()
    signing = files.signing.read_bytes()
    certified = day.told("custodian", "certify", "records", "--reload", day.reload)
    assert (fleet.custodian("records") / "certificate.pem").read_bytes() != certificate
    assert files.signing.read_bytes() == signing
    assert [f"{one.serial:x}" for one in fleet.certificates.of("records")] == [certified["present"]]
    assert is_let_in(fleet.custodian("records"), day.broker.address)


def test_who_is_no_custodian_is_named_with_those_who_are(directory: Path) -> None:
    for words in (("rotate",), ("certify",), ("revoke",), ("require",), ("release",)):
        command = ["custodian", *words, str(directory), "dispatch", "--purpose", "drill"]
        result = CliRunner().invoke(provision, command)
        assert isinstance(result.exception, ProvisioningError), words
        assert "it has: records" in str(result.exception)
