"""How fast time passes in the street that the posts look at; may be changed while they look."""

import time
from collections.abc import Callable
from threading import Condition

SLOWEST, FASTEST = 0.25, 4.0


class Pace:
    """A clock of the street: seconds since it was made, at a factor of the wall clock's, or standing still."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = Condition()
        self._factor = 1.0
        self._paused = False
        self._seconds = 0.0
        self._at = clock()

    def set(self, *, factor: float, paused: bool) -> None:
        """Go on at `factor` of the wall clock's speed, or stand still.

        Raises:
            ValueError: the factor is not within 0.25 and 4.

        """
        if not SLOWEST <= factor <= FASTEST:
            raise ValueError(f"a pace of {factor:g} is not within {SLOWEST:g} and {FASTEST:g}")
        with self._changed:
            self._pass()
            self._factor, self._paused = factor, paused
            self._changed.notify_all()

    @property
    def paused(self) -> bool:
        """Whether the street stands still."""
        return self._paused

    @property
    def seconds(self) -> float:
        """What the clock of the street shows."""
        with self._changed:
            return self._pass()

    def wait_until(self, moment: float, *, timeout: float) -> bool:
        """Wait until the street's clock shows `moment`; return whether it did within `timeout` real seconds."""
        end = self._clock() + timeout
        with self._changed:
            while True:
                missing = moment - self._pass()
                if missing <= 0:
                    return True
                left = end - self._clock()
                if left <= 0:
                    return False
                self._changed.wait(left if self._paused else min(left, missing / self._factor))

    def _pass(self) -> float:
        now = self._clock()
        if not self._paused:
            self._seconds += (now - self._at) * self._factor
        self._at = now
        return self._seconds
