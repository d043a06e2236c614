"""A month for an auditor: who searched, at which hours, what became of hits, and what was rejected where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from platepost.department.alerts.quality import HitQuality, hit_quality
from platepost.department.audits.log import auditing
from platepost.department.audits.reports import MonthReport, month_report, month_times
from platepost.department.database.queries import rows
from platepost.department.ledger.reading import reading

_OUTCOMES = """
SELECT coalesce(alert.outcome, alert.state), count(*) FROM alerts_alert AS alert
WHERE alert.covert_group IS NULL AND alert.captured_at >= %s AND alert.captured_at < %s GROUP BY 1 ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True, slots=True)
class PersonSearches:
    """The searches of one person in a month."""

    person: str
    """`erased` once the bodies are past their retention period."""
    searches: int
    exigent: int
    refused: int
    cases: int


@dataclass(frozen=True, slots=True)
class MonthDashboard:
    """A month for an auditor."""

    report: MonthReport
    people: Sequence[PersonSearches]
    hours: Sequence[int]
    """Searches by the hour of the day, 24 numbers, where the department is."""
    outcomes: Sequence[tuple[str, int]]
    """Hits by their outcome, or by their state where they have none yet; none of a covert group."""
    quality: HitQuality

    @property
    def by_hour(self) -> list[tuple[str, int]]:
        """Searches by the hour of the day in which they were made: `12 AM`, `1 PM`."""
        halves = ("AM", "PM")
        return [(f"{hour % 12 or 12} {halves[hour // 12]}", count) for hour, count in enumerate(self.hours)]

    @property
    def busiest(self) -> int:
        """The most searches of one hour; 1 where there are none."""
        return max(self.hours) or 1


def month_dashboard(month: date, *, person: str, agency: str) -> MonthDashboard:
    """Count a month under entries of the ledger in the name of a person. Errors are those of `month_report`."""
    report = month_report(month, person=person, agency=agency)
    times = month_times(month)
    with auditing(person, agency, {"report": f"{month:%Y-%m}", "by": "person and hour"}) as log, reading(log) as cursor:
        cursor.execute("SELECT * FROM audits_people(%s, %s)", times)
        people = [PersonSearches(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT * FROM audits_hours(%s, %s, %s)", [*times, settings.TIME_ZONE])
        hours = dict(cursor.fetchall())
    since, until = times
    outcomes = [(outcome, count) for outcome, count in rows(_OUTCOMES, times)]
    by_hour = [hours.get(hour, 0) for hour in range(24)]
    return MonthDashboard(report, people, by_hour, outcomes, hit_quality(since, until))
