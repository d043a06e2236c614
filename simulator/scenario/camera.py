"""The camera of a scenario: shows clips when they are due and the empty road between, and may hang or be turned.

It does not simulate: frames that a slow post skips (it shows the next one when the post is done with the last), and the
way in which a real camera's driver fails.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from threading import Event
from time import monotonic
from typing import Any

import numpy as np

from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.camera.footage.recordings import Still
from platepost.device.frame import Frame
from platepost.simulator.errors import ScenarioError
from platepost.simulator.scenario.clips import Stretch, blurred, empty_road, shifted
from platepost.simulator.scenario.events import Remedy
from platepost.simulator.scenario.scheduler import Scheduler, current

FIRST_LEAP = 0.25
_QUIET_SECONDS = 2.0
"""After traffic the road is shown at the first leap for so long: passages end, and are told."""
HUNG_STEP = 0.25
_LATE_SECONDS = 0.001
_NOISE = 7
"""Gray levels by which the uppermost line changes from frame to frame, as all of a sensor's lines do by noise."""


class ScenarioCamera(Camera):
    """Shows one post's traffic. It outlives the post's software, as a lens does."""

    def __init__(
        self, scheduler: Scheduler, name: str, traffic: Sequence[Stretch], *, road: Stretch, leap: float
    ) -> None:
        """Prepare.

        Args:
            scheduler: whose time it shows.
            name: the post's.
            traffic: what passes, in order, without overlap.
            road: whose first frame is the empty road where nothing passes any more.
            leap: how far apart, at most, frames of the empty road are.

        """
        self.name = f"scenario {name}"
        self.hangs: Remedy | None = None
        """Whether it delivers nothing new, and what would help."""
        self.frozen = False
        """Whether it delivers its last picture again and again while it hangs, instead of nothing."""
        self.hangs_since = 0.0
        """Since when it does, by the scheduler's monotonic clock."""
        self.turned = (0.0, 0.0)
        """By which shares of the picture it looks further to the right and down than it should."""
        self.covered = False
        """Whether something hangs before its lens."""
        self.shown_at = monotonic()
        """The real time at which the post got its last frame."""
        self.opened = 0
        """How often the post opened it."""
        self.shown = 0
        """How many frames it showed."""
        self._last: Frame | None = None
        self._scheduler = scheduler
        self.traffic = tuple(traffic)
        self._road = road
        self._most = leap
        self._closed = Event()
        self._quiet_since = 0.0
        self._disturbed = 0.0
        self.offset = 0.0
        """Seconds by which the post's clock, from which a frame has its time, is wrong."""

    def open(self) -> None:
        """Begin to look."""
        self._closed.clear()
        self.opened += 1
        if self.hangs == "reopened":
            self.hangs = None

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()

    @property
    def patient(self) -> bool:
        """It waits for the post."""
        return True

    def hang(self, until: Remedy, *, frozen: bool = False) -> None:
        """Deliver nothing new until then."""
        self.hangs = until
        self.frozen = frozen
        self.hangs_since = self._scheduler.monotonic()

    def power_off(self) -> None:
        """Lose its supply for a moment: what else was wrong may be over."""
        if self.hangs == "powered":
            self.hangs = None

    def steady(self) -> float:
        """Return the scheduler's monotonic clock."""
        return self._scheduler.monotonic()

    def disturb(self) -> None:
        """Show frames close together again: something happens."""
        self._disturbed = self._scheduler.now

    def frames(self) -> Iterator[Frame]:
        """Yield the frames alone."""
        return (frame for frame in self.steps() if frame is not None)

    def steps(self) -> Generator[Frame | None, None, None]:
        """Yield frames as they are due, None while the camera hangs; only in the post's own thread.

        Raises:
            ScenarioError: it is another thread.

        """
        thread = current()
        if thread is None:
            raise ScenarioError("a scenario's camera shows its frames to its own post only")
        numbers = count()
        leap = FIRST_LEAP
        while not self._closed.is_set():
            now = self._scheduler.now
            if self.hangs is not None:
                thread.sleep(HUNG_STEP)
                yield self._again(next(numbers)) if self.frozen and self.hangs is not None else None
                continue
            stretch = next((candidate for candidate in self.traffic if candidate.over > now), None)
            if stretch is not None and stretch.at <= now:
                for still in stretch.stills():
                    moment = stretch.at + still.seconds
                    if moment < self._scheduler.now - _LATE_SECONDS:
                        continue  # opened too late, or the post was busy: it passed unseen
                    self._sleep_until(moment)
                    if self._closed.is_set() or self.hangs is not None:
                        break
                    yield self._frame(next(numbers), still)
                else:
                    self._quiet_since = self._scheduler.now
                    self._sleep_until(stretch.over)
                continue
            since = max(self._quiet_since, self._disturbed)
            leap = FIRST_LEAP if now - since < _QUIET_SECONDS else min(self._most, max(FIRST_LEAP, leap * 2))
            thread.sleep(min(leap, stretch.at - now) if stretch is not None else leap)
            if not self._closed.is_set() and self.hangs is None and not self._due(stretch):
                yield self._frame(next(numbers), empty_road((stretch or self._road).path))

    def _due(self, stretch: Stretch | None) -> bool:
        return stretch is not None and stretch.at <= self._scheduler.now

    def _sleep_until(self, moment: float) -> None:
        thread = current()
        while thread is not None and self._scheduler.now < moment and not self._closed.is_set():
            thread.sleep(moment - self._scheduler.now)

    def _frame(self, number: int, still: Still) -> Frame:
        seen = shifted(still, *self.turned)
        seen = blurred(seen) if self.covered else seen
        self.shown_at = monotonic()
        self.shown += 1
        gray = seen.gray.copy()
        gray[0] = (gray[0].astype(np.uint16) + self.shown % _NOISE) & 0xFF
        self._last = Frame(
            number=number,
            captured=self._captured(),
            monotonic=self._scheduler.monotonic(),
            gray=gray,
            color=seen.color,
        )
        return self._last

    def _again(self, number: int) -> Frame | None:
        """Show the last picture once more."""
        last = self._last
        if last is None:
            return None
        return replace(last, number=number, captured=self._captured(), monotonic=self._scheduler.monotonic())

    def _captured(self) -> datetime:
        return self._scheduler.utc() + timedelta(seconds=self.offset)


class LockstepCapture(Capture):
    """Capture without a thread of its own: the post takes each frame when it is due, and time stands still then."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._started = self._lens().steady()

    def start(self) -> None:
        """Begin to take frames."""
        self._steps = self._lens().steps()

    def stop(self) -> None:
        """Stop taking frames."""
        self._stop.set()
        self._steps.close()

    @property
    def age(self) -> float:
        """Seconds since the newest frame. Where time leaps over the empty road, frames are there and not shown."""
        lens = self._lens()
        return 0.0 if lens.hangs is None or lens.frozen else lens.steady() - max(lens.hangs_since, self._started)

    @property
    def running(self) -> bool:
        """Whether frames may still come."""
        return not self._stop.is_set()

    def frames(self, *, patience: float = 0.2) -> Iterator[Frame | None]:  # noqa: ARG002 - time is the scheduler's
        """Yield frames as they are due, None where none came."""
        expected = 0
        lens = self._lens()
        for frame in self._steps:
            if frame is not None:
                self.last_frame = lens.steady()
                self.lost += max(0, frame.number - expected)
                expected = frame.number + 1
            yield frame
            if self._stop.is_set():
                return

    def _lens(self) -> ScenarioCamera:
        if not isinstance(self._camera, ScenarioCamera):
            raise ScenarioError("this camera works only in a scenario")
        return self._camera
