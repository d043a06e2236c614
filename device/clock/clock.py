"""The one source of steady time, wall time and waiting: on a post the machine's, in a scenario the scenario's."""

import time
from datetime import UTC, datetime
from threading import Event


class Clock:
    """The machine's own clocks; a simulator overrides all four methods."""

    def steady(self) -> float:
        """Return the seconds of a clock that is never set."""
        return time.monotonic()

    def wall(self) -> float:
        """Return the seconds since 1970 by the clock that may be wrong and may be set."""
        return time.time()

    def utc(self) -> datetime:
        """Return the same as a time of day, UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)

    def event(self) -> Event:
        """Return an event whose `wait` takes time of this clock."""
        return Event()


SYSTEM = Clock()
"""What everything goes by that is given no other."""
