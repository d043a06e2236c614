"""Times as people give them, where the department is: twice a year an hour comes twice, or not at all."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo


class LocalMoment(NamedTuple):
    """A moment that someone gave as a local time."""

    at: datetime
    twice: bool = False
    """Whether the local time comes twice, as daylight saving time ends."""
    missing: bool = False
    """Whether there is no such local time, as daylight saving time begins."""


def local_moment(given: datetime, zone: ZoneInfo, *, ends: bool) -> LocalMoment:
    """Return the moment of a local time, as the begin or, with `ends`, the end of a span.

    Of a time that comes twice, a span begins with the first and ends with the second: the person means the whole of it.
    A time that is left out widens the span, too.

    Args:
        given: without a time zone.
        zone: the department's.
        ends: whether a span ends then.

    """
    both = [given.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    moments = sorted({moment.astimezone(UTC) for moment in both})
    at = moments[-1 if ends else 0].astimezone(zone)
    if len(moments) == 1:
        return LocalMoment(at)
    exists = moments[0].astimezone(zone).replace(tzinfo=None) == given.replace(fold=0)
    return LocalMoment(at, twice=exists, missing=not exists)
