"""How many reads are usual at this hour of the week, and whether their absence is more than chance.

A lens can be blinded, a camera turned, in ways that no picture tells; then the reads stay away. How many there were in
each hour of the week is learned from the post's own past (an exponential mean over the weeks). Since the last read so
many would have been expected; when that is more than `EXPECTED`, and at least `LEAST_SECONDS` have passed, it is no
chance: if vehicles came independently, none of 20 would be missed by chance once in 500 million times, and platoons
make it more often but still rare.

The hours are those of UTC, in which people drive an hour earlier or later once daylight saving time begins or ends:
reads are missed only where as many would have been expected of traffic that is an hour early, and an hour late.

A road from which the traffic has gone for good is usual after some weeks; a post that reads nothing at all never is.
"""

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from platepost.common.files import StateFile
from platepost.device.camera.supervisor import CameraSupervisor
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.part import Interval, Part, Tables
from platepost.device.vision.pipeline import Counters
from platepost.wire.faults import Fault

FILE = "habit.json"
HOURS = 7 * 24
EXPECTED = 20.0
LEAST_SECONDS = 900.0
LEARNING = 0.3
"""Share of the newest week in what is usual."""
CHECK_SECONDS = 5.0
"""How often it is looked at."""
MINUTE_SECONDS = 60.0
BEFORE_MINUTES = 60
BEFORE_SECONDS = 600.0
"""Of the hour before a change, so much must have been watched for what was read in it to count."""
DECIDED_SECONDS = 1800.0
"""Longest time in which `EXPECTED` reads must have come before a change, for it to be compared."""
COMPARED_SECONDS = 3600.0
"""How long after a change reads are compared with those before: traffic changes with the hours."""
SHARE = 0.2
"""Of the reads that were to come, fewer than this share is no change of traffic within half an hour."""
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
        stored = self._file.recall()
        self._usual: list[float | None] = [None] * HOURS if stored is None else stored.root
        self._reads: int | None = None
        self._last: datetime | None = None
        self._hour: int | None = None
        self._hour_reads = 0
        self._hour_seconds = 0.0
        self._hour_missed = False
        self._earlier: float | None = None
        """What was usual in the hour before, without what was learned of it just now: the post may be blind."""
        self._expected = [0.0, 0.0, 0.0]
        """Reads that were to come since the last one, if traffic is an hour late, on time, or an hour early."""
        self._silent = timedelta()

    @property
    def missed(self) -> bool:
        """Whether reads have stayed away for longer than is usual."""
        return min(self._expected) >= EXPECTED and self._silent.total_seconds() >= LEAST_SECONDS

    def poll(self, now: datetime, *, reads: int, watching: bool) -> None:
        """Take in how many reads there were so far, at `now`, while the camera should see the road."""
        before, self._last = self._last, now
        fresh = max(0, reads - self._reads) if self._reads is not None else 0
        self._reads = reads
        hour = now.weekday() * 24 + now.hour
        if hour != self._hour:
            usual = self._usual[hour - 1]
            self._learn()
            self._earlier = self._usual[hour - 1] if usual is None else usual
            self._hour = hour
            self._hour_reads = 0
            self._hour_seconds = 0.0
            self._hour_missed = False
        self._hour_reads += fresh
        if fresh:
            self._expected, self._silent = [0.0, 0.0, 0.0], timedelta()
        passed = (now - before).total_seconds() if before is not None else 0.0
        if watching and 0 < passed <= LONGEST_STEP:
            self._hour_seconds += passed
            if not fresh:
                self._silent += timedelta(seconds=passed)
                rates = (self._earlier, self._usual[hour], self._usual[(hour + 1) % HOURS])
                for place, rate in enumerate(rates):
                    self._expected[place] += (rate or 0.0) * passed / 3600
        self._hour_missed = self._hour_missed or self.missed

    def _learn(self) -> None:
        """Learn from the past hour, if the post watched most of it and was not blind throughout.

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


class ReadComparison:
    """Compares the reads since a change of the configuration with those of the hour before it. One thread at a time.

    Time counts only while the camera should see the road. What was before is known after ten minutes of it. The change
    is judged once twenty reads would have come; where that takes more than half an hour, it is not. Of twenty that were
    to come, fewer than four do by chance once in 300,000 times, if vehicles come independently.
    """

    def __init__(self) -> None:
        self._before = deque([(0.0, 0)], maxlen=BEFORE_MINUTES + 1)
        """Seconds watched and reads so far, once a minute."""
        self._watched, self._reads = 0.0, 0
        self._since: tuple[float, int] | None = None
        self._rate = 0.0

    def poll(self, seconds: float, *, reads: int) -> None:
        """Take in that the road was watched for so many seconds more, and how many reads there were in all."""
        self._watched += seconds
        self._reads = reads
        if self._watched - self._before[-1][0] >= MINUTE_SECONDS:
            self._before.append((self._watched, reads))
        if self._since is not None and self._watched - self._since[0] > COMPARED_SECONDS:
            self._since = None

    def begin(self) -> None:
        """Compare from now on; where a comparison is under way, what was before it is what was before."""
        watched, reads = self._before[0]
        seconds = self._watched - watched
        if self._since is None:
            self._rate = (self._reads - reads) / seconds if seconds >= BEFORE_SECONDS else 0.0
        self._since = (self._watched, self._reads) if self._rate * DECIDED_SECONDS >= EXPECTED else None

    @property
    def undecided(self) -> bool:
        """Whether too few reads were to come so far to judge by."""
        return self._since is not None and self._expected < EXPECTED

    @property
    def fewer(self) -> bool:
        """Whether far fewer came than before."""
        if self._since is None or self._expected < EXPECTED:
            return False
        return (self._reads - self._since[1]) < SHARE * self._expected

    @property
    def _expected(self) -> float:
        return 0.0 if self._since is None else self._rate * (self._watched - self._since[0])


class ReadRateMonitor(Part):
    """Watches whether reads come as they usually do, and as they did before the configuration changed.

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
        self._comparison = ReadComparison()
        self._check_due, self._checked = Interval(CHECK_SECONDS), 0.0

    def poll(self, now: float) -> None:
        """Take in how many reads there were."""
        if self._check_due.due(now):
            watching = self._supervisor.capture is not None
            self._baseline.poll(self._timekeeper.now(), reads=self._counters.reads, watching=watching)
            passed, self._checked = now - self._checked, now
            self._comparison.poll(passed if watching and passed <= LONGEST_STEP else 0.0, reads=self._counters.reads)

    def adjust(self, tables: Tables) -> None:  # noqa: ARG002 - whatever changed, it may have cost reads
        """Compare what is read from now on with what was read before."""
        self._comparison.begin()

    def faults(self) -> tuple[Fault, ...]:
        """Name it if reads stay away, or are far fewer than before the configuration changed."""
        present = {Fault.NO_READS: self._baseline.missed, Fault.READS_FEWER: self._comparison.fewer}
        return tuple(fault for fault, there in present.items() if there)

    def undecided(self) -> tuple[Fault, ...]:
        """Name the comparison while it lasts."""
        return (Fault.READS_FEWER,) if self._comparison.undecided else ()
