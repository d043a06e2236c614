"""How many reads are usual at this hour of the week, and whether their absence is more than chance.

A lens can be blinded, a camera turned, in ways that no picture tells; then the reads stay away. How many there were in
each hour of the week is learned from the post's own past (an exponential mean over the weeks). Since the last read so
many would have been expected; when that is more than `EXPECTED`, and at least `LEAST_SECONDS` have passed, it is no
chance: if vehicles came independently, none of 20 would be missed by chance once in 500 million times, and platoons
make it more often but still rare.

A road from which the traffic has gone for good is usual after some weeks; a post that reads nothing at all never is.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from device.camera.supervisor import CameraSupervisor
from device.clock.timekeeper import Timekeeper
from device.faults.fault import Fault
from device.files import StateFile
from device.part import Interval, Part
from device.vision.pipeline import Counters

FILE = "habit.json"
HOURS = 7 * 24
EXPECTED = 20.0
LEAST_SECONDS = 900.0
LEARNING = 0.3
"""Share of the newest week in what is usual."""
LOOK_SECONDS = 5.0
"""How often it is looked at."""
LONGEST_STEP = 60.0
"""Seconds between two ticks beyond which the clock was set, and nothing is learned of the time between."""


Rate = Annotated[float, Field(ge=0)]


class UsualReads(RootModel[Annotated[list[Rate | None], Field(min_length=HOURS, max_length=HOURS)]]):
    """Reads that are usual in each hour of the week, Monday's first one first; None where none was learned."""


class ReadRateBaseline:
    """Learns and judges. One thread at a time; never raises."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep what was learned at `path`; only in memory if None."""
        self._file = StateFile(path, UsualReads, about="the usual reads")
        kept = self._file.recall()
        self._usual: list[float | None] = [None] * HOURS if kept is None else kept.root
        self._reads: int | None = None
        self._last: datetime | None = None
        self._hour: int | None = None
        self._hour_reads = 0
        self._hour_seconds = 0.0
        self._hour_missed = False
        self._expected = 0.0
        self._silent = timedelta()

    @property
    def missed(self) -> bool:
        """Whether reads have stayed away for longer than is usual."""
        return self._expected >= EXPECTED and self._silent.total_seconds() >= LEAST_SECONDS

    def tick(self, now: datetime, *, reads: int, watching: bool) -> None:
        """Take in how many reads there were so far, at `now`, while the camera should see the road."""
        before, self._last = self._last, now
        fresh = max(0, reads - self._reads) if self._reads is not None else 0
        self._reads = reads
        hour = now.weekday() * 24 + now.hour
        if hour != self._hour:
            self._learn()
            self._hour, self._hour_reads, self._hour_seconds, self._hour_missed = hour, 0, 0.0, False
        self._hour_reads += fresh
        if fresh:
            self._expected, self._silent = 0.0, timedelta()
        passed = (now - before).total_seconds() if before is not None else 0.0
        if watching and 0 < passed <= LONGEST_STEP:
            self._hour_seconds += passed
            if not fresh:
                self._silent += timedelta(seconds=passed)
                self._expected += (self._usual[hour] or 0.0) * passed / 3600
        self._hour_missed = self._hour_missed or self.missed

    def _learn(self) -> None:
        """Learn of the hour that is over, if most of it was watched, and the post was not blind all of it.

        One in which reads were missed and yet some came is of a road that has become quieter, and is learned: nothing
        else would ever make that usual.
        """
        blind = self._hour_missed and not self._hour_reads
        if self._hour is None or self._hour_seconds < 1800 or blind:
            return
        rate = self._hour_reads * 3600 / self._hour_seconds
        usual = self._usual[self._hour]
        self._usual[self._hour] = rate if usual is None else usual + LEARNING * (rate - usual)
        self._file.keep(UsualReads([None if value is None else round(value, 2) for value in self._usual]))


class ReadRateMonitor(Part):
    """Watches whether reads come as they usually do.

    Args:
        folder: where what is usual is kept.
        counters: how many reads there were.
        timekeeper: the post's time.
        supervisor: says whether the camera should see the road.

    """

    def __init__(
        self,
        folder: Path,
        counters: Counters,
        timekeeper: Timekeeper,
        supervisor: CameraSupervisor,
    ) -> None:
        self._baseline = ReadRateBaseline(folder / FILE)
        self._counters = counters
        self._timekeeper = timekeeper
        self._supervisor = supervisor
        self._look = Interval(LOOK_SECONDS)

    def tick(self, now: float) -> None:
        """Take in how many reads there were."""
        if self._look.due(now):
            watching = self._supervisor.capture is not None
            self._baseline.tick(self._timekeeper.now(), reads=self._counters.reads, watching=watching)

    def faults(self) -> tuple[Fault, ...]:
        """Name it if reads stay away."""
        return (Fault.NO_READS,) if self._baseline.missed else ()
