"""Whether anyone can be the second person for a look-alike: by the register now, by night as the last week shows."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from platepost.department.database.queries import rows
from platepost.department.people.authorization import authorizations
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Permission
from platepost.department.policy.policy import policy_in_force

_ALONE = """
SELECT DISTINCT extract(hour FROM slot AT TIME ZONE %s)::int
FROM generate_series(
    date_trunc('hour', %s::timestamptz) - interval '7 days', %s::timestamptz, interval '1 hour'
) AS slot
WHERE (
    SELECT count(DISTINCT person) FROM (
        SELECT person FROM alerts_acknowledgment WHERE at > slot - interval '12 hours' AND at < slot + interval '1 hour'
        UNION ALL
        SELECT person FROM alerts_step
        WHERE at >= slot AND at < slot + interval '1 hour' AND person IS NOT NULL AND covert_group IS NULL
    ) AS present
) = 1 ORDER BY 1
"""
"""Hours of the day, in a time zone, in which one person alone had begun a shift or acted on hits."""


@dataclass(frozen=True, slots=True)
class SecondPersonGaps:
    """Where a look-alike waits, because no one is there who could compare it for themselves."""

    able: int
    """People who may answer hits now."""
    alone: tuple[int, ...]
    """Hours of the day, 0 to 23 in the department's time, in which one person was alone within the last seven days."""

    @property
    def hours(self) -> str:
        """`alone` for people: `01:00 to 05:00`."""
        spans: list[list[int]] = []
        for hour in self.alone:
            if spans and spans[-1][1] == hour:
                spans[-1][1] = hour + 1
            else:
                spans.append([hour, hour + 1])
        return ", ".join(f"{begin:02}:00 to {end:02}:00" for begin, end in spans)


def second_person_gaps(at: datetime | None = None) -> SecondPersonGaps | None:
    """Return where a second person is lacking; None where the policy states a substitute, or no one is."""
    if policy_in_force().alerts.second_person_substitute:
        return None
    at = at or datetime.now(UTC)
    people = authorizations(DepartmentPerson.objects.filter(disabled_at=None))
    able = sum(person.may(Permission.ANSWER_HITS) for person in people)
    alone = tuple(hour for (hour,) in rows(_ALONE, [settings.TIME_ZONE, at, at]))
    return SecondPersonGaps(able, alone) if able == 1 or alone else None
