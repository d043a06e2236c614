"""What comes and goes again and again, as a loose contact does: believed at once, and gone only when it stays away.

Whatever a post notices costs records, and those of the audit trail and the status are never given up for want of room:
a switch that rattles would fill the outbox with itself.
"""

from collections import deque

MOST = 5
"""Comings within a window from which on something comes too often."""
WINDOW_SECONDS = 600.0
REST_SECONDS = 60.0
"""How long what comes too often must stay away to be gone."""


class Restless:
    """One thing that comes and goes. One thread at a time."""

    def __init__(self) -> None:
        self.present = False
        """Whether it counts as there."""
        self._there = False
        self._went = 0.0
        self._came: deque[float] = deque(maxlen=MOST)

    def see(self, *, there: bool, now: float) -> bool:
        """Take in whether it is there at `now` seconds; return whether it came again, and was thought there anyway."""
        came = there and not self._there
        if came:
            self._came.append(now)
        if self._there and not there:
            self._went = now
        self._there = there
        again = came and self.present
        often = len(self._came) == MOST and now - self._came[0] < WINDOW_SECONDS
        self.present = there or (self.present and often and now - self._went < REST_SECONDS)
        return again
