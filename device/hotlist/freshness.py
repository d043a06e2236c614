"""How old the list in force is, as a state that the post shows and every hit carries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

# Federal extracts are refreshed twice a day: one missed refresh warns, two are stale.
WARNING_AGE = timedelta(hours=13)
STALE_AGE = timedelta(hours=24)

# A list from the future means a clock that is behind. Beyond what clocks differ by, its age cannot be told.
CLOCK_TOLERANCE = timedelta(minutes=5)


class Freshness(StrEnum):
    """The state of the list in force."""

    NONE = "none"
    CURRENT = "current"
    WARNING = "warning"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class FreshnessLimits:
    """The ages past which a list warns and is stale."""

    warning: timedelta = WARNING_AGE
    stale: timedelta = STALE_AGE

    def __post_init__(self) -> None:
        if not timedelta(0) < self.warning <= self.stale:
            raise ValueError("a list warns before it is stale, and both take time")


def age(built: datetime, *, at: datetime) -> timedelta:
    """Return how long ago a list was built; never negative."""
    return max(at - built, timedelta(0))


def freshness(
    built: datetime | None,
    *,
    at: datetime | None = None,
    expires: datetime | None = None,
    limits: FreshnessLimits | None = None,
) -> Freshness:
    """Judge a list's age at a moment (now, if none is given).

    A list past the issuer's own `expires` is stale however young. One built after `at` by more than clocks differ
    warns: the post's clock is behind, and the age is not known.
    """
    if built is None:
        return Freshness.NONE
    at = at or datetime.now(UTC)
    limits = limits or FreshnessLimits()
    if at - built > limits.stale or (expires is not None and at >= expires):
        return Freshness.STALE
    if at - built > limits.warning or built - at > CLOCK_TOLERANCE:
        return Freshness.WARNING
    return Freshness.CURRENT
