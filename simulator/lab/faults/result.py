"""What a campaign came to."""

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from platepost.simulator.lab.faults.judge import Ruling


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that was inflicted."""

    name: str
    post: str | None
    """On which post; None for all."""
    recovery: float | None
    """Seconds from its end until the department had a record made since; None where nobody waited for that."""


@dataclass(frozen=True, slots=True)
class KindTotals:
    """All faults of one kind."""

    name: str
    count: int
    median: float | None
    worst: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignResult:
    """The faults, and what came of the records."""

    injected: tuple[Injected, ...]
    absent: Mapping[str, str]
    """Kinds of faults that could not be inflicted here, and why."""
    rulings: tuple[Ruling, ...]
    problems: tuple[str, ...]
    """What went wrong beside the records: a post that did not recover, or ended by itself."""
    broker_ends: tuple[int, ...] = ()
    """Exit codes with which the broker ended by itself, and was started again: faults that nobody planned."""
    seconds: float
    seed: int

    @property
    def passed(self) -> bool:
        """Whether every record is accounted for, every chain proved, and every post recovered from everything."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, in sentences."""
        found = [f"{ruling.post}: {problem}" for ruling in self.rulings for problem in ruling.problems]
        if not self.rulings or not all(ruling.stored for ruling in self.rulings):
            found.append("a post has stored nothing: nothing is shown")
        return (*self.problems, *found)

    def total(self, what: str) -> int:
        """Return the sum of a figure of the rulings over all posts."""
        return sum(getattr(ruling, what) for ruling in self.rulings)

    def rows(self) -> tuple[KindTotals, ...]:
        """Return the faults by kind, in the order in which kinds came first."""
        times: dict[str, list[float | None]] = {}
        for fault in self.injected:
            times.setdefault(fault.name, []).append(fault.recovery)
        return tuple(_row(name, found) for name, found in times.items())

    def overall(self) -> KindTotals:
        """Return all faults together."""
        return _row("all", [fault.recovery for fault in self.injected])

    def as_json(self) -> dict[str, Any]:
        """Return everything for scripts; times in seconds."""
        figures = ("stored", "delivered", "repeats", "given_up", "damaged", "lost", "outside", "chains")
        return {
            "passed": self.passed,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "faults": len(self.injected),
            "records": {name: self.total(name) for name in figures},
            "recovery": asdict(self.overall()),
            "by_fault": [asdict(row) for row in self.rows()],
            "broker_ended_by_itself": list(self.broker_ends),
            "not_inflicted": dict(self.absent),
            "posts": [asdict(ruling) for ruling in self.rulings],
            "failures": list(self.failures),
        }


def _row(name: str, found: list[float | None]) -> KindTotals:
    times = [time for time in found if time is not None]
    median = round(statistics.median(times), 2) if times else None
    return KindTotals(name, len(found), median, round(max(times), 2) if times else None)
