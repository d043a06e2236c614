"""Every scenario that ships is green, twice the same, and reported; the command's exit code, JUnit and JSON say so."""

import json
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.department.database.cluster import installed_versions
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.cli import simulate
from platepost.simulator.scenario.load import SHIPPED, shipped
from platepost.simulator.scenario.outcome import Outcome
from platepost.simulator.scenario.runner import RunOptions, run_all, run_one
from tests.browser import report_faults
from tests.thorough import THOROUGH
from tests.verifier.second import agreed

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("databases_lent"),
    pytest.mark.usefixtures("seen_once"),  # most scenarios show the same street
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]
NAMES = [path.stem for path in shipped()]
REPORTED = ("amber_alert", "two_posts", "week_without_network")
"""Scenarios that are reported too: one with hits, one of two posts, one that takes long."""


@dataclass(frozen=True)
class Played:
    """A scenario that was played in this process, and where its report and its records lie."""

    outcome: Outcome
    folder: Path


@pytest.fixture(scope="module", params=NAMES)
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = SHIPPED / f"{request.param}.toml"
        report = folder if request.param in REPORTED else None
        yield Played(run_one(path, RunOptions(report=report, keep=folder / "kept")), folder)


def of(*names: str) -> pytest.MarkDecorator:
    """Play these scenarios only."""
    return pytest.mark.parametrize("played", names, indirect=True, scope="module")


def test_a_scenario_keeps_its_promise(played: Played) -> None:
    outcome = played.outcome
    assert not outcome.failures
    assert outcome.passed
    assert outcome.figures is not None
    assert outcome.figures.arrived


@of(*REPORTED)
def test_it_has_a_report_that_needs_nothing_else(played: Played) -> None:
    outcome = played.outcome
    page = (played.folder / f"{outcome.name}.html").read_text(encoding="utf-8")
    assert outcome.title in page
    assert outcome.figures is not None
    assert outcome.figures.records_digest in page
    assert page.count("data:image/jpeg;base64,") >= outcome.figures.by_kind.get("hit", 0)
    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count("<svg") == 4
    if outcome.name == "amber_alert":
        assert report_faults(played.folder / f"{outcome.name}.html") == []


@of("clock_set_wrong", "clock_wrong_at_boot", "list_from_future")
def test_both_verifiers_agree_on_a_wrong_clock(played: Played) -> None:
    name = played.outcome.name
    assert played.outcome.passed
    made = played.folder / "kept" / name / "0"
    fleet = Fleet.load(made / "fleet")
    lines = (made / "records-1.jsonl").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    for post in fleet.posts():
        own = [line for line, event in zip(lines, events, strict=True) if event["source"].endswith(f"/{post}")]
        assert own
        assert not agreed(own, fleet.record_key(post).read_bytes())
    back = [event["data"]["clock"].get("stepped_back_seconds") for event in events if "sequence" in event]
    assert any(back) == (name == "list_from_future"), "only there the post's own time was wrong, and stepped back"


@of("tamper")
def test_the_same_scenario_and_seed_give_the_same_records_and_another_seed_others(
    played: Played, tmp_path: Path
) -> None:
    path = SHIPPED / "tamper.toml"
    first, other = played.outcome.figures, run_one(path, RunOptions(seed=2)).figures
    assert first is not None
    assert other is not None
    assert other.records_digest != first.records_digest
    # It is made in another process, another folder, at another port and another time, beside a short one.
    short = tmp_path / "wishful.toml"
    short.write_text(BROKEN, encoding="utf-8")
    elsewhere = {each.name: each.figures for each in run_all([path, short], RunOptions(), at_once=2)}
    again = elsewhere["tamper"]
    assert again is not None
    assert again.records_digest == first.records_digest


@of("broker_failover", "two_posts", *(("disk_full", "week_without_network") if THOROUGH else ()))
def test_what_happens_in_threads_of_the_uplink_is_the_same_every_time(played: Played) -> None:
    first, again = played.outcome.figures, run_one(SHIPPED / f"{played.outcome.name}.toml", RunOptions()).figures
    assert first is not None
    assert again is not None
    assert first.records_digest == again.records_digest


BROKEN = """\
title = "Wishful"
promise = "What never passes is read."
begins = 2026-03-03T08:00:00Z
lasts = 4

[[posts]]
name = "post-1"

[[expect]]
check = "chain"

[[expect]]
check = "reads"
plate = "7ABC123"
"""


def test_the_command_says_what_failed_and_how(tmp_path: Path) -> None:
    mine, junit, report = tmp_path / "wishful.toml", tmp_path / "out" / "junit.xml", tmp_path / "report"
    mine.write_text(BROKEN, encoding="utf-8")
    result = CliRunner().invoke(
        simulate, ["run", str(mine), "--twice", "--json", "--junit", str(junit), "--report", str(report)]
    )
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert not found["passed"]
    demands = {demand["check"]: demand for demand in found["scenarios"][0]["demands"]}
    assert demands["chain"]["met"]
    assert demands["reads"]["problems"] == ["0 reads of 7ABC123: none, at least 1 wanted"]
    suite = ET.parse(junit).getroot().find("testsuite")  # noqa: S314 - written a moment ago, by the code under test
    assert suite is not None
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("wishful", "2", "1")
    assert "wishful.html" in (report / "index.html").read_text(encoding="utf-8")
    assert "Failed: " in (report / "wishful.html").read_text(encoding="utf-8")
    assert report_faults(report / "index.html", report / "wishful.html") == []
