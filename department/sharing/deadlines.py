"""The deadlines of requests as a calendar: weeks of days, each with what is due on it."""

from calendar import SUNDAY, Calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from platepost.department.sharing.models import SharingRequest
from platepost.department.sharing.publication import month_after


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day, with the requests that are due on it."""

    day: date
    due: Sequence[SharingRequest]


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    """A month by weeks, Sunday first; days of other months are None."""

    first: date
    weeks: Sequence[Sequence[CalendarDay | None]]


def deadline_months(requests: Iterable[SharingRequest], today: date) -> list[CalendarMonth]:
    """Return this month and the next; what is late is in neither if it was due before this month."""
    due: dict[date, list[SharingRequest]] = defaultdict(list)
    for request in requests:
        due[request.due_on].append(request)
    this = today.replace(day=1)
    return [_month(first, due) for first in (this, month_after(this))]


def _month(first: date, due: dict[date, list[SharingRequest]]) -> CalendarMonth:
    weeks = Calendar(SUNDAY).monthdatescalendar(first.year, first.month)
    return CalendarMonth(
        first,
        [[CalendarDay(day, due.get(day, ())) if day.month == first.month else None for day in week] for week in weeks],
    )
