"""The post's time: the system's clock, with a floor under it that survives restarts.

A board without a battery boots in the past, and any clock can be set back. So the post keeps, on disk, a time that it
was certainly later than: the floor. Only what is trustworthy raises it: the clock while it is synchronised, and signed
dates (the hot list's, the certificate's). A clock that is ahead by mistake therefore cannot poison it.

Records never go back: the time of one is at least that of the one before. By how much that is ahead of the system's
clock, the record says in `clock.held_seconds`.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Annotated, Protocol, Self

from pydantic import AfterValidator, BaseModel

from device.clock.clock import SYSTEM, Clock
from device.clock.kernel import clock_quality
from device.files import StateFile
from device.records import ClockQuality

log = logging.getLogger(__name__)

STEP_SECONDS = 1.0
"""Difference between the advance of the wall's and the steady clock from which it was a step and no slewing."""
SAVE_SECONDS = 60.0
HELD_SECONDS = 0.001
"""Held time below which nothing is said of it: the resolution of times on the wire."""
SOFTWARE = datetime(2026, 1, 1, tzinfo=UTC)
"""When this software was not yet written: it runs at no earlier time."""


Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class TimeFloor(BaseModel):
    """What is kept of the time."""

    floor: Moment
    last: Moment
    """Time of the last record."""


@dataclass(frozen=True, slots=True)
class Step:
    """The system's clock was set."""

    seconds: float
    """How far: positive is forward."""
    before: datetime
    after: datetime


class TimeSource(Protocol):
    """What is asked how good the clock is, such as chrony."""

    def start(self) -> None:
        """Begin to look."""
        ...

    def quality(self) -> ClockQuality | None:
        """Return what it says, None if it does not answer."""
        ...

    def stop(self) -> None:
        """End looking."""
        ...


class Timekeeper:
    """Tells the time and how good it is. Safe to use from several threads.

    Args:
        path: where the floor is kept; nowhere if None.
        trusted: dates that have passed for certain, such as when the post's certificate began.
        last: time of the last record of the chain.
        quality: asks how good the clock is.
        wall: the system's clock, seconds since 1970.
        steady: the clock that is never set, seconds.

    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        trusted: Iterable[datetime] = (),
        last: datetime | None = None,
        quality: Callable[[], ClockQuality] = clock_quality,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = StateFile(path, TimeFloor, about="the floor under the clock")
        self._quality = quality
        self._wall = wall
        self._steady = steady
        self._lock = Lock()
        kept = self._file.recall() or TimeFloor(floor=SOFTWARE, last=_moment(0))
        self._floor = max([SOFTWARE, kept.floor, *trusted])
        self._last = max(kept.last, last or kept.last)
        self._began = steady()
        self._seen = (wall(), steady())
        self._save_at = steady() + SAVE_SECONDS

    @classmethod
    def beside(
        cls, outbox: Path, source: TimeSource, *, begun: datetime, last: datetime | None, clock: Clock = SYSTEM
    ) -> Self:
        """Make a post's time, whose floor is kept beside the outbox.

        Args:
            outbox: path of the outbox.
            source: is asked how good the clock is; where it does not answer, the kernel is.
            begun: when the post's certificate began.
            last: time of the last record of the chain.
            clock: the system's.

        """
        return cls(
            outbox.parent / "clock.json",
            trusted=[begun],
            last=last,
            quality=lambda: source.quality() or clock_quality(),
            wall=clock.wall,
            steady=clock.steady,
        )

    # --- telling

    @property
    def floor(self) -> datetime:
        """A time that it is certainly later than: the floor, and what has passed since the start."""
        return self._floor + timedelta(seconds=self._steady() - self._began)

    @property
    def behind(self) -> bool:
        """Whether the system's clock is certainly wrong: earlier than the floor, and nobody vouches for it."""
        return not self._quality().synchronised and self._too_early(self._system())

    def earliest(self) -> datetime | None:
        """Return the earliest time that it can be, while nobody vouches for the clock; None while somebody does."""
        return None if self._quality().synchronised else max(self._system(), self.floor)

    def now(self) -> datetime:
        """Return the best known time, UTC: the system's clock, unless it is certainly wrong; then the floor."""
        system = self._system()
        return self.floor if self._too_early(system) and not self._quality().synchronised else system

    def record_time(self) -> datetime:
        """Return the time for a record: never earlier than the one returned before, also over restarts."""
        now = self.now()
        with self._lock:
            self._last = max(self._last, now)
            return self._last

    def quality(self) -> ClockQuality:
        """Say how good the clock is, and how far a record's time is ahead of it."""
        quality = self._quality()
        held = (max(self.now(), self._last) - self._system()).total_seconds()
        return quality if held < HELD_SECONDS else quality.model_copy(update={"held_seconds": round(held, 3)})

    # --- looking

    def tick(self) -> Step | None:
        """Look whether the clock was set since the last call; keep the floor once a minute."""
        wall, steady = self._wall(), self._steady()
        moved = (wall - self._seen[0]) - (steady - self._seen[1])
        before, self._seen = self._seen[0], (wall, steady)
        step = None
        if abs(moved) >= STEP_SECONDS:
            step = Step(moved, _moment(before), _moment(wall))
            log.warning("the clock was set by %+.1f s", moved)
        if steady >= self._save_at or step is not None:
            self._save_at = steady + SAVE_SECONDS
            self.save()
        return step

    def trust(self, moment: datetime) -> None:
        """Raise the floor to a date that has passed for certain: somebody trustworthy signed it."""
        with self._lock:
            passed = moment - timedelta(seconds=self._steady() - self._began)
            self._floor = max(self._floor, passed)

    def save(self) -> None:
        """Keep the floor on disk. Never raises: without it the post only knows less after its next start."""
        if self._quality().synchronised:
            with self._lock:
                # A synchronised clock is right even where it contradicts the floor.
                self._floor, self._began = self._system(), self._steady()
        self._file.keep(TimeFloor(floor=self.floor, last=self._last))

    def _too_early(self, system: datetime) -> bool:
        # The floor and a clock that nobody touches go on side by side, microseconds apart: that much proves nothing.
        return system < self.floor - timedelta(seconds=STEP_SECONDS)

    def _system(self) -> datetime:
        return _moment(self._wall())


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
