"""The post's time: the system's clock while it can be right, and otherwise the time that went on without it.

What a synchronized clock says wins, also where it contradicts all that was known before. A clock that no one vouches
for is believed within a window:

- not before the *floor*, a time that it was certainly later than. The floor survives restarts. Only the clock while it
  is synchronized and the beginning of the post's certificate move it; the building of the hot list in force counts
  besides, as long as that list is in force and no one has vouched for the clock since the start.
- not after the *latest* time that it can be. Once someone has vouched for the clock, the steady clock knows the time
  better than any step: then that is `CLOCK_TOLERANCE` after the floor, which goes on with the steady clock. Before,
  after a pause of unknown length, it is the end of the post's certificate: later no broker would let it in.

Outside of the window the clock is certainly wrong. Time goes on by the steady clock from when it was last believed, and
records say in `clock.held_seconds` how far it is from what the clock says. A step out of the window is not believed at
once even where the clock counts as synchronized: who vouches may not have looked yet.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Annotated, Protocol, Self

from cryptography import x509
from pydantic import AfterValidator, BaseModel

from platepost.common.files import StateFile
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.wire.kernel_clock import CLOCK_TOLERANCE, clock_quality
from platepost.wire.records import ClockQuality

log = logging.getLogger(__name__)

STEP_SECONDS = 1.0
"""Difference between the advance of the wall's and the steady clock from which it was a step and no slewing."""
SAVE_SECONDS = 60.0
HELD_SECONDS = 0.001
"""Held time below which nothing is said of it: the resolution of times on the wire."""
CONFIRM_SECONDS = 30.0
"""How long a clock must have been synchronized since it was set beyond the window: twice the pause after which chrony
is asked again (`platepost.device.clock.chrony`), so that its answer is of after the step."""
SOFTWARE = datetime(2026, 1, 1, tzinfo=UTC)
"""When this software was not yet written: it runs at no earlier time."""


Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class TimeFloor(BaseModel):
    """What is kept of the time."""

    floor: Moment
    last: Moment
    """The time that was believed last."""


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


@dataclass(frozen=True, slots=True)
class _Measured:
    """The clocks at one moment."""

    system: datetime
    now: datetime
    """The best known present."""
    apart_from_list: datetime
    """The same without what the hot list in force says."""
    certain: bool
    """Whether someone vouches for the system's clock."""


