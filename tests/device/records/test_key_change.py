"""A new signing key: vouched for by the former in the chain, and followed by the verifier."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from device.outbox import Outbox
from device.records import Keyring, Recorder, Signer, Source
from device.records.canonical import canonical_bytes
from device.records.examples import CLOCK, ExampleSigner, example_audit
from device.records.verify import Report, Verifier

SOURCE = Source("demo", "post-1")
FIRST, SECOND, THIRD = ExampleSigner(), Signer(ECKey.generate_key("P-256")), Signer(ECKey.generate_key("P-256"))
KEY = bytes(32)


def judge(events: Iterable[dict[str, Any]], *signers: Signer) -> Report:
    ring = Keyring.from_pem(*(signer.public_pem for signer in signers or (FIRST,)))
    return Verifier(ring, whole=True).feed_all(events)


def history(path: Path, *signers: tuple[Signer, Signer | None]) -> list[dict[str, Any]]:
    """Two records by each signer in turn, over restarts."""
    for signer, former in signers:
        with Outbox(path, key=KEY) as outbox:
            recorder = Recorder(outbox, signer, SOURCE, former=former)
            recorder.record(example_audit("boot"))
            recorder.record(example_audit("stop"))
    with Outbox(path, key=KEY) as outbox:
        return [envelope.event for envelope in outbox.next(99)]


def resigned(event: dict[str, Any], signer: Signer) -> dict[str, Any]:
    return event | {"signature": signer.sign(canonical_bytes(event))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def test_the_former_key_vouches_for_the_new_one(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST), (THIRD, SECOND))
    actions = [event["data"]["action"] for event in events]
    assert actions == ["boot", "stop", "key_changed", "boot", "stop", "key_changed", "boot", "stop"]
    assert events[2]["data"]["outcome"] == "success"
    assert events[2]["data"]["key"]["former"] == FIRST.kid
    assert judge(events).intact, "only the first key was given"
    assert not judge(events[3:], SECOND).problems[1:], "of the second history only its beginning is missing"


def test_records_may_come_before_the_one_that_vouches_for_their_key(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST), (THIRD, SECOND))
    assert all(judge(order).intact for order in itertools.islice(itertools.permutations(events), 0, 40320, 400))


def test_an_unchanged_key_changes_nothing(path: Path) -> None:
    events = history(path, (FIRST, None), (FIRST, SECOND), (FIRST, None))
    assert [event["data"]["action"] for event in events] == ["boot", "stop"] * 3


def test_without_the_former_key_only_the_department_can_vouch(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, THIRD))
    assert (events[2]["data"]["outcome"], events[2]["data"]["reason"]) == ("failure", "former_key_missing")
    assert judge(events).first_problem.kind == "foreign"
    assert judge(events, FIRST, SECOND).intact


def test_a_key_that_was_replaced_signs_nothing_more(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST))
    forged = [*events[:4], resigned(events[4], FIRST)]
    problem = judge(forged).first_problem
    assert (problem.kind, problem.sequence) == ("foreign", 5)
    assert "number 3 replaced" in problem.message


def test_nobody_vouches_for_himself(path: Path) -> None:
    events = history(path, (FIRST, None), (SECOND, FIRST))
    stranger = [*events[:2], resigned(events[2], SECOND), *events[3:]]
    assert [problem.kind for problem in judge(stranger).problems] == ["foreign"] * 3
    data = events[2]["data"]
    other_key = data | {"key": data["key"] | {"public_key": THIRD.public_pem.decode()}}
    mismatched = [*events[:2], resigned(events[2] | {"data": other_key}, FIRST), *events[3:]]
    assert {problem.kind for problem in judge(mismatched).problems} == {"foreign"}


def test_the_account_of_drops_comes_after_the_change_too(path: Path) -> None:
    with Outbox(path, key=KEY, quota_bytes=1) as outbox:
        Recorder(outbox, FIRST, SOURCE).record(example_audit("boot"))
        outbox._file.run(lambda connection: connection.execute("UPDATE dropped SET pictures_pending = 1"))
        account = Recorder(outbox, SECOND, SOURCE, former=FIRST).account_for_drops(clock=CLOCK)
        assert account.sequence == 3
        assert judge(envelope.event for envelope in outbox.next(9)).intact
