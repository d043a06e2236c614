"""What comes and goes again and again, as a loose contact does: believed at once, and gone only when it stays away.

Whatever a post notices costs records, and those of the audit trail and the status are never given up for lack of space:
a switch that rattles would fill the outbox with itself. So what comes often must stay away for a while to be gone, and
twice as long with each time more. Nothing comes more than 13 times in any hour, nor more than some 9 for long,
however it flaps; and nothing is ever told late, or named longer than `LONGEST_REST_SECONDS` after it went for good.
"""

from collections import deque
from collections.abc import Collection, Hashable
from threading import Lock
from typing import Generic, TypeVar

MOST = 5
"""Comings within a window from which on something comes too often."""
WINDOW_SECONDS = 3600.0
REST_SECONDS = 60.0
"""How long what comes too often must stay away to be gone: so long at first, twice as long for each coming more."""
LONGEST_REST_SECONDS = 600.0

_REMEMBERED = 16
"""Comings that are remembered; there are fewer in a window."""

Name = TypeVar("Name", bound=Hashable)


class FlapDamper:
    """One thing that comes and goes. One thread at a time."""

    def __init__(self) -> None:
        self.present = False
        """Whether it counts as there."""
        self._there = False
        self._went = 0.0
        self._came: deque[float] = deque(maxlen=_REMEMBERED)

    def update(self, *, there: bool, now: float) -> bool:
        """Take in whether it is there at `now` seconds; return whether it came again, and was thought there anyway."""
        appeared = there and not self._there
        again = appeared and self.present
        if appeared and not again:
            self._came.append(now)
        if self._there and not there:
            self._went = now
        self._there = there
        self.present = there or (self.present and now - self._went < self._rest(now))
        return again

    def _rest(self, now: float) -> float:
        """Return how long it must stay away to be gone."""
        often = self._comings(now) - MOST
        return 0.0 if often < 0 else min(LONGEST_REST_SECONDS, REST_SECONDS * 2.0**often)

    def at_rest(self, now: float) -> bool:
        """Tell whether it has been gone for so long that it can be forgotten."""
        return not self.present and not self._comings(now)

    def _comings(self, now: float) -> int:
        return sum(now - appeared < WINDOW_SECONDS for appeared in self._came)


class FlapDampers(Generic[Name]):
    """Things that come and go, each by its name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._things: dict[Name, FlapDamper] = {}
        self._lock = Lock()

    def settle(self, there: Collection[Name], *, now: float) -> set[Name]:
        """Take in what is present at `now` seconds; return what counts as present: also what went only a moment ago."""
        with self._lock:
            for name in there:
                self._things.setdefault(name, FlapDamper())
            for name, thing in self._things.items():
                thing.update(there=name in there, now=now)
            self._things = {name: thing for name, thing in self._things.items() if not thing.at_rest(now)}
            return {name for name, thing in self._things.items() if thing.present}
