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

_OWN = """
    line.event IN ('intent', 'refused') AND line.at >= %s AND line.at < %s AND NOT EXISTS (
        SELECT FROM ledger_body AS asked WHERE asked.entry = line.entry
        AND asked.field = 'query' AND asked.value::jsonb ? 'console'
    )
"""
_PEOPLE = f"""
SELECT coalesce(person.value::json #>> '{{}}', 'erased'), count(*), count(*) FILTER (WHERE exigent.value = 'true'),
    count(*) FILTER (WHERE line.event = 'refused'), count(DISTINCT matter.value) FILTER (WHERE matter.value <> 'null')
FROM ledger_entry AS line
LEFT JOIN ledger_body AS person ON person.entry = line.entry AND person.field = 'person'
LEFT JOIN ledger_body AS exigent ON exigent.entry = line.entry AND exigent.field = 'exigent'
LEFT JOIN ledger_body AS matter ON matter.entry = line.entry AND matter.field = 'case'
WHERE {_OWN} GROUP BY 1 ORDER BY 2 DESC, 1
"""  # noqa: S608 - our own constants
_HOURS = f"""
SELECT extract(hour FROM line.at AT TIME ZONE %s)::int, count(*) FROM ledger_entry AS line WHERE {_OWN} GROUP BY 1
"""  # noqa: S608 - our own constants
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
    def busiest(self) -> int:
        """The most searches of one hour; 1 where there are none."""
        return max(self.hours) or 1


def month_dashboard(month: date, *, person: str, agency: str) -> MonthDashboard:
    """Count a month under entries of the ledger in the name of a person. Errors are those of `month_report`."""
    report = month_report(month, person=person, agency=agency)
    times = month_times(month)
    with auditing(person, agency, {"report": f"{month:%Y-%m}", "by": "person and hour"}) as log, reading(log) as cursor:
        cursor.execute(_PEOPLE, times)
        people = [PersonSearches(*row) for row in cursor.fetchall()]
        cursor.execute(_HOURS, [settings.TIME_ZONE, *times])
        hours = dict(cursor.fetchall())
    since, until = times
    outcomes = [(outcome, count) for outcome, count in rows(_OUTCOMES, times)]
    by_hour = [hours.get(hour, 0) for hour in range(24)]
    return MonthDashboard(report, people, by_hour, outcomes, hit_quality(since, until))