class Timekeeper:
    """Tells the time and how good it is. Safe to use from several threads.

    Args:
        path: where the floor is kept; nowhere if None.
        trusted: dates that have passed for certain, such as when the post's certificate began.
        ends: when the post's certificate ends; None where no clock is too far ahead before someone vouches for one.
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
        ends: datetime | None = None,
        last: datetime | None = None,
        quality: Callable[[], ClockQuality] = clock_quality,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = StateFile(path, TimeFloor, about="the floor under the clock")
        self._quality = quality
        self._wall = wall
        self._steady = steady
        self._lock = RLock()
        stored = self._file.recall() or TimeFloor(floor=SOFTWARE, last=_moment(0))
        began = steady()
        self._floor = max([SOFTWARE, stored.floor, *trusted]), began
        self._list: tuple[datetime, float] | None = None
        self._ends = ends
        self._vouched = False
        """Whether someone has vouched for the clock since the start."""
        believed = max(self._floor[0], stored.last, last or stored.last)
        self._believed = believed if ends is None else min(believed, max(ends, self._floor[0])), began
        self._offset = wall() - began
        self._stepped = float("-inf")
        self._seen = (wall(), began)
        self._save_at = began + SAVE_SECONDS

    @classmethod
    def beside(
        cls, outbox: Path, source: TimeSource, *, valid: x509.Certificate, last: datetime | None, clock: Clock = SYSTEM
    ) -> Self:
        """Make a post's time, whose floor is kept beside the outbox.

        Args:
            outbox: path of the outbox.
            source: is asked how good the clock is; where it does not answer, the kernel is.
            valid: the post's certificate.
            last: time of the last record of the chain.
            clock: the system's.

        """
        return cls(
            outbox.parent / "clock.json",
            trusted=[valid.not_valid_before_utc],
            ends=valid.not_valid_after_utc,
            last=last,
            quality=lambda: source.quality() or clock_quality(),
            wall=clock.wall,
            steady=clock.steady,
        )

    # --- telling

    def now(self) -> datetime:
        """Return the best known present, UTC. It goes back where a clock that was ahead is put right."""
        return self._measure().now

    def apart_from_list(self) -> datetime:
        """Return the best known present by all but the hot list in force, whose date may be wrong: judges another."""
        return self._measure().apart_from_list

    def earliest(self) -> datetime | None:
        """Return the earliest time that it can be, while no one vouches for the clock; None while someone does.

        A hot list's date does not count: it would lock the post out of the broker that has a better list.
        """
        measured = self._measure()
        return None if measured.certain else measured.apart_from_list

    def latest(self) -> datetime | None:
        """Return the latest time that it can be; None where that is not known."""
        with self._lock:
            self._measure()
            return self._latest(self._steady())

    @property
    def behind(self) -> bool:
        """Whether the system's clock is certainly wrong: earlier than it can be."""
        measured = self._measure()
        return not measured.certain and measured.now - measured.system > timedelta(seconds=STEP_SECONDS)

    @property
    def ahead(self) -> bool:
        """Whether the system's clock is certainly wrong: later than it can be."""
        measured = self._measure()
        return not measured.certain and measured.system - measured.now > timedelta(seconds=STEP_SECONDS)

    def quality(self) -> ClockQuality:
        """Say how good the clock is, and how far the best known present is from it.

        A clock that is not believed counts as not synchronized, no matter who vouches for it still.
        """
        quality, measured = self._quality(), self._measure()
        held = (measured.now - measured.system).total_seconds()
        if abs(held) < HELD_SECONDS:
            return quality
        if quality.synchronised and not measured.certain:
            quality = ClockQuality(source=quality.source, synchronised=False)
        return quality.model_copy(update={"held_seconds": round(held, 3)})

    # --- looking

    def poll(self) -> Step | None:
        """Look whether the clock was set since the last call; keep the floor once a minute."""
        self._measure()
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

    def heed_list(self, built: datetime | None) -> None:
        """Note when the hot list in force was built: while it is in force, the time is later than that.

        A date after the latest time that it can be is passed over. None where no list is in force.
        """
        with self._lock:
            latest, steady = self.latest(), self._steady()
            if built is None or (latest is not None and built > latest):
                self._list = None
            elif self._list is None or self._list[0] != built:
                self._list = built, steady

    def heed_certificate(self, valid: x509.Certificate) -> None:
        """Take note of the certificate that the post has from now on: that of the start may have been renewed since."""
        with self._lock:
            steady = self._steady()
            self._ends = valid.not_valid_after_utc
            if _on(self._floor, steady) < valid.not_valid_before_utc:
                self._floor = valid.not_valid_before_utc, steady

    def save(self) -> None:
        """Keep the floor on disk. Never raises: without it the post only knows less after its next start."""
        with self._lock:
            last = self._measure().apart_from_list
            floor = _on(self._floor, self._steady())
        self._file.keep(TimeFloor(floor=floor, last=last))

    def _measure(self) -> _Measured:
        with self._lock:
            wall, steady = self._wall(), self._steady()
            if abs(wall - steady - self._offset) >= STEP_SECONDS:
                self._stepped = steady
            self._offset = wall - steady
            system, floor = _moment(wall), _on(self._floor, steady)
            believable = self._is_believable(system, floor, steady)
            confirmed = steady - self._stepped >= CONFIRM_SECONDS
            certain = self._quality().synchronised and (confirmed or believable)
            if certain:
                self._vouched, self._floor = True, (system, steady)
            now = system if certain or believable else max(_on(self._believed, steady), floor)
            self._believed = now, steady
            by_list = now
            if self._list is not None and not self._vouched:
                listed = _on(self._list, steady)
                by_list = listed if now < listed - timedelta(seconds=STEP_SECONDS) else now
            return _Measured(system=system, now=by_list, apart_from_list=now, certain=certain)

    def _is_believable(self, system: datetime, floor: datetime, steady: float) -> bool:
        # The floor and a clock that no one touches go on side by side, microseconds apart: that much proves nothing.
        latest = self._latest(steady)
        return floor - timedelta(seconds=STEP_SECONDS) <= system and (latest is None or system <= latest)

    def _latest(self, steady: float) -> datetime | None:
        near = _on(self._floor, steady) + CLOCK_TOLERANCE
        if self._vouched:
            return near
        return None if self._ends is None else max(self._ends, near)


def _on(since: tuple[datetime, float], steady: float) -> datetime:
    """Return a moment and what has passed since then, by the steady clock."""
    return since[0] + timedelta(seconds=steady - since[1])


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
