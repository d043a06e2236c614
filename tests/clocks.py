"""A clock that goes on when a test says so."""

from platepost.device.clock.clock import Clock


class SteppedClock(Clock):
    """Steady and wall time that a test sets; it waits in real time."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def steady(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now
