"""What a fleet's run measured; written as JSON, which the model reads."""

import dataclasses
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from platepost.simulator.errors import CampaignError


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
    unreleased: int = 0
    """Records that posts still had because no receipt came; always 0 in figures of before there were custodians."""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, everything proved, and every record signed for by the custodian."""
        return not self.lost and not self.problems and not self.unreleased


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """One run."""

    command: str
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
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether the fleet kept its promises."""
        return self.end.sound and not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return all as JSON objects."""
        return dataclasses.asdict(self) | {"passed": self.passed}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `as_json` wrote.

        Raises:
            CampaignError: the file is no such thing.

        """
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CampaignError(f"{path}: no figures of a fleet can be read from it ({error})") from error
