"""Simulated time, and whose turn it is.

Posts run in threads of their own, but one at a time: each gives its turn back whenever it waits, and says until when.
The world goes from one such moment, or event, to the next, so that a scenario takes the same course every time, and as
long as its work takes. Time stands still until other threads (the uplink) have done their work.
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
AWAKE_SECONDS = 0.25
"""How soon after an event every post looks about itself, as it does in the field: its tick."""
LEAP_SECONDS = 5.0
_TURNS_MOST = 10_000
_STEADY_BEGINS = 1000.0
"""The steady clock is never zero: the machine has run for a while."""


class Leave(BaseException):
    """Raised in a thread whose scenario was given up; nothing but its end handles it."""


class Timed(Protocol):
    """Something that happens at a moment."""

    @property
    def at(self) -> float:
        """Seconds since the start."""
        ...


EventT = TypeVar("EventT", bound=Timed)


class SimulatedThread:
    """One thread of the world. `work` runs in it and calls `sleep`."""

    def __init__(self, world: "World", name: str, work: Callable[["SimulatedThread"], None]) -> None:
        self.name = name
        self.due = world.now
        self.over = False
        self.failure: BaseException | None = None
        self._world = world
        self._work = work
        self._abandoned = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<SimulatedThread {self.name} {'over' if self.over else f'due at {self.due:.2f} s'}>"

    def sleep(self, seconds: float) -> None:
        """Give the turn back for so many simulated seconds, or until an event; only from the thread itself."""
        self.due = self._world.now + max(0.0, seconds)
        self._back.release()
        self._go.acquire()
        if self._abandoned:
            raise Leave

    def turn(self) -> None:
        """Let it go on until it sleeps again or ends; only from the world's thread.

        Raises:
            StuckError: it does neither.
            ScenarioError: it failed; the cause is what it raised.

        """
        if self.over:
            return
        self._go.release()
        if not self._back.acquire(timeout=TURN_SECONDS):
            raise StuckError(f"{self.name} did not come to rest within {TURN_SECONDS:.0f} s")
        if self.failure is not None:
            raise ScenarioError(f"{self.name} failed: {self.failure}") from self.failure

    def abandon(self) -> None:
        """End its thread, wherever it is."""
        self._abandoned = True
        if not self.over:
            self._go.release()
            self._thread.join(TURN_SECONDS)

    def _run(self) -> None:
        _CURRENT.thread = self
        self._go.acquire()
        try:
            if not self._abandoned:
                self._work(self)
        except Leave:
            pass
        except BaseException as failure:  # noqa: BLE001 - it is raised again in the world's thread
            self.failure = failure
        finally:
            self.over = True
            self._back.release()


_CURRENT = threading.local()


def current() -> SimulatedThread | None:
    """Return whose thread this is."""
    return getattr(_CURRENT, "thread", None)


class World:
    """One simulated time with all who live in it."""

    def __init__(self, begins: datetime, *, wall_clock: bool = False) -> None:
        """Stand at the beginning.

        Args:
            begins: the simulated time of the start, aware.
            wall_clock: let no simulated second be shorter than a real one.

        """
        self.begins = begins
        self.now = 0.0
        """Seconds since the start."""
        self.threads: list[SimulatedThread] = []
        self.passed: Callable[[float], object] = lambda _now: None
        """Called whenever time has gone on, in the world's thread."""
        self.leaping: Callable[[], None] = lambda: None
        """Called before time leaps by more than `LEAP_SECONDS`, in the world's thread."""
        self.rested: Callable[[], None] = lambda: None
        """Called whenever a post has come to rest in `live`, in the world's thread."""
        self._real = time.monotonic() if wall_clock else None

    def __repr__(self) -> str:
        return f"<World at {self.utc():%Y-%m-%d %H:%M:%S}, {len(self.threads)} threads>"

    def steady(self) -> float:
        """Return the clock that is never set, seconds."""
        return _STEADY_BEGINS + self.now

    def wall(self) -> float:
        """Return the true time, seconds since 1970."""
        return self.begins.timestamp() + self.now

    def utc(self) -> datetime:
        """Return the true time."""
        return self.begins.astimezone(UTC) + timedelta(seconds=self.now)

    def enter(self, name: str, work: Callable[[SimulatedThread], None]) -> SimulatedThread:
        """Take in a thread; its first turn comes now."""
        thread = SimulatedThread(self, name, work)
        self.threads.append(thread)
        return thread

    def live(self, events: Sequence[EventT], *, until: float, perform: Callable[[EventT], None]) -> None:
        """Let time pass until `until`, with every event at its moment, before the posts' own turns at the same one.

        Raises:
            StuckError: a post did not come to rest.
            ScenarioError: a post failed.

        """
        agenda = sorted(events, key=lambda event: event.at)
        while True:
            living = [thread for thread in self.threads if not thread.over]
            following = min(living, key=lambda thread: thread.due, default=None)
            event = agenda[0].at if agenda else until
            if agenda and (following is None or event <= following.due) and event < until:
                self._go_on(event)
                perform(agenda.pop(0))
                self.awaken()
            elif following is not None and following.due < until:
                self._go_on(following.due)
                following.turn()
                self.rested()
            else:
                break
        self._go_on(until)

    def awaken(self) -> None:
        """Have everyone look about soon."""
        for thread in self.threads:
            thread.due = min(thread.due, self.now + AWAKE_SECONDS)

    def finish(self, thread: SimulatedThread) -> None:
        """Let one thread go on alone until it is over; time passes as it sleeps.

        Raises:
            StuckError: it is not over after many turns.
            ScenarioError: it failed.

        """
        for _ in range(_TURNS_MOST):
            if thread.over:
                return
            self._go_on(max(self.now, thread.due))
            thread.turn()
        raise StuckError(f"{thread.name} does not end")

    def close(self) -> None:
        """End everyone who is still there."""
        for thread in self.threads:
            thread.abandon()

    def _go_on(self, moment: float) -> None:
        check()
        if moment - self.now > LEAP_SECONDS:
            self.leaping()
        if self._real is not None:
            sleep(max(0.0, self._real + moment - time.monotonic()))
        self.now = max(self.now, moment)
        self.passed(self.now)
