"""How tables are emptied between tests: row by row, and those that hold nothing are let alone.

To truncate a hundred partitions and their indexes takes a fifth of a second of a core, however empty they are.
"""

from functools import cache

import psycopg
from django.db import connection, transaction
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


@cache
def _of_django() -> tuple[str, ...]:
    return tuple(connection.introspection.django_table_names(only_existing=True, include_views=False))


def empty_django(_: object) -> None:
    """Empty Django's tables after a test that commits, on the connection of a superuser in another role.

    What migrations fill, which Django's own `flush` would write again, is no table of Django's; all that tests change
    of it is for how long the ledger keeps bodies.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        empty(cursor.cursor, *_of_django())
        cursor.execute("UPDATE ledger_class SET least = '366 days' WHERE least <> '366 days'")


def empty_custody(superuser: psycopg.Connection) -> None:
    """Delete all that was kept, and the alerts that came of it."""
    parted = superuser.execute("SELECT table_name::text FROM custody_parted").fetchall()
    bookkeeping = ("custody_holding", "custody_tally", "custody_constants", "custody_unnamed_object")
    empty(superuser, "alerts_step", "alerts_alert", *bookkeeping, *(name for (name,) in parted))


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
