"""How long to wait before the next attempt, so that a fleet does not come back all at once."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential back-off with full jitter: anything from 0 to a bound that doubles with each failure.

    Method: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, *, first: float, most: float, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self.failures = 0

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self.failures = 0

    def failed(self) -> float:
        """Count a failure and return how many seconds to wait."""
        bound = min(self._most, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return self._draw(0.0, bound)
