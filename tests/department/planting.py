"""Puts rows into the database that no program makes: what people see, without a record.

The database refuses such rows, to everyone. Tests of searches, pages and purges need reads by the thousand, and no
post to sign them; tests of `verify` do what whoever administers the database can.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from django.db import DatabaseError
from django.db.backends.utils import CursorWrapper

_FUNCTIONS = ("custody_recorded", "alerts_recorded")
_REFUSES_NOTHING = "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"

RECORD = """
INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict, reason, names, codec,
    body)
VALUES (nextval('custody_record_id'), %s, %s, now(), '', %s, sha256(''), %s, 'genuine', '', false, 0, '')
"""
"""A record without content, by its class, time, post and type: its id is `currval('custody_record_id')`."""


@contextmanager
def planting(superuser: psycopg.Connection | psycopg.Cursor | CursorWrapper) -> Iterator[None]:
    """Have the database take rows without their record, in a session that may be in the role of another.

    What the triggers call is replaced: to disable a trigger disables that of each partition.
    """
    cursor = superuser.cursor() if isinstance(superuser, psycopg.Connection) else superuser
    cursor.execute("SELECT current_user::text, session_user::text")
    ((role, user),) = cursor.fetchall()
    cursor.execute("SELECT pg_get_functiondef(name::regproc) FROM unnest(%s::text[]) AS name", [[*_FUNCTIONS]])
    before = [text for (text,) in cursor.fetchall()]
    _make(cursor, role, user, [_REFUSES_NOTHING.format(name) for name in _FUNCTIONS])
    try:
        yield
    except BaseException:
        with suppress(psycopg.Error, DatabaseError):  # of a transaction that has failed, and is rolled back
            _make(cursor, role, user, before)
        raise
    _make(cursor, role, user, before)


def _make(cursor: psycopg.Cursor | CursorWrapper, role: str, user: str, functions: Iterable[str]) -> None:
    if role != user:
        cursor.execute("SET ROLE NONE")
    for text in functions:
        cursor.execute(text)
    if role != user:
        cursor.execute(f"SET ROLE {role}")
