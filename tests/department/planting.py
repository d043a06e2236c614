"""Puts rows into the database that no program makes: what people see, without a record.

The database refuses such rows, to everybody. Tests of searches, pages and purges need reads by the thousand, and no
post to sign them; tests of `verify` do what whoever administers the database can.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.backends.utils import CursorWrapper

_TRIGGERS = """
SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgname IN ('custody_recorded', 'alerts_recorded') AND NOT relispartition
"""

RECORD = """
INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict, reason, names, codec,
    body)
VALUES (nextval('custody_record_id'), %s, %s, now(), '', %s, sha256(''), %s, 'genuine', '', false, 0, '')
"""
"""A record without content, by its class, time, post and type: its id is `currval('custody_record_id')`."""


@contextmanager
def planting(superuser: psycopg.Connection | psycopg.Cursor | CursorWrapper) -> Iterator[None]:
    """Have the database take rows without their record, in a session that may be in the role of another."""
    cursor = superuser.cursor() if isinstance(superuser, psycopg.Connection) else superuser
    cursor.execute("SELECT current_user::text")
    ((role,),) = cursor.fetchall()
    _set(cursor, role, "DISABLE")
    yield
    _set(cursor, role, "ENABLE ALWAYS")


def _set(cursor: psycopg.Cursor | CursorWrapper, role: str, verb: str) -> None:
    cursor.execute("SET ROLE NONE")
    cursor.execute(_TRIGGERS)
    cursor.execute("; ".join(f"ALTER TABLE {table} {verb} TRIGGER {name}" for table, name in cursor.fetchall()))
    cursor.execute("SELECT session_user::text")
    ((user,),) = cursor.fetchall()
    if role != user:
        cursor.execute(f"SET ROLE {role}")
