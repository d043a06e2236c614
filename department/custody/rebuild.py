"""Rebuilds all that people see of records from the verbatim records, and compares it with what is there.

It works in steps, each in one snapshot, beside a keeper that goes on. Nothing is locked: only rows that differ are
deleted and inserted.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql

from platepost.department.custody.projected import Place, found_rows, placed
from platepost.department.custody.projections import PROJECTIONS, Projection, Row, project
from platepost.department.custody.record import RecordRow, tally_type
from platepost.department.custody.sorting import DUPLICATE
from platepost.wire.records.envelope import EVENTS, read_event

DAMAGED_SHOWN = 100
"""Ids of damaged records that a report names at most."""
STEP = 1000
"""Records that are projected at once."""
_LAST = 2**63 - 1


@dataclass(slots=True)
class RebuildOutcome:
    """What came of it."""

    records: int = 0
    """Genuine records that were projected."""
    rows: int = 0
    """Rows that they make."""
    missing: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Rows that were not there, or were others, by table."""
    extra: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Rows that no record produces, by table."""
    damaged: list[int] = field(default_factory=list)
    """Ids of genuine records that can no longer be read."""

    @property
    def identical(self) -> bool:
        """Whether all was as the records make it."""
        return not (self.missing or self.extra or self.damaged)


def rebuild(
    connection: psycopg.Connection[Any],
    *,
    repair: bool = True,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> RebuildOutcome:
    """Project every genuine record again.

    Args:
        connection: the owner's, autocommit.
        repair: correct the tables; otherwise only compare.
        progress: told how many of how many ids are done.

    Raises:
        psycopg.Error: the database refuses.

    """
    outcome = RebuildOutcome()
    ((last,),) = connection.execute("SELECT coalesce(max(id), 0) FROM custody_record")
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    after, end = -_LAST, 0  # no record has such an id, but a row that someone planted may
    while end < _LAST:
        with connection.transaction():
            select = "SELECT * FROM custody_judged WHERE id > %s ORDER BY id LIMIT %s"
            records = [RecordRow(*row) for row in connection.execute(select, [after, STEP])]
            end = records[-1].id if len(records) == STEP else _LAST
            expected = _projected([stored for stored in records if stored.verdict == "genuine"], outcome)
            for projection in PROJECTIONS:
                actual = found_rows(connection, projection, after=after, end=end)
                _compare(connection, projection, actual, expected[projection], done=outcome, repair=repair)
        after = end
        progress(min(end, last), last)
    with connection.transaction():
        _compare_tally(connection, outcome, repair=repair)
    return outcome


def _projected(genuine: list[RecordRow], done: RebuildOutcome) -> dict[Projection, dict[Place, Row]]:
    expected: dict[Projection, dict[Place, Row]] = {projection: {} for projection in PROJECTIONS}
    for stored in genuine:
        try:
            event = read_event(stored.restored().event or {})
        except Exception:  # noqa: BLE001 - whatever someone has put there
            done.damaged += [stored.id] if len(done.damaged) < DAMAGED_SHOWN else []
            continue
        done.records += 1
        for projection, row in project(event):
            expected[projection][stored.where] = placed(stored, row)
            done.rows += 1
    return expected


def _compare(
    connection: psycopg.Connection[Any],
    projection: Projection,
    actual: dict[Place, Row],
    expected: dict[Place, Row],
    *,
    done: RebuildOutcome,
    repair: bool,
) -> None:
    """Compare the existing rows with those that the records make, and replace them."""
    missing = [row for place, row in expected.items() if actual.get(place) != row]
    extra = [place for place, row in actual.items() if expected.get(place) != row]
    for rows, counts in ((missing, done.missing), (extra, done.extra)):
        if rows:
            counts[projection.table] += len(rows)
    if repair:
        table, columns = (
            sql.Identifier(projection.table),
            sql.SQL(", ").join(map(sql.Identifier, projection.all_columns)),
        )
        where = "DELETE FROM {} WHERE record_id = %s AND class = %s AND retained_from = %s"
        values = sql.SQL(", ").join(sql.Placeholder() * len(projection.all_columns))
        with connection.cursor() as cursor:
            cursor.executemany(sql.SQL(where).format(table), extra)
            cursor.executemany(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, columns, values), missing)


def _compare_tally(connection: psycopg.Connection[Any], done: RebuildOutcome, *, repair: bool) -> None:
    """Count the records again, with those that were purged. How often a record came again, only the keeper knew."""
    connection.execute(
        "CREATE TEMPORARY TABLE fresh_tally ON COMMIT DROP AS"
        " SELECT post, day, CASE WHEN type = ANY (%s) THEN type ELSE %s END AS type, verdict, covert_group,"
        " sum(count)::bigint AS count, max(last_kept_at) AS last_kept_at FROM ("
        "SELECT post, (kept_at AT TIME ZONE 'UTC')::date AS day, type, verdict, covert_group, count(*) AS count,"
        " max(kept_at) AS last_kept_at FROM custody_judged GROUP BY 1, 2, 3, 4, 5"
        " UNION ALL TABLE custody_purged_tally) counted GROUP BY 1, 2, 3, 4, 5",
        [list(EVENTS), tally_type("")],
    )
    counted = "post, day, type, verdict, covert_group, count"
    there = f"SELECT {counted} FROM custody_tally WHERE verdict <> '{DUPLICATE}' AND count <> 0"
    fresh = f"SELECT {counted} FROM fresh_tally"
    for one, other, differences in ((fresh, there, done.missing), (there, fresh, done.extra)):
        count = connection.execute(f"SELECT count(*) FROM ({one} EXCEPT {other}) d").fetchone()
        if count and count[0]:
            differences["custody_tally"] += count[0]
    if repair and ("custody_tally" in done.missing or "custody_tally" in done.extra):
        connection.execute("DELETE FROM custody_tally WHERE verdict <> %s", [DUPLICATE])
        connection.execute("INSERT INTO custody_tally TABLE fresh_tally")
