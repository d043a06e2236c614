"""Makes all that people see of records anew from the verbatim records, and compares it with what is there.

It works week by week, each in one snapshot, beside a keeper that goes on. Nothing is locked: only rows that differ are
deleted and inserted.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from pydantic import ValidationError

from department.custody.codec import decode
from department.custody.errors import CustodyError
from department.custody.projections import PROJECTIONS, Row, project
from department.custody.record import tally_type
from department.custody.sorting import DUPLICATE
from department.custody.tables import JUDGED
from device.errors import RecordError
from device.records.canonical import parse
from device.records.envelope import EVENTS, read_event

DAMAGED_SHOWN = 100
"""Ids of damaged records that a report names at most."""
_AT_ONCE = 1000


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
    """Rows that no record makes, by table."""
    damaged: list[int] = field(default_factory=list)
    """Ids of genuine records that cannot be read any more."""

    @property
    def identical(self) -> bool:
        """Whether all was as the records make it."""
        return not (self.missing or self.extra or self.damaged)


def rebuild(
    connection: psycopg.Connection, *, mend: bool = True, progress: Callable[[str], object] = lambda _: None
) -> RebuildOutcome:
    """Project every genuine record again.

    Args:
        connection: the owner's, autocommit.
        mend: make the tables say what the records do; otherwise only compare.
        progress: told the name of each part of the records that was gone through.

    Raises:
        psycopg.Error: the database refuses.

    """
    done = RebuildOutcome()
    leaves = connection.execute(
        "SELECT relid::text FROM pg_partition_tree('custody_record') WHERE isleaf ORDER BY 1"
    ).fetchall()
    for (leaf,) in leaves:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _Part(connection, leaf.removeprefix("custody_record"), done).run(mend=mend)
        progress(leaf)
    with connection.transaction():
        _compare_tally(connection, done, mend=mend)
    return done


class _Part:
    """One leaf partition of the records, and the leaves of the projections beside it."""

    def __init__(self, connection: psycopg.Connection, suffix: str, done: RebuildOutcome) -> None:
        self._connection = connection
        self._suffix = suffix
        self._done = done
        leaves = ((each, each.table + suffix) for each in PROJECTIONS)
        # Not every table has every class.
        self._leaves = {each: leaf for each, leaf in leaves if self._exists(leaf)}

    def _exists(self, table: str) -> bool:
        return self._connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)

    def run(self, *, mend: bool) -> None:
        for projection in self._leaves:
            fresh = "CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP"
            self._execute(fresh, _fresh(projection.table), projection.table)
        self._project()
        for projection, leaf in self._leaves.items():
            self._compare(projection.table, leaf, mend=mend)

    def _project(self) -> None:
        genuine = sql.SQL(
            "SELECT r.id, r.class, r.retained_from, r.post, r.covert_group, r.codec, r.body FROM {} r WHERE "
            + JUDGED
            + " = 'genuine'"
        ).format(sql.Identifier("custody_record" + self._suffix))
        with self._connection.cursor(name="records") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(genuine)
            made: dict[str, list[Row]] = defaultdict(list)
            for *placed, codec, body in cursor:
                try:
                    event = read_event(parse(decode(codec, body)))
                except (RecordError, CustodyError, ValidationError):
                    self._done.damaged += placed[:1] if len(self._done.damaged) < DAMAGED_SHOWN else []
                    continue
                self._done.records += 1
                for projection, row in project(event):
                    made[projection.table].append((*placed, *row))
                if self._done.records % _AT_ONCE == 0:
                    self._copy(made)
            self._copy(made)

    def _copy(self, made: dict[str, list[Row]]) -> None:
        for table, rows in made.items():
            fresh = _fresh(table)
            described = self._execute("TABLE {} LIMIT 0", fresh).description or ()
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(fresh))
            with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.set_types([column.type_code for column in described])
                for row in rows:
                    copy.write_row(row)
            self._done.rows += len(rows)
        made.clear()

    def _compare(self, table: str, leaf: str, *, mend: bool) -> None:
        fresh = _fresh(table)
        for one, other, found in ((fresh, leaf, self._done.missing), (leaf, fresh, self._done.extra)):
            count = self._execute("SELECT count(*) FROM (TABLE {} EXCEPT TABLE {}) d", one, other).fetchone()
            if count and count[0]:
                found[table] += count[0]
        if mend and (self._done.missing.get(table) or self._done.extra.get(table)):
            other = "SELECT record_id FROM (TABLE {0} EXCEPT TABLE {1}) d"
            self._execute("DELETE FROM {0} WHERE record_id IN (" + other + ")", leaf, fresh)
            self._execute("INSERT INTO {0} (TABLE {1} EXCEPT TABLE {0})", leaf, fresh)

    def _execute(self, statement: str, *tables: str) -> psycopg.Cursor:
        return self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, tables)))


def _compare_tally(connection: psycopg.Connection, done: RebuildOutcome, *, mend: bool) -> None:
    """Count the records again. How often a record came again, only the keeper knew."""
    connection.execute(
        "CREATE TEMPORARY TABLE fresh_tally ON COMMIT DROP AS"
        " SELECT r.post, (r.kept_at AT TIME ZONE 'UTC')::date AS day,"
        f" CASE WHEN r.type = ANY (%s) THEN r.type ELSE %s END AS type, {JUDGED} AS verdict, r.covert_group,"
        " count(*) AS count, max(r.kept_at) AS last_kept_at FROM custody_record r GROUP BY 1, 2, 3, 4, 5",
        [list(EVENTS), tally_type("")],
    )
    counted = "post, day, type, verdict, covert_group, count"
    there = f"SELECT {counted} FROM custody_tally WHERE verdict <> '{DUPLICATE}' AND count <> 0"
    fresh = f"SELECT {counted} FROM fresh_tally"
    for one, other, found in ((fresh, there, done.missing), (there, fresh, done.extra)):
        count = connection.execute(f"SELECT count(*) FROM ({one} EXCEPT {other}) d").fetchone()
        if count and count[0]:
            found["custody_tally"] += count[0]
    if mend and ("custody_tally" in done.missing or "custody_tally" in done.extra):
        connection.execute("DELETE FROM custody_tally WHERE verdict <> %s", [DUPLICATE])
        connection.execute("INSERT INTO custody_tally TABLE fresh_tally")


def _fresh(table: str) -> str:
    return table.replace("custody_", "fresh_")
