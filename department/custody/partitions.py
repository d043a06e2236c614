"""Weekly partitions, made before they are needed: no write fails for want of one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import psycopg

AHEAD = timedelta(days=14)
"""How far ahead partitions are made of all tables. What a record needs beyond that is made when it comes."""


def week_of(moment: datetime) -> date:
    """Return the Monday, in UTC, of the week in which a moment lies."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


class Partitions:
    """Knows which weeks have their partitions.

    Args:
        connection: the keeper's, in no transaction: what is made stays, whatever becomes of the records.

    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._made: set[date] = set()

    def ensure(self, moments: Iterable[datetime], *, now: datetime) -> None:
        """Make the partitions of the weeks in which moments lie, and those ahead.

        Raises:
            psycopg.Error: the database refuses.

        """
        wanted = {week_of(moment) for moment in (*moments, now, now + AHEAD)}
        for week in sorted(wanted - self._made):
            self._connection.execute("SELECT custody_make_partitions(%s, %s)", [week, week])
            self._made.add(week)
