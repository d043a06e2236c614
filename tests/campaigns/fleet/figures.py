"""What a fleet's run measured."""

import os
import platform
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.table import Table

from tests.campaigns.command import Outcome

MEGABYTE = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where it was measured: everything ran on this one machine."""

    cores: int
    memory: int
    """Bytes."""
    python: str

    @classmethod
    def here(cls) -> Self:
        """Return this machine."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(cores=len(os.sched_getaffinity(0)), memory=memory, python=platform.python_version())


@dataclass(frozen=True, kw_only=True, slots=True)
class Connecting:
    """All posts connect at once, and take the complete list."""

    seconds: float
    in_service_seconds: float
    """Until all hold the list."""
    broker_cpu: float
    """Seconds of processor."""
    broker_memory_before: int
    broker_memory: int
    """Bytes, with all connected and at rest."""
    posts_memory: int
    package_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """All connected, nothing to report."""

    seconds: float
    broker_cpu: float
    posts_cpu: float
    bytes_up: int
    """By all posts, TLS included."""
    bytes_down: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Posts report, at a rate or as fast as all of this machine can."""

    seconds: float
    most_seconds: float
    """Until 99 of 100 of the records had arrived."""
    records: int
    """That arrived."""
    hits: int
    payload_bytes: int
    bytes_up: int
    bytes_down: int
    broker_cpu: float
    posts_cpu: float
    keeper_cpu: float
    hit_seconds: tuple[float, ...]
    """From making to arrival: median, 95 and 99 of 100, the longest."""

    @property
    def rate(self) -> float:
        """Records a second, the last one of a hundred left aside: a post may wait before it tries again."""
        return 0.99 * self.records / self.most_seconds if self.most_seconds else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Delta:
    """A delta goes out; a post says in the audit when it is in force."""

    package_bytes: int
    seconds: tuple[float, ...]
    """From publishing to the record keeper's hearing of it: median, 95 and 99 of 100, the last; posts that said so."""
    posts: int
    broker_memory_most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """The broker is stopped and started again, or one node of a cluster is killed."""

    kind: str
    away_seconds: float
    cut: int
    """Posts that lost their connection."""
    attempts: int
    """Connections tried until all were back, successful or not."""
    half_seconds: float
    """From where connecting could succeed again until half of those cut were back; likewise 99 of 100, and all."""
    most_seconds: float
    all_seconds: float
    peak: int
    """Most connections made within a second."""
    delivered_seconds: float
    """Until nothing waited that had been recorded meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """What came of every record."""

    recorded: int
    arrived: int
    lost: int
    repeats: int
    verified: int
    """Records whose signature and place in the chain were proved."""
    problems: tuple[str, ...]
    unreleased: int
    """Records that posts still had because no receipt came."""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, everything proved, and every record signed for by the custodian."""
        return not self.lost and not self.problems and not self.unreleased


@dataclass(frozen=True, kw_only=True)
class FleetOutcome(Outcome):
    """What a fleet's run came to."""

    broker: str
    posts: int
    held: int
    """Posts that were connected, and held the list, before the outage."""
    rate: float
    """Records a second that all posts together made while at work, as asked."""
    machine: Machine
    connecting: Connecting
    rest: Rest
    work: Work
    burst: Work
    delta: Delta
    outage: Outage
    end: End

    @property
    def passed(self) -> bool:
        """Whether the fleet kept its promises."""
        return self.end.sound and not self.problems

    def show(self, console: Console) -> None:
        """Show the figures as a table, and what could not be proved."""
        table = Table(
            title=f"{self.posts} posts on {self.broker}, {self.seconds:.0f} s", title_justify="left", show_header=False
        )
        table.add_column()
        table.add_column(justify="right", style="bold")
        for name, value in self._rows():
            table.add_row(name, value)
        console.print(table)
        for problem in self.end.problems:
            console.print(problem, style="red", highlight=False)

    def _rows(self) -> list[tuple[str, str]]:
        memory = (self.connecting.broker_memory - self.connecting.broker_memory_before) / self.posts
        processor = self.work.broker_cpu / self.work.records if self.work.records else 0.0
        back = (self.outage.half_seconds, self.outage.most_seconds, self.outage.all_seconds)
        return [
            ("posts held at once, with the list in force", f"{self.held}"),
            ("all connected after", f"{self.connecting.seconds:.1f} s"),
            ("the list in force on all after", f"{self.connecting.in_service_seconds:.1f} s"),
            ("broker's memory, all connected", f"{self.connecting.broker_memory / MEGABYTE:.0f} MB"),
            ("of that for each post", f"{memory / 1000:.0f} kB"),
            ("records a second at work", f"{self.work.rate:.0f}"),
            ("hit to record keeper at work: median, 95, 99 of 100", _delays(self.work.hit_seconds[:3])),
            ("broker's processor for each record", f"{processor * 1e3:.2f} ms"),
            ("records a second at most, of this machine", f"{self.burst.rate:.0f}"),
            ("size of the delta", f"{self.delta.package_bytes} bytes"),
            ("the delta in force on half, 95, 99 of 100, all", _delays(self.delta.seconds)),
            ("outage", self.outage.kind),
            ("posts that had to connect again", f"{self.outage.cut}"),
            ("half, 99 of 100, all back after", _delays(back)),
            ("most connections made in a second", f"{self.outage.peak}"),
            ("records made, arrived, lost", f"{self.end.recorded}, {self.end.arrived}, {self.end.lost}"),
            ("still on posts, without a receipt", f"{self.end.unreleased}"),
            ("arrived again", f"{self.end.repeats}"),
            ("signatures and chains proved", f"{self.end.verified}"),
        ]


def _delays(values: tuple[float, ...]) -> str:
    if not values:
        return "none"
    if max(values) < 1.0:
        return ", ".join(f"{value * 1e3:.0f}" for value in values) + " ms"
    return ", ".join(f"{value:.1f}" for value in values) + " s"
