"""What a campaign came to."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.campaigns.command import Outcome
from tests.campaigns.faults.judge import Ruling


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that was inflicted."""

    name: str
    post: str | None
    """On which post; None for all."""
    recovery: float | None
    """Seconds from its end until the department had a record made since; None where no one waited for that."""


@dataclass(frozen=True, slots=True)
class KindTotals:
    """All faults of one kind."""

    name: str
    count: int
    median: float | None
    worst: float | None


@dataclass(frozen=True, kw_only=True)
class CampaignResult(Outcome):
    """The faults, and what came of the records."""

    injected: tuple[Injected, ...]
    absent: Mapping[str, str]
    """Kinds of faults that could not be inflicted here, and why."""
    rulings: tuple[Ruling, ...]
    broker_ends: tuple[int, ...] = ()
    """Exit codes with which the broker ended by itself, and was started again: faults that no one planned."""
    seed: int

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
            "problems": list(self.problems),
        }

    def show(self, console: Console) -> None:
        """Show the faults by kind, and what came of the records."""
        table = Table(title=f"{len(self.injected)} faults in {self.seconds:.0f} s", title_justify="left")
        table.add_column("fault")
        for heading in ("times", "recovery, median s", "longest s"):
            table.add_column(heading, justify="right")
        for row in (*self.rows(), self.overall()):
            table.add_row(row.name, str(row.count), seconds(row.median), seconds(row.worst))
        console.print(table)
        for name, why in self.absent.items():
            console.print(f"not inflicted: {name} ({why})", style="yellow", highlight=False)
        console.print(
            f"{self.total('stored')} records stored, {self.total('delivered')} delivered, "
            f"{self.total('repeats')} arrived again, {self.total('given_up')} given up by quota and named, "
            f"{self.total('damaged')} on damaged pages and named, "
            f"[bold]{self.total('lost')} lost[/bold]; {self.total('chains')} chains",
            highlight=False,
        )
        if self.broker_ends:
            console.print(
                f"the broker ended by itself {len(self.broker_ends)} times (exit codes {self.broker_ends}) and was "
                "started again; its log is broker/mosquitto.log",
                style="yellow",
                highlight=False,
            )


def problems_of(rulings: Sequence[Ruling]) -> Iterator[str]:
    """Yield what is wrong with the records, in sentences."""
    for ruling in rulings:
        yield from (f"{ruling.post}: {problem}" for problem in ruling.problems)
    if not rulings or not all(ruling.stored for ruling in rulings):
        yield "a post has stored nothing: nothing is shown"


def seconds(value: float | None) -> str:
    """Return seconds as a table has them."""
    return "" if value is None else f"{value:.2f}"


def _row(name: str, found: list[float | None]) -> KindTotals:
    times = [time for time in found if time is not None]
    median = round(statistics.median(times), 2) if times else None
    return KindTotals(name, len(found), median, round(max(times), 2) if times else None)
