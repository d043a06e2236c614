"""Which list each post has and how old it is, as the posts reported last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from platepost.department.database.queries import rows

SILENT = timedelta(minutes=30)
"""A post that said nothing for so long says nothing about its list."""
_LAST_REPORTS = """
SELECT DISTINCT ON (post) post, at, state, reasons, list_version, list_age FROM custody_status
WHERE covert_group IS NULL AND class = 'log' AND retained_from > %s - interval '31 days'
AND post NOT IN (SELECT gone.post FROM custody_decommissioned() AS gone) ORDER BY post, at DESC
"""


@dataclass(frozen=True, slots=True)
class PostReport:
    """What a post reported last."""

    post: str
    at: datetime
    state: str
    faults: tuple[str, ...]
    list_version: int | None
    """None: it has no list."""
    list_age: timedelta | None
    """How old its list is now."""
    is_behind: bool
    """Whether another post has a newer list, or this one has none."""
    is_silent: bool

    @property
    def faults_in_words(self) -> list[str]:
        """Name its faults for people."""
        return [fault.replace("_", " ").replace("synchronised", "synchronized") for fault in self.faults]

    @property
    def age(self) -> str:
        """How old its list is now, for people."""
        return "unknown" if self.list_age is None else span(self.list_age)


def span(given: timedelta) -> str:
    """Return a span in hours and minutes, for people."""
    minutes = int(given.total_seconds() // 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else "less than a minute"


def post_reports(at: datetime) -> tuple[PostReport, ...]:
    """Return what each post that is in use reported last, by post."""
    reports = rows(_LAST_REPORTS, [at])
    newest = max((version for *_, version, _ in reports if version is not None), default=None)
    return tuple(
        PostReport(
            post,
            reported_at,
            state,
            tuple(reasons),
            version,
            None if age is None else timedelta(seconds=round(age + max((at - reported_at).total_seconds(), 0))),
            is_behind=version is None or (newest is not None and version < newest),
            is_silent=at - reported_at > SILENT,
        )
        for post, reported_at, state, reasons, version, age in reports
    )
