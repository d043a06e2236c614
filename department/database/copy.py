"""Puts many rows into a table at once."""

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql

_TYPES: WeakKeyDictionary[psycopg.Connection[Any], dict[str, list[int]]] = WeakKeyDictionary()
"""By session, the types of each table's columns, once they were asked for."""


def copy_into(connection: psycopg.Connection[Any], table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Copy rows into a table, their values in the order of its columns.

    Raises:
        psycopg.Error: the database refuses one of them.

    """
    name = sql.Identifier(table)
    types = _TYPES.setdefault(connection, {})
    if table not in types:
        columns = connection.execute(sql.SQL("TABLE {} LIMIT 0").format(name)).description or ()
        types[table] = [column.type_code for column in columns]
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(name)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types[table])
        for row in rows:
            copy.write_row(row)
