"""How tables are emptied between tests: row by row, and those that hold nothing are let alone.

To truncate a hundred partitions and their indexes takes a fifth of a second of a core, however empty they are.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import md5

import psycopg
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

# Whatever refers to a row, and whatever triggers say; those that are enabled always still fire.
_EMPTY = """
DO $$ DECLARE filled regclass; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR filled IN
        WITH RECURSIVE part AS (
            SELECT unnest({tables}::text[])::regclass::oid AS oid
            UNION SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = part.oid
        )
        SELECT oid FROM part JOIN pg_class USING (oid) WHERE relkind = 'r' AND pg_relation_size(oid) > 0
    LOOP
        EXECUTE 'DELETE FROM ' || filled;
    END LOOP;
END $$
"""
_TRIGGERS = (
    ("ledger_entry", "ledger_entry_is_final"),
    ("ledger_body", "ledger_body_is_final"),
    ("ledger_body", "ledger_body_ends_with_its_class"),
)


def empty(superuser: psycopg.Connection | psycopg.Cursor, *tables: str) -> None:
    """Delete all rows of tables and of their partitions, whatever forbids it. Sequences go on."""
    superuser.execute(sql.SQL(_EMPTY).format(tables=sql.Literal(list(tables))))


_TABLES = """
SELECT relname::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
_LEFT = {"ledger_entry", "ledger_body", "django_migrations"}
"""The ledger grows from test to test, as it does for everyone; who counts its entries empties it first."""


@cache
def filled_by_migrations() -> Mapping[str, str]:
    """Return the rows that migrations put into tables, as JSON by table; to be called before any test.

    Such rows Django's own `flush` would not write again.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(_TABLES)
        tables = [name for (name,) in cursor.fetchall() if name not in _LEFT]
        rows = _rows(cursor, tables, "coalesce(json_agg(it ORDER BY it::text), '[]')::text")
        _emptied.extend(name for name in tables if rows[name] == "[]")
        cursor.execute(_WEEKS)
        _first_weeks.extend(name for (name,) in cursor.fetchall())
    return {name: rows[name] for name in tables if rows[name] != "[]"}


_emptied: list[str] = []
_first_weeks: list[str] = []
_WEEKS = "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relkind = 'r'"


def drop_new_weeks() -> None:
    """Drop the partitions that tests have made: each costs every query that follows, which looks at all of them."""
    if not _first_weeks:  # no test has asked for the database
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(f"{_WEEKS} AND NOT inhrelid::regclass::text = ANY(%s)", [_first_weeks])
        if new := [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"DROP TABLE {', '.join(new)}")


def empty_all(_: object) -> None:
    """Have every table as migrations left it, on the connection of a superuser in another role.

    Not only Django's own: a row of any other would be there for the tests of other files.
    """
    filled = filled_by_migrations()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        empty(cursor.cursor, *_emptied)
        present = _rows(cursor, filled, "md5(coalesce(json_agg(it ORDER BY it::text), '[]')::text)")
        changed = [name for name, rows in filled.items() if present[name] != md5(rows.encode()).hexdigest()]  # noqa: S324 - the same as PostgreSQL's
        if changed:
            cursor.execute("SET LOCAL session_replication_role = replica")
        for name in changed:
            cursor.execute(f"DELETE FROM {name}")
            again = f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, %s)"
            cursor.execute(again, [filled[name]])


def _rows(cursor: CursorWrapper, tables: Iterable[str], text: str) -> dict[str, str]:
    each = (f"SELECT '{name}', {text} FROM {name} AS it" for name in tables)
    cursor.execute(" UNION ALL ".join(each))
    return dict(cursor.fetchall())


def empty_custody(superuser: psycopg.Connection) -> None:
    """Delete all that was kept, and the alerts that came of it."""
    parted = superuser.execute("SELECT table_name::text FROM custody_parted").fetchall()
    bookkeeping = ("custody_holding", "custody_tally", "custody_constants", "custody_unnamed_object")
    empty(superuser, "alerts_step", "alerts_alert", "custody_admission", *bookkeeping, *(name for (name,) in parted))


def empty_ledger(superuser: psycopg.Connection) -> None:
    """Delete all entries, which a superuser alone can."""
    if not superuser.execute("SELECT FROM ledger_entry UNION ALL SELECT FROM ledger_body LIMIT 1").fetchall():
        return
    empty(superuser, "federation_exchange")  # which refers to entries
    with superuser.transaction():
        for table, trigger in _TRIGGERS:
            superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        superuser.execute("DELETE FROM ledger_body")
        superuser.execute("DELETE FROM ledger_entry")
        for table, trigger in _TRIGGERS:
            superuser.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
