"""How old the list in force is, as a state that the post shows and every hit carries."""

from datetime import datetime, timedelta
from enum import StrEnum

from device.hotlist.settings import HotListSettings

# A list from the future means a clock that is behind. Beyond what clocks differ by, its age cannot be told.
CLOCK_TOLERANCE = timedelta(minutes=5)


class Freshness(StrEnum):
    """The state of the list in force."""

    NONE = "none"
    CURRENT = "current"
    WARNING = "warning"
    STALE = "stale"


def freshness(
    built: datetime | None, settings: HotListSettings, *, at: datetime, expires: datetime | None = None
) -> Freshness:
    """Judge a list's age at a moment.

    A list past the issuer's own `expires` is stale however young. One built after `at` by more than clocks differ
    warns: the post's clock is behind, and the age is not known.
    """
    if built is None:
        return Freshness.NONE
    if at - built > timedelta(hours=settings.stale_hours) or (expires is not None and at >= expires):
        return Freshness.STALE
    if at - built > timedelta(hours=settings.warning_hours) or built - at > CLOCK_TOLERANCE:
        return Freshness.WARNING
    return Freshness.CURRENT
