"""Posts and departments one version older than this: their records are understood, and they take what this one sends.

`before/` is the contract and its examples as the software before custody receipts wrote them.
"""

import json
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from platepost.department.custody.holding import ChainName
from platepost.department.custody.messages import ReceivedMessage
from platepost.provisioning.brokers.rights import RIGHTS, Party
from platepost.provisioning.control.status import judge
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.keeper.store import RecordStore
from platepost.simulator.live.page_events import told
from platepost.wire.contract.received import example_payloads
from platepost.wire.contract.schema import contract
from platepost.wire.hotlist.manifest import read_unverified
from platepost.wire.keys.statement import KeyStatement
from platepost.wire.records import CommandRequest, DesiredConfiguration, Keyring, Purpose, read_event
from platepost.wire.records.canonical import parse
from platepost.wire.verify.verify import Verifier
from tests.skew.rules import broken
from tests.verifier.second import agreed

HOME = Path(__file__).parents[2]
BEFORE = Path(__file__).with_name("before")
PEM = (BEFORE / "post-1.pub.pem").read_bytes()
KEYS = Keyring.from_pem(PEM)
ARCHIVE = (BEFORE / "archive.jsonl").read_bytes().splitlines()
EVENTS = [parse(line) for line in ARCHIVE]
NOW = {name: json.loads(text) for name, text in contract().items() if name.endswith(".schema.json")}
PUBLISHED = ("audit", "health", "hit", "hit.withdrawn", "read", "response", "status")
RECEIVED = ("command", "configuration", "keys")
SAID = {
    ("health", "data.queue.settling is gone"): "the broker was asked what it had kept; a custodian's receipt says it",
    ("hit", "data.wording has other values"): "the page names it as open",
    ("status", "data.keys[].purpose has other values"): "the page names it as open",
}
"""What breaks a rule, and why it may: no version was released that had it, or the page says so."""


def schema(name: str) -> dict[str, Any]:
    return json.loads((BEFORE / f"{name}.schema.json").read_bytes())  # type: ignore[no-any-return]


def test_there_is_one_of_each_kind_in_what_an_older_post_sent() -> None:
    assert {event["type"].removeprefix("platepost.").removesuffix(".v1") for event in EVENTS} == set(PUBLISHED)


def test_both_verifiers_prove_its_history() -> None:
    assert not agreed(ARCHIVE, PEM)
    assert not Verifier(KEYS, whole=True).feed_all(ARCHIVE).unknown


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
def test_its_records_are_read_and_shown(event: dict[str, Any]) -> None:
    assert read_event(event).type == event["type"]
    shown = told(Arrival("alpr/v1/demo/post-1/x", event, datetime.fromisoformat(event["time"])))
    assert bool(shown) == (event["type"].split(".")[1] in {"audit", "health", "status"})


def test_the_keeper_keeps_its_chain_and_signs_for_it(tmp_path: Path) -> None:
    chained = [line for line, event in zip(ARCHIVE, EVENTS, strict=True) if "sequence" in event]
    name = ChainName("post-1", next(event["chain"] for event in EVENTS if "sequence" in event))
    with RecordStore(tmp_path / "records.db", keys=lambda _post: KEYS) as store:
        store.keep([ReceivedMessage("alpr/v1/demo/post-1/audit", body) for body in ARCHIVE])
        (kept,) = store.holding(name).ranges()
        assert (kept.first, kept.last) == (1, len(chained))


@pytest.mark.parametrize("event", [one for one in EVENTS if one["type"] == "platepost.status.v1"])
def test_its_status_is_judged_by_what_it_says(event: dict[str, Any]) -> None:
    found = judge("post-1", json.dumps(event).encode(), KEYS, at=datetime.fromisoformat(event["time"]))
    assert found.state == event["data"]["state"]


def test_what_an_older_department_signs_is_taken() -> None:
    for name, model in (("command", CommandRequest), ("configuration", DesiredConfiguration), ("keys", KeyStatement)):
        payload = (BEFORE / f"{name}.payload.json").read_bytes()
        assert model.model_validate_json(payload, strict=True)


@pytest.mark.parametrize("name", RECEIVED)
def test_what_is_signed_today_is_nothing_that_an_older_post_refuses(name: str) -> None:
    assert list(Draft202012Validator(schema(name)).iter_errors(example_payloads()[name])) == []


def test_what_an_older_post_would_refuse_is_on_topics_that_it_does_not_hear() -> None:
    """Statements about custodians' keys name a custodian; those for all posts never do."""
    for purpose in set(Purpose) - {Purpose.CUSTODY}:
        statement = example_payloads()["keys"] | {"purpose": purpose.value}
        assert KeyStatement.model_validate_json(json.dumps(statement), strict=True).custodian is None
        with pytest.raises(ValueError, match="custodian"):
            KeyStatement.model_validate_json(json.dumps(statement | {"custodian": {"name": "records"}}), strict=False)
    heard = {right.topic for right in RIGHTS[Party.POST] if right.access == "read"}
    assert {"keys/+", "keys/custody/+"} <= heard, "one level: an older post hears no other"


def test_a_list_of_today_says_nothing_about_itself_that_one_before_did_not() -> None:
    with tarfile.open(HOME / "tests" / "takeover" / "before.tar.xz") as archive:
        file = archive.extractfile("unit/state/hotlist/hotlist-0000001795781193.package")
        assert file is not None
        before = read_unverified(file.readline().rstrip(b"\n"))
    today = (HOME / "docs" / "hotlist-vectors" / "complete.package").read_bytes().split(b"\n", 1)[0]
    assert read_unverified(today).model_dump(exclude_none=True).keys() <= before.model_dump().keys()


@pytest.mark.parametrize("name", [*PUBLISHED, *RECEIVED])
def test_the_contract_goes_on_by_its_rules(name: str) -> None:
    found = broken(schema(name), NOW[f"{name}.schema.json"], published=name in PUBLISHED)
    assert {(name, what) for what in found} == {key for key in SAID if key[0] == name}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_schema_passes_over_what_it_does_not_name(name: str) -> None:
    assert '"additionalProperties": false' not in json.dumps(NOW[f"{name}.schema.json"])


def test_the_rules_find_what_breaks_them() -> None:
    before = {
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"enum": ["x"], "type": "string"}},
        "required": ["b"],
    }
    after = {
        "properties": {"b": {"type": "string"}, "c": {"enum": ["x", "y"], "type": "string"}, "d": {"type": "string"}},
        "required": ["d"],
    }
    common = [".a is gone", ".b is of another type", ".b may be absent now"]
    assert broken(before, after, published=True) == [*common, ".c has other values"]
    assert broken(before, after, published=False) == [*common, ".d is wanted now"]
