"""Figures as they are printed beside their limits: one that is bad never reads as its limit does."""

from math import ceil, floor


def at_least(value: float, limit: float, *, digits: int = 0) -> str:
    """Return a figure that should be no less than a limit; a little less is rounded down."""
    shown = round(value, digits)
    return f"{_down(value, digits) if value < limit <= shown else shown:.{digits}f}"


def at_most(value: float, limit: float, *, digits: int = 0) -> str:
    """Return a figure that should be no more than a limit, which `limit_below` prints; a little more is rounded up."""
    shown, printed = round(value, digits), _down(limit, digits)
    if value > limit and shown <= printed:
        shown = ceil(value * 10.0**digits) / 10.0**digits
    elif value <= limit:
        shown = min(shown, printed)
    return f"{shown:.{digits}f}"


def limit_below(limit: float, *, digits: int) -> str:
    """Return a limit that should not be passed, rounded down."""
    return f"{_down(limit, digits):.{digits}f}"


def _down(value: float, digits: int) -> float:
    return floor(round(value * 10.0**digits, 6)) / 10.0**digits
