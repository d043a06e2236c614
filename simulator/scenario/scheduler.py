"""Simulated time, and the scheduler that runs one simulated thread at a time.

Posts run in threads of their own, but one at a time: each yields whenever it waits, and states until when.
The scheduler jumps from one such moment, or event, to the next, so a scenario is deterministic and takes no longer than
its computation. Time stands still until other threads (the uplink) have done their work.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from platepost.common.signals import check, sleep
from platepost.simulator.errors import ScenarioError, StuckError

TURN_SECONDS = 120.0
"""Real time that one turn of a post may take before it counts as stuck."""
WAKE_DELAY_SECONDS = 0.25
"""Every post wakes up this soon after an event: its tick in the field."""
LEAP_SECONDS = 5.0
"""A longer jump of time is announced by `before_leap`."""
_MAX_TURNS = 10_000
_MONOTONIC_START = 1000.0
"""The monotonic clock does not start at zero, as on a machine that has run for a while."""
_CURRENT = threading.local()


class ThreadAbandoned(BaseException):
    """Ends a simulated thread whose scenario was abandoned.

    A BaseException, so that the post's own handlers let it pass.
    """


class TimedEvent(Protocol):
    """Something that happens at a moment."""

    @property
    def at(self) -> float:
        """Seconds since the start."""
        ...


EventT = TypeVar("EventT", bound=TimedEvent)


class SimulatedThread:
    """One thread of the scheduler. `work` runs in it and calls `sleep`."""

    def __init__(self, scheduler: "Scheduler", name: str, work: Callable[["SimulatedThread"], None]) -> None:
        self.name = name
        self.due = scheduler.now
        self.ended = False
        self.failure: BaseException | None = None
        self._scheduler = scheduler
        self._work = work
        self._abandoned = False
        self._resume = threading.Semaphore(0)
        self._yielded = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<SimulatedThread {self.name} {'ended' if self.ended else f'due at {self.due:.2f} s'}>"

    def sleep(self, seconds: float) -> None:
        """Yield for this many simulated seconds, or until an event. Call it only from the thread itself."""
        self.due = self._scheduler.now + max(0.0, seconds)
        self._yielded.release()
        self._resume.acquire()
        if self._abandoned:
            raise ThreadAbandoned

    def run_until_it_sleeps(self) -> None:
        """Let it go on until it sleeps again or ends. Call it only from the scheduler's thread.

        Raises:
            StuckError: it does neither.
            ScenarioError: it failed; the cause is what it raised.

        """
        if self.ended:
            return
        self._resume.release()
        if not self._yielded.acquire(timeout=TURN_SECONDS):
            raise StuckError(f"{self.name} neither slept nor ended within {TURN_SECONDS:.0f} s")
        if self.failure is not None:
            raise ScenarioError(f"{self.name} failed: {self.failure}") from self.failure

    def abandon(self) -> None:
        """End its thread, wherever it is."""
        self._abandoned = True
        if not self.ended:
            self._resume.release()
            self._thread.join(TURN_SECONDS)

    def _run(self) -> None:
        _CURRENT.thread = self
        self._resume.acquire()
        try:
            if not self._abandoned:
                self._work(self)
        except ThreadAbandoned:
            pass
        except BaseException as failure:  # noqa: BLE001 - it is raised again in the scheduler's thread
            self.failure = failure
        finally:
            self.ended = True
            self._yielded.release()


def current() -> SimulatedThread | None:
    """Return whose thread this is."""
    return getattr(_CURRENT, "thread", None)


class Scheduler:
    """A simulated clock with the threads that run by it."""

    def __init__(self, begins: datetime, *, wall_clock: bool = False) -> None:
        """Start the clock at `begins`.

        Args:
            begins: the simulated time of the start, aware.
            wall_clock: run no faster than real time.

        """
        self.begins = begins
        self.now = 0.0
        """Seconds since the start."""
        self.threads: list[SimulatedThread] = []
        self.on_time_passed: Callable[[float], object] = lambda _now: None
        """Called whenever time has gone on, in the scheduler's thread."""
        self.before_leap: Callable[[], None] = lambda: None
        """Called before time leaps by more than `LEAP_SECONDS`, in the scheduler's thread."""
        self.on_thread_rested: Callable[[], None] = lambda: None
        """Called whenever a post has come to rest in `run`, in the scheduler's thread."""
        self._real = time.monotonic() if wall_clock else None

    def __repr__(self) -> str:
        return f"<Scheduler at {self.utc():%Y-%m-%d %H:%M:%S}, {len(self.threads)} threads>"

    def monotonic(self) -> float:
        """Return the monotonic clock in seconds."""
        return _MONOTONIC_START + self.now

    def wall(self) -> float:
        """Return the simulated time, seconds since 1970."""
        return self.begins.timestamp() + self.now

    def utc(self) -> datetime:
        """Return the simulated time."""
        return self.begins.astimezone(UTC) + timedelta(seconds=self.now)

    def add_thread(self, name: str, work: Callable[[SimulatedThread], None]) -> SimulatedThread:
        """Add a thread that is due now."""
        thread = SimulatedThread(self, name, work)
        self.threads.append(thread)
        return thread

    def run(self, events: Sequence[EventT], *, until: float, perform: Callable[[EventT], None]) -> None:
        """Run until `until`. At one moment events come before threads; an event at or after `until` is not performed.

        Raises:
            StuckError: a post did not come to rest.
            ScenarioError: a post failed.

        """
        agenda = sorted(events, key=lambda event: event.at)
        while True:
            running = [thread for thread in self.threads if not thread.ended]
            next_thread = min(running, key=lambda thread: thread.due, default=None)
            event_at = agenda[0].at if agenda else until
            if agenda and (next_thread is None or event_at <= next_thread.due) and event_at < until:
                self._advance_to(event_at)
                perform(agenda.pop(0))
                self.wake_all()
            elif next_thread is not None and next_thread.due < until:
                self._advance_to(next_thread.due)
                next_thread.run_until_it_sleeps()
                self.on_thread_rested()
            else:
                break
        self._advance_to(until)

    def wake_all(self) -> None:
        """Make every thread due soon."""
        for thread in self.threads:
            thread.due = min(thread.due, self.now + WAKE_DELAY_SECONDS)

    def finish(self, thread: SimulatedThread) -> None:
        """Let one thread go on alone until it is over; time passes as it sleeps.

        Raises:
            StuckError: it is not over after many turns.
            ScenarioError: it failed.

        """
        for _ in range(_MAX_TURNS):
            if thread.ended:
                return
            self._advance_to(max(self.now, thread.due))
            thread.run_until_it_sleeps()
        raise StuckError(f"{thread.name} does not end")

    def close(self) -> None:
        """End everyone who is still there."""
        for thread in self.threads:
            thread.abandon()

    def _advance_to(self, moment: float) -> None:
        check()
        if moment - self.now > LEAP_SECONDS:
            self.before_leap()
        if self._real is not None:
            sleep(max(0.0, self._real + moment - time.monotonic()))
        self.now = max(self.now, moment)
        self.on_time_passed(self.now)
