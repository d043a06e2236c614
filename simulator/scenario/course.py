"""What came of playing a scenario, as plain data: who judges it or draws it needs no post and no broker."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from platepost.simulator.ground.dispatchers import HitDecision
from platepost.simulator.ground.subscriber import Arrival
from platepost.simulator.scenario.clips import Stretch
from platepost.wire.records import Envelope
from platepost.wire.verify.verdict import Report


@dataclass(frozen=True, slots=True)
class MadeRecord:
    """One chained record as its post made it."""

    envelope: Envelope
    at: float
    """Seconds since the scenario's start, by the true clock."""
    real: float
    """`time.monotonic()` then."""
    frame: float
    """`time.monotonic()` when the post got its last frame before."""


@dataclass(frozen=True, slots=True)
class HeldByCustodian:
    """What one custodian has of one post at the end."""

    name: str
    kept: int
    """Records that it holds."""
    named: int
    """Records that it has named, at any start, as receipted and not held."""


@dataclass(frozen=True, slots=True)
class PostCourse:
    """What one post saw and did."""

    name: str
    traffic: tuple[Stretch, ...]
    """What passed its camera."""
    offsets: tuple[tuple[float, float], ...]
    """Seconds since the start at which its clock was set, and by how much it was wrong from then on."""
    made: tuple[MadeRecord, ...]
    """Every chained record that it made, in order."""
    frames: int
    """That it evaluated, over all lives of its software."""
    report: Report
    """Whether what arrived of it is whole and genuine, from its first record on."""
    board: tuple[tuple[float, str, str], ...]
    """Seconds since the start, line and value of each change of its board."""
    opened: int
    """How often its camera was opened."""
    unreleased: int | None
    """Records left on it at the end; None where it could not be reached then, or a custodian could not."""
    custody: tuple[HeldByCustodian, ...]
    """What each custodian has of it."""

    def offset_at(self, moment: float) -> float:
        """Return by how much its clock was wrong at a moment."""
        return next((offset for at, offset in reversed(self.offsets) if at <= moment), 0.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """How far things were at a real time."""

    real: float
    """`time.monotonic()`."""
    at: float
    """Simulated seconds since the start."""
    frames: int
    """Frames that cameras had shown."""


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it all."""

    begins: datetime
    """The simulated time of the start, UTC."""
    lasts: float
    """Seconds."""
    posts: tuple[PostCourse, ...]
    arrivals: tuple[tuple[int, Arrival], ...]
    """Every record that arrived, each with the number of the broker, from 0, that brought it first."""
    samples: tuple[Sample, ...]
    """A few a second of real time."""
    decisions: tuple[tuple[float, HitDecision], ...] = ()
    """What dispatchers decided, each with the seconds since the start."""

    def moment(self, seconds: float) -> datetime:
        """Return the simulated time so many seconds after the start."""
        return self.begins + timedelta(seconds=seconds)
