import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.ground.site import READS
from tests.campaigns.__main__ import campaigns
from tests.campaigns.fleet.collector import Collector, Missing, spread
from tests.campaigns.fleet.proof import prove
from tests.campaigns.fleet.worker import RecordedChain

needs_mosquitto = pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools")
whole_run = pytest.mark.timeout(300)
"""With its fixture: a whole run of a fleet, which computes all the time."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    outcome = CliRunner().invoke(campaigns, ["fleet", "--short", "--directory", str(folder)])
    assert outcome.exit_code == 0, outcome.output
    return folder


@pytest.mark.end_to_end
@needs_mosquitto
@whole_run
def test_fleet_is_held_takes_a_delta_and_loses_nothing_through_an_outage(run: Path) -> None:
    outcome = json.loads((run / "outcome.json").read_text())
    end, work, connecting = outcome["end"], outcome["work"], outcome["connecting"]
    assert outcome["passed"]
    assert outcome["held"] == outcome["posts"] == outcome["delta"]["posts"]
    assert end["lost"] == end["unreleased"] == 0
    assert end["arrived"] == end["recorded"] == end["verified"] > 5 * outcome["posts"]
    assert outcome["outage"]["cut"] >= outcome["posts"]  # a connection begun on a busy machine may be cut once more
    assert work["hits"] > 0
    assert connecting["broker_memory"] > connecting["broker_memory_before"] > 0
    assert work["bytes_up"] > work["payload_bytes"]


@pytest.mark.end_to_end
@needs_mosquitto
@whole_run
def test_proof_names_what_is_missing_and_what_was_changed(run: Path, tmp_path: Path) -> None:
    fleet, lines = (
        Fleet.load(run / "fleet"),
        (run / "archive.jsonl").read_text().splitlines(),
    )
    reads = [number for number, line in enumerate(lines) if '"type":"platepost.read.v1"' in line]
    lacking = tmp_path / "lacking.jsonl"
    lacking.write_text("\n".join(line for number, line in enumerate(lines) if number != reads[0]))
    assert any("missing" in problem for problem in prove(fleet, lacking, processes=1).problems)
    event = json.loads(lines[reads[0]])
    event["data"]["plate_read"] = "CHANGED"
    lines[reads[0]] = json.dumps(event)
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join(lines))
    assert any("changed" in problem for problem in prove(fleet, changed, processes=2).problems)


def test_keeper_counts_what_did_not_arrive(tmp_path: Path) -> None:
    identity = Fleet.create(tmp_path / "fleet", agency="fleet").add_subscriber("keeper", reads=READS)
    keeper = Collector(identity, agency="fleet", brokers=("localhost:1",), archive=tmp_path / "archive.jsonl")
    chains = [RecordedChain("post-1", "chain", 3), RecordedChain("post-2", "chain", 0)]
    assert keeper._answer("missing", chains) == Missing(lost=3, repeats=0)


def test_spread_is_of_ordered_values() -> None:
    assert spread([]) == ()
    assert spread([1.0]) == (1.0, 1.0, 1.0, 1.0)
    assert spread([float(value) for value in range(100)]) == (49.5, 95.0, 99.0, 99.0)
