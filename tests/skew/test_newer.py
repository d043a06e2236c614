"""Posts one version newer than who hears them: nothing is lost, refused or believed that is not understood."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.department.custody.holding import ChainName
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.post_statements import PostStatements
from platepost.provisioning.commands.status import line
from platepost.provisioning.control.status import CheckResult, Grade, judge, overall
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.keeper.store import RecordStore
from platepost.simulator.live.page_events import told
from platepost.wire.records import Hit, Keyring, Status, read_event
from platepost.wire.records.canonical import canonical_bytes, digest_of, parse
from platepost.wire.verify.cli import verify
from platepost.wire.verify.verify import Verifier
from tests.skew.newer import CHAIN, EXAMPLES, KIND, SIGNER, chained, history, signed, unknown, with_more
from tests.verifier.second import agreed

FOGGED = {"name": "lens_fogged", "message": "The lens is fogged."}
KEYS = Keyring.from_pem(SIGNER.public_pem)


def status(**changed: Any) -> CheckResult:
    event = EXAMPLES["status"]
    data = event["data"] | {name: value for name, value in changed.items() if name != "type"}
    event = event | {"data": data, "type": changed.get("type", event["type"])}
    return judge("post-1", signed(event), KEYS, at=datetime.fromisoformat(event["time"]))


def test_both_verifiers_prove_a_history_with_more_members_and_an_unknown_type() -> None:
    chainless = {name: said for name, said in unknown(2).items() if name not in {"chain", "sequence", "previous"}}
    outside = signed(chainless)
    lines = [*history(), outside]
    assert not agreed(lines, SIGNER.public_pem)
    report = Verifier(KEYS, whole=True).feed_all(lines)
    assert (report.chained, report.unchained, dict(report.unknown)) == (6, 1, {KIND: 2})


def test_a_changed_record_of_an_unknown_type_is_found() -> None:
    lines = history()
    lines[-1] = lines[-1].replace(b'"rain":true', b'"rain":false')
    assert {problem.kind for problem in Verifier(KEYS).feed_all(lines).problems} == {"changed"}


def test_verify_says_what_it_does_not_know(tmp_path: Path) -> None:
    key = tmp_path / "post-1.pem"
    key.write_bytes(SIGNER.public_pem)
    archive = tmp_path / "archive.jsonl"
    archive.write_bytes(b"\n".join(history()))
    shown = CliRunner().invoke(verify, [str(archive), "--key", str(key), "--whole"])
    assert shown.exit_code == 0, shown.output
    assert f"1 of the unknown type {KIND}" in shown.output
    told = json.loads(CliRunner().invoke(verify, [str(archive), "--key", str(key), "--json"]).output)
    assert (told["intact"], told["unknown"]) == (True, {KIND: 1})


def test_unknown_types_without_end_do_not_fill_the_verifier() -> None:
    lines = chained(unknown(number) | {"type": f"platepost.kind{number}.v1"} for number in range(1, 100))
    counted = Verifier(KEYS).feed_all(lines).unknown
    assert (len(counted), sum(counted.values())) == (17, 99)


def test_numbers_that_a_newer_audit_says_were_dropped_are_not_missing() -> None:
    lines = chained([EXAMPLES["read"], EXAMPLES["audit"], with_more(named(1))])
    report = Verifier(KEYS, whole=True).feed_all(lines[1:])
    assert report.intact, report.problems
    said = PostStatements(KEYS).add(parse(lines[2]))
    assert said is not None
    assert said.spans == ((1, 1),)


def named(*numbers: int) -> dict[str, Any]:
    gaps = [{"first": number, "last": number} for number in numbers]
    dropped = {"reads": len(numbers), "pictures": 0, "sequences": gaps}
    event = EXAMPLES["audit"]
    return event | {"data": event["data"] | {"action": "records_dropped", "dropped": dropped}}


@pytest.mark.parametrize("name", EXAMPLES)
def test_members_that_are_not_known_are_passed_over(name: str) -> None:
    event = with_more(EXAMPLES[name])
    assert read_event(event) == read_event(EXAMPLES[name])
    heard = datetime.fromisoformat(event["time"])
    shown, plain = (told(Arrival("alpr/v1/demo/post-1/x", said, heard)) for said in (event, EXAMPLES[name]))
    assert shown == plain


def test_hit_of_other_words_and_status_with_another_purpose_of_keys_are_understood() -> None:
    """The page on the contract leaves both open."""
    event = EXAMPLES["hit"]
    hit = read_event(event | {"data": event["data"] | {"wording": "Possible match, seen from the side."}}).data
    assert isinstance(hit, Hit)
    assert hit.wording == "Possible match, seen from the side."
    key = {"purpose": "weather", "key": "a" * 43, "era": 1, "number": 2}
    found = status(keys=[*EXAMPLES["status"]["data"]["keys"], key])
    assert found.state == "online"


def test_the_page_shows_a_fault_of_a_severity_that_is_not_known() -> None:
    event = EXAMPLES["status.degraded"]
    event = event | {"data": event["data"] | {"reasons": [FOGGED | {"severity": "fatal"}]}}
    shown = told(Arrival("alpr/v1/demo/post-1/status", event, datetime.now(UTC)))
    assert shown is not None
    assert shown["severity"] == "major"


def test_the_page_passes_over_an_unknown_type() -> None:
    assert told(Arrival("alpr/v1/demo/post-1/audit", unknown(), datetime.now(UTC))) is None


def test_the_keeper_keeps_every_byte_and_signs_for_all(tmp_path: Path) -> None:
    lines, name = history(), ChainName("post-1", CHAIN)
    with RecordStore(tmp_path / "records.db", keys=lambda _post: KEYS) as store:
        store.keep([ReceivedMessage("alpr/v1/demo/post-1/audit", body) for body in lines])
        (kept,) = store.holding(name).ranges()
        assert (kept.first, kept.last) == (1, len(lines))
        assert kept.digest == digest_of(canonical_bytes(parse(lines[-1])))
        bodies = [row[0] for row in store._database.execute("SELECT body FROM records ORDER BY number")]
    assert bodies == lines


def test_a_status_with_more_in_it_is_what_it_says() -> None:
    event = with_more(EXAMPLES["status.degraded"])
    found = judge("post-1", signed(event), KEYS, at=datetime.fromisoformat(event["time"]))
    assert (found.state, isinstance(found.status, Status)) == ("degraded", True)


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        ({"type": "platepost.status.v2"}, "unknown type platepost.status.v2"),
        ({"state": "degraded", "reasons": [FOGGED | {"severity": "fatal"}]}, "reasons.0.severity"),
        ({"state": "hibernating"}, "not understood by this version: state"),
        ({"hotlist": {"state": "borrowed", "near_alternatives": 0}}, "hotlist.state"),
    ],
)
def test_a_status_that_is_not_understood_is_unknown_and_not_called_forged(changed: dict[str, Any], remark: str) -> None:
    found = status(**changed)
    assert (found.state, found.grade, found.status) == ("unknown", Grade.UNKNOWN, None)
    assert remark in found.remarks[0]
    assert "1 unknown" in line([found])


def test_a_fault_that_is_not_known_is_named() -> None:
    found = status(state="degraded", reasons=[FOGGED])
    assert (found.state, found.grade, found.remarks) == ("degraded", Grade.WARNING, ("lens_fogged (major)",))


def test_a_post_that_is_not_understood_hides_none_that_is_critical() -> None:
    assert overall([status(state="hibernating"), judge("post-2", None, None)]) is Grade.CRITICAL
    assert overall([status(state="hibernating"), status()]) is Grade.UNKNOWN


def test_a_forged_status_of_an_unknown_type_is_not_believed() -> None:
    forged = json.loads(signed(EXAMPLES["status"])) | {"type": "platepost.status.v2"}
    assert judge("post-1", json.dumps(forged).encode(), KEYS).state == "unverified"
