"""One post against a real mosquitto with client certificates, from frames to a subscriber's verified archive."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from platepost.department.database.cluster import installed_versions
from platepost.device.config import load
from platepost.device.outbox.outbox import Outbox
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.simulator.cli import simulate
from platepost.simulator.demo import cli
from platepost.simulator.demo.clip import STREET, DemoClip, find_clip
from platepost.simulator.demo.outcome import DemoOutcome
from platepost.simulator.demo.run import Observer, run_demo
from platepost.simulator.ground.site import Site
from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import TYPES, Audit, Health, Hit, Read, Status
from tests.browser import report_faults
from tests.thorough import THOROUGH

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.usefixtures("databases_lent"),
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]

FOOTAGE = STREET.parent
OUTAGE_SECONDS = 10.0


def make_clip(directory: Path) -> Path:
    """Make two passages in seven seconds: the first on the hot list, the second matched by a pattern."""
    clip = directory / "clip" / "pass.mp4"
    clip.parent.mkdir()
    for name in ("pass.mp4", "pass.truth.json"):
        shutil.copy(FOOTAGE / name, clip.parent)
    first, second = (passage["text"] for passage in json.loads((FOOTAGE / "pass.truth.json").read_text())["passages"])
    (clip.parent / "pass.hotlist.csv").write_text(
        f"plate,state,category,priority,reference\n{first},CA,stolen_vehicle,2,CASE-1\n4ZZZ999,CA,local,5,CASE-2\n"
    )
    (clip.parent / "pass.patterns.csv").write_text(
        f"pattern,category,priority,case,author,expires\n{second[:4]}*,felony_vehicle,1,CASE-3,A. Author,2099-12-31\n"
    )
    due = [
        {"passage": 0, "kind": "exact", "category": "stolen_vehicle"},
        {"passage": 1, "kind": "partial", "category": "felony_vehicle"},
    ]
    (clip.parent / "pass.due.json").write_text(json.dumps(due))
    return clip


class Kinds(Observer):
    """Keeps what arrived, by topic and type."""

    def __init__(self) -> None:
        self.topics: list[tuple[str, str]] = []

    def arrived(self, arrival: Arrival) -> None:
        self.topics.append((arrival.topic, arrival.kind))


@dataclass(frozen=True)
class Ran:
    """A run of the demo by its command, and where it left its files."""

    directory: Path
    outcome: DemoOutcome
    kinds: Kinds
    command: Result


def demonstrate(directory: Path, clip: Path) -> Result:
    words = ["demo", "--directory", str(directory), "--clip", str(clip), "--no-live", "--json"]
    return CliRunner().invoke(simulate, words, catch_exceptions=False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder, kinds, outcomes = tmp_path_factory.mktemp("ran"), Kinds(), []

    def watched(directory: Path, clip: DemoClip, *, observers: Sequence[Observer], on_console: None) -> DemoOutcome:
        assert on_console is None
        outcomes.append(run_demo(directory, clip, observers=[*observers, kinds]))
        return outcomes[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "run_demo", watched)
        command = demonstrate(folder / "demo", make_clip(folder))
    return Ran(folder / "demo", outcomes[0], kinds, command)


def test_every_kind_of_record_travels_on_its_topic_and_verifies(ran: Ran) -> None:
    outcome = ran.outcome
    assert outcome.failures == ()
    assert outcome.score is not None
    assert (outcome.score.captured, outcome.score.right, outcome.score.undue) == (2, 2, ())
    assert sorted(hit.hit.match for hit in outcome.hits) == ["exact", "partial"]
    prefix = "alpr/v1/demo/post-1"
    assert {
        (f"{prefix}/read", TYPES[Read]),
        (f"{prefix}/hit/stolen_vehicle", TYPES[Hit]),
        (f"{prefix}/hit/felony_vehicle", TYPES[Hit]),
        (f"{prefix}/status", TYPES[Status]),
        (f"{prefix}/audit", TYPES[Audit]),
        (f"{prefix}/health", TYPES[Health]),
    } == set(ran.kinds.topics)


def test_the_department_proves_and_signs_for_every_record_and_the_post_lets_go_of_all(ran: Ran) -> None:
    custody, chained = ran.outcome.custody, ran.outcome.verification.chained
    assert chained > 5
    assert custody.proved == custody.kept >= chained
    assert (custody.receipted, custody.odd, custody.released) == (chained, 0, chained)
    post = load(ran.directory / "fleet" / "posts" / "post-1" / "post.toml")
    with Outbox.of(post.outbox) as outbox:
        assert outbox.unreleased() == 0
        assert outbox.head.sequence == chained


def test_no_plate_stands_in_a_log_and_nothing_stays_in_the_outbox(ran: Ran) -> None:
    assert ran.outcome.account["undelivered"] == 0
    plates = {read.plate_read for read in ran.outcome.reads}
    assert plates
    post = ran.directory / "fleet" / "posts" / "post-1"
    files = [ran.directory / "post.log", *(path for path in (post / "state").rglob("*") if path.is_file())]
    assert len(files) > 1
    for path in files:
        content = path.read_bytes()
        assert not [plate for plate in plates if plate.encode() in content], path


def test_command_writes_report_and_figures_and_ends_with_zero(ran: Ran) -> None:
    assert ran.command.exit_code == 0, ran.command.output
    figures = json.loads(ran.command.stdout)
    assert figures["passed"]
    assert figures == json.loads((ran.directory / "result.json").read_text())
    report = (ran.directory / "report.html").read_text()
    assert report.count("Possible match, unverified") == 2
    assert report.count("data:image/jpeg;base64,") >= 6  # patch and overview of both hits, patch of both reads
    assert report_faults(ran.directory / "report.html") == []


def test_command_ends_with_one_when_a_due_hit_does_not_come(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = replace(ran.outcome, hits=ran.outcome.hits[1:], missing=ran.outcome.clip.due[:1])
    monkeypatch.setattr(cli, "run_demo", lambda *_, **__: lacking)
    result = demonstrate(tmp_path, ran.outcome.clip.footage)
    assert result.exit_code == 1
    assert "expected hit missing" in " ".join(result.output.split())


class Outage(Observer):
    """Kills the broker while the post is at work, and starts it again ten seconds later."""

    def __init__(self, *, after_reads: int) -> None:
        self._after_reads = after_reads
        self._reads = 0
        self._killed_at: float | None = None
        self.came_back = False

    def arrived(self, arrival: Arrival) -> None:
        self._reads += arrival.kind == TYPES[Read]

    def poll(self, site: Site[Broker]) -> None:
        if self._killed_at is None and self._reads >= self._after_reads:
            site.broker.kill()
            self._killed_at = time.monotonic()
        elif self._killed_at is not None and not self.came_back:
            assert not site.broker.running
            if time.monotonic() - self._killed_at >= OUTAGE_SECONDS:
                site.broker.start()
                self.came_back = True


@pytest.mark.skipif(not THOROUGH, reason="time for a second whole demo is missing: make test-thorough")
def test_nothing_is_missing_after_the_broker_was_killed_for_ten_seconds(tmp_path: Path) -> None:
    clip = find_clip(STREET)
    outage = Outage(after_reads=3)
    outcome = run_demo(tmp_path / "demo", clip, observers=[outage])

    assert outage.came_back
    assert outcome.verification.problems == ()
    assert outcome.account["undelivered"] == 0
    assert outcome.custody.released == outcome.custody.receipted == outcome.verification.chained
    assert outcome.missing == ()
    assert outcome.undue == ()
    assert len(outcome.reads) == outcome.account["reads"]


def test_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "demo" / "letter.txt"
    other.parent.mkdir()
    other.write_text("mine")
    result = CliRunner().invoke(
        simulate, ["demo", "--directory", str(other.parent), "--clip", str(make_clip(tmp_path)), "--no-live"]
    )
    assert result.exit_code != 0
    assert "choose another folder" in str(result.exception)
    assert os.listdir(other.parent) == ["letter.txt"]  # noqa: PTH208
