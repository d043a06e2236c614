"""The report of a scenario, one HTML file that holds its pictures and charts; an index; and JUnit XML for CI."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from markupsafe import Markup

from platepost.common.pages import PAGES
from platepost.simulator.demo.report import TEMPLATES, environment
from platepost.simulator.demo.report import words as plain
from platepost.simulator.scenario import charts
from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.durations import words
from platepost.simulator.scenario.observations import FRAMES_PER_SECOND, Observations, ReceivedRecord
from platepost.simulator.scenario.outcome import Outcome, summary
from platepost.simulator.scenario.timeline import GUTTER, ROW, WIDTH, lay_out
from platepost.simulator.scenario.wire import HIT, READ, WITHDRAWN, same_plate


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write what came of scenarios.

    Raises:
        OSError: the file cannot be written.

    """
    xml = JUnitXml("platepost scenarios")
    for outcome in outcomes:
        suite = TestSuite(outcome.name)
        suite.add_property("seed", str(outcome.seed))
        suite.add_property("promise", outcome.promise)
        if outcome.figures is not None:
            suite.add_property("records_digest", outcome.figures.records_digest)
        for demand in outcome.demands:
            case = TestCase(demand.says, classname=f"scenario.{outcome.name}")
            if demand.problems:
                case.result = [Failure("; ".join(demand.problems))]
            suite.add_testcase(case)
        if outcome.error is not None:
            case = TestCase("is played to its end", classname=f"scenario.{outcome.name}")
            case.result = [Error(outcome.error)]
            suite.add_testcase(case)
        suite.time = round(outcome.seconds, 3)
        xml.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.write(str(path), pretty=True)


_OWN = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class ShownHit:
    """One hit with what became of it."""

    entry: ReceivedRecord
    withdrawn: bool
    patch: str | None
    overview: str | None

    @property
    def data(self) -> Mapping[str, Any]:
        """The record."""
        return self.entry.data


@dataclass(frozen=True, slots=True)
class Difference:
    """One passage whose read is not right, or one read of nothing."""

    post: str
    at: float
    truth: str | None
    read: str | None
    what: str


def write_report(folder: Path, scenario: Scenario, observed: Observations, outcome: Outcome) -> Path:
    """Write the report of one scenario into a folder, and return its file.

    Raises:
        OSError: it cannot be written.

    """
    folder.mkdir(parents=True, exist_ok=True)
    page = (
        _environment()
        .get_template("scenario.html")
        .render(
            outcome=outcome,
            scenario=scenario,
            timeline=lay_out(observed, scenario.events),
            width=WIDTH,
            gutter=GUTTER,
            row_height=ROW,
            hits=shown_hits(observed),
            differences=differences(observed),
            posts=observed.posts,
            made={name: len(post.made) for name, post in observed.posts.items()},
            latency=Markup(charts.latency(observed)),  # noqa: S704 - drawn here, of numbers
            backlog=Markup(charts.backlog(observed, scenario.events)),  # noqa: S704 - as above
            throughput=Markup(charts.throughput(observed)),  # noqa: S704 - as above
        )
    )
    path = folder / f"{outcome.name}.html"
    path.write_text(page, encoding="utf-8")
    return path


def write_index(folder: Path, outcomes: Sequence[Outcome]) -> Path:
    """Write the page that lists the scenarios with what came of each, and return its file.

    Raises:
        OSError: it cannot be written.

    """
    path = folder / "index.html"
    page = _environment().get_template("index.html").render(outcomes=outcomes, summary=summary(outcomes))
    path.write_text(page, encoding="utf-8")
    return path


def shown_hits(observed: Observations) -> tuple[ShownHit, ...]:
    """Return every hit that arrived, with its pictures, in the order of their making."""
    withdrawn = {entry.data["hit"] for entry in observed.of(WITHDRAWN)}
    hits = sorted(observed.of(HIT), key=lambda entry: entry.at)
    return tuple(
        ShownHit(entry, entry.data["hit"] in withdrawn, _picture(entry, "patch"), _picture(entry, "overview"))
        for entry in hits
    )


def differences(observed: Observations) -> tuple[Difference, ...]:
    """Return what differs from the truth, in the order of time."""
    notes = []
    for post, score in observed.scores.items():
        for outcome in score.outcomes:
            at, text = outcome.passage.frames[0] / FRAMES_PER_SECOND, outcome.passage.text
            if outcome.read is None:
                given_up = any(same_plate(read, text) for read in _given_up(observed, post))
                notes.append(Difference(post, at, text, None, "read, and dropped" if given_up else "missed"))
            elif not outcome.right:
                what = "O or 0, I or 1" if outcome.right_folded else "misread"
                notes.append(Difference(post, at, text, outcome.read.text, what))
            notes += [Difference(post, at, text, again.text, "read again") for again in outcome.duplicates]
        notes += [
            Difference(post, read.first_frame / FRAMES_PER_SECOND, None, read.text, "nothing passed")
            for read in score.undue
        ]
    return tuple(sorted(notes, key=lambda difference: difference.at))


def _given_up(observed: Observations, post: str) -> list[str]:
    """Return the texts of reads that were made and did not arrive."""
    there = {entry.event["id"] for entry in observed.of(READ, post=post)}
    lost = [recorded.envelope for _, recorded in observed.made(post) if recorded.envelope.type == READ]
    return [json.loads(read.body)["data"]["plate_read"] for read in lost if read.id not in there]


def _picture(entry: ReceivedRecord, kind: str) -> str | None:
    for picture in entry.data.get("pictures", ()):
        if picture["kind"] == kind and picture.get("data"):
            base64.b64decode(picture["data"], validate=True)
            return f"data:{picture['media_type']};base64,{picture['data']}"
    return None


def _environment() -> jinja2.Environment:
    report_environment = environment().overlay(
        loader=jinja2.FileSystemLoader([_OWN, TEMPLATES, PAGES]), lstrip_blocks=True
    )
    report_environment.filters |= {"words": words, "plain": plain}
    return report_environment
