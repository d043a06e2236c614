"""What a scenario came to: each demand and what is wrong with it, and the figures; plain data, for other processes."""

import hashlib
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from platepost.simulator.scenario.description import Scenario
from platepost.simulator.scenario.observations import Observations
from platepost.simulator.scenario.wire import HIT, kind_of


@dataclass(frozen=True, slots=True)
class Demand:
    """One check and what is wrong with it."""

    check: str
    """Its kind."""
    says: str
    problems: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether nothing is."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there was, and how fast."""

    simulated_seconds: float
    posts: int
    records: int
    """Chained records that were made."""
    arrived: int
    """Of them, those that arrived."""
    by_kind: dict[str, int]
    frames: int
    latency_median_seconds: float | None
    """Real, from the last frame to the record keeper, of hits."""
    latency_worst_seconds: float | None
    records_digest: str
    """SHA-256 over every chained record, bytes and signature: the same scenario and seed give the same one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scenario."""

    name: str
    title: str
    promise: str
    seed: int
    seconds: float
    """Real time."""
    demands: tuple[Demand, ...] = ()
    error: str | None = None
    """Why it could not be played to its end."""
    figures: Totals | None = None
    report: str | None = None
    """The file of its report."""

    @property
    def passed(self) -> bool:
        """Whether every demand is met."""
        return self.error is None and bool(self.demands) and all(demand.met for demand in self.demands)

    @property
    def failures(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        wrong = [f"{demand.says}: {problem}" for demand in self.demands for problem in demand.problems]
        return ((self.error,) if self.error else ()) + tuple(wrong)

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        return {
            "scenario": self.name,
            "title": self.title,
            "promise": self.promise,
            "passed": self.passed,
            "seed": self.seed,
            "seconds": round(self.seconds, 2),
            "error": self.error,
            "demands": [
                {"check": demand.check, "says": demand.says, "met": demand.met, "problems": list(demand.problems)}
                for demand in self.demands
            ],
            "figures": None if self.figures is None else asdict(self.figures),
            "report": self.report,
        }


def judge(scenario: Scenario, observed: Observations) -> tuple[Demand, ...]:
    """Judge every demand of the scenario."""
    return tuple(Demand(check.check, check.says, check.judge(observed)) for check in scenario.expect)


def totals_of(observed: Observations) -> Totals:
    """Count."""
    latencies = sorted(entry.latency for entry in observed.of(HIT) if entry.latency is not None)
    arrived = [entry for entry in observed.records if entry.chained]
    return Totals(
        simulated_seconds=observed.course.lasts,
        posts=len(observed.posts),
        records=sum(len(post.made) for post in observed.posts.values()),
        arrived=len(arrived),
        by_kind=dict(sorted(Counter(kind_of(entry.kind) for entry in arrived).items())),
        frames=sum(post.frames for post in observed.posts.values()),
        latency_median_seconds=round(statistics.median(latencies), 4) if latencies else None,
        latency_worst_seconds=round(latencies[-1], 4) if latencies else None,
        records_digest=records_digest(observed),
    )


def records_digest(observed: Observations) -> str:
    """Return SHA-256 over every chained record as it was made, post by post."""
    digest = hashlib.sha256()
    for name, recorded in observed.made():
        digest.update(name.encode() + b"\0" + recorded.envelope.topic.encode() + b"\0" + recorded.envelope.body)
    return digest.hexdigest()


def summary(outcomes: Sequence[Outcome]) -> str:
    """Say how many passed."""
    passed = sum(outcome.passed for outcome in outcomes)
    return f"{passed} of {len(outcomes)} scenarios passed"
