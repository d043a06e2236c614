"""How many of the vehicles that a person counted the post has read, and how sure that figure is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

REACH_SECONDS = 3.0
"""How far a person's keystroke may be from the moments in which the post saw the vehicle."""
Z_95 = 1.959964
"""Quantile of the normal distribution for 95 %."""


@dataclass(frozen=True, slots=True)
class Span:
    """When the post saw a vehicle that it read: seconds of any one clock."""

    first: float
    last: float


@dataclass(frozen=True, slots=True)
class ManualCount:
    """A person's count beside the post's."""

    vehicles: int
    """That the person counted."""
    read: int
    """Of these, that the post read."""
    unseen: int
    """That the post read and the person did not count."""

    @property
    def share(self) -> float:
        """Share of the counted vehicles that was read, 0 to 1."""
        return self.read / self.vehicles if self.vehicles else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that share."""
        return wilson(self.read, self.vehicles)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval in which a share lies, 0 to 1, after so many successes in so many trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); for
    small numbers and shares near 1 Brown, Cai and DasGupta, "Interval estimation for a binomial proportion",
    Statistical Science 16 (2001), recommend it over the textbook's. Without a trial nothing is known: 0 to 1.
    """
    if trials <= 0:
        return 0.0, 1.0
    share, z = successes / trials, Z_95
    weight = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def is_enough(read: int, vehicles: int, least_share: float) -> bool:
    """Say whether so many read of so many vehicles show `least_share` of them, by the lower end of the interval."""
    return vehicles > 0 and wilson(read, vehicles)[0] >= least_share


def least_read(vehicles: int, least_share: float) -> int | None:
    """Return how many of so many vehicles must be read for that to be enough; None if even all are too few."""
    return next((read for read in range(vehicles + 1) if is_enough(read, vehicles, least_share)), None)


def compare(taps: Sequence[float], seen: Sequence[Span]) -> ManualCount:
    """Match each keystroke with at most one read, the one whose end is nearest, in the order of time."""
    free = sorted(seen, key=lambda span: span.last)
    read = 0
    for tap in sorted(taps):
        near = [span for span in free if span.first - REACH_SECONDS <= tap <= span.last + REACH_SECONDS]
        if near:
            # The earliest to end: a later one may still be another keystroke's.
            free.remove(near[0])
            read += 1
    # What was seen before the first keystroke or after the last is not the person's to have counted.
    begin, end = (min(taps) - REACH_SECONDS, max(taps) + REACH_SECONDS) if taps else (0.0, 0.0)
    unseen = sum(1 for span in free if taps and span.first >= begin and span.last <= end)
    return ManualCount(len(taps), read, unseen)
