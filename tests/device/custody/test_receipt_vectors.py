"""The contract's receipts, as a post that made its example records hears them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platepost.device.uplink.inbox import Delivery
from platepost.wire.contract.examples import SOURCE as EXAMPLE_SOURCE
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.faults import Fault
from platepost.wire.keys.history import RetiringKey, WithdrawnKey
from platepost.wire.keys.statement import Key
from platepost.wire.records import CustodianTerms
from tests.device.custody.bench import Bench

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "docs/contract/examples/receipt.vectors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_post_judges_each_as_the_contract_says(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = example_records(ExampleSigner())
    chain = [envelope for envelope in examples.values() if envelope.sequence is not None]
    monkeypatch.setattr("tests.device.custody.bench.SOURCE", EXAMPLE_SOURCE)
    bench = Bench(tmp_path, given=(CustodianTerms(name=VECTORS["custodian"]),), chain=chain[0].event["chain"])
    for envelope in chain:
        bench.outbox.append(lambda _head, made=envelope: made)  # type: ignore[misc]
    bench.deliver()
    keys = {name: Key.of(pem) for name, pem in VECTORS["keys"].items()}
    believed = bench.custodians.get(VECTORS["custodian"])
    assert believed is not None
    believed.history = replace(
        believed.history,
        present=keys["in_force"],
        former=(RetiringKey(keys["former"], None),),
        withdrawn=(WithdrawnKey(keys["retired"], revoked=False), WithdrawnKey(keys["revoked"], revoked=True)),
    )
    bench.custody._state.epochs[VECTORS["custodian"]] = {keys["in_force"].thumbprint: VECTORS["epoch"]}

    message = case["message"].encode()
    bench.custody.receive(Delivery(1, 1, 1, case["topic"], message, retained=case["retained"]))

    refused = [audit["reason"] for audit in bench.audits("receipt_refused")]
    forked = ["forked"] if Fault.CUSTODY_FORKED in bench.custody.faults() else []
    assert (refused + forked or ["taken"]) == [case["verdict"]]
    kept = {n for each in case["payload"]["ranges"] or () for n in range(each["first"], each["last"] + 1)}
    released = kept & set(range(1, len(chain) + 1)) if case["verdict"] == "taken" else set()
    assert bench.held == len(chain) - len(released) + len(refused) + len(forked)


def test_there_is_a_verdict_of_each_kind() -> None:
    verdicts = {case["verdict"] for case in VECTORS["cases"]}
    assert verdicts == {
        "taken",
        "forked",
        "malformed",
        "other_post",
        "foreign_agency",
        "other_custodian",
        "unknown_custodian",
        "lower_epoch",
        "retained",
        "retired_key",
        "revoked_key",
        "bad_signature",
        "unsigned",
    }
