"""Statements of our own: what the database answers to them, together in one trip, and rows in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.adapt import PyFormat
from psycopg.pq import TransactionStatus

Statement: TypeAlias = tuple[str, Sequence[Any]]
"""SQL, and its values."""
BEGIN: Statement = ("BEGIN", ())
COMMIT: Statement = ("COMMIT", ())
_FEW = 8
"""Most rows that a single statement inserts: with ten or more, a copy is faster."""
_TYPES: WeakKeyDictionary[psycopg.Connection[Any], dict[str, list[int]]] = WeakKeyDictionary()
"""By session, the types of each table's columns, once they were asked for."""


def rows(query: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Return all rows. Without values, a percent sign stands for itself."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def prepared(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that is planned once a session.

    With weekly partitions of a year the planning takes longer than all else; which of them are needed is found when it
    runs.
    """
    connection.ensure_connection()
    session = connection.connection
    session.prepare_threshold = 0  # Django's own cursors never prepare
    with connection.wrap_database_errors:
        return psycopg.Cursor(session).execute(statement, values, prepare=True).fetchall()


def in_one_trip(statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of statements, each planned once a session, that are sent together.

    Each is run when the one before has ended. After an error none is run, and a transaction that was begun and not
    committed is rolled back. Statements outside `BEGIN` and `COMMIT` are one transaction together.

    Raises:
        DatabaseError: that of the first statement that failed.
        RuntimeError: a transaction is open.

    """
    if connection.in_atomic_block:
        raise RuntimeError("a transaction is open, within which nothing can be committed")
    connection.ensure_connection()
    session = connection.connection
    session.prepare_threshold = 0  # Django's own cursors never prepare
    cursors = [psycopg.Cursor(session) for _ in statements]
    errors: list[BaseException] = []
    with connection.wrap_database_errors:
        try:
            with session.pipeline():
                try:
                    for cursor, (statement, values) in zip(cursors, statements, strict=True):
                        cursor.execute(statement, values, prepare=True)
                except psycopg.Error as error:
                    errors.append(error)
        except psycopg.Error as error:
            errors += [error.__context__ or error, error]
        if errors:
            if not session.closed and session.info.transaction_status is not TransactionStatus.IDLE:
                session.rollback()
            # Those behind the statement that failed have failed, too.
            raise next((error for error in errors if not isinstance(error, psycopg.errors.PipelineAborted)), errors[0])
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def insert_rows(
    session: psycopg.Connection[Any], table: str, staging: str, values: Sequence[Sequence[Any]], ending: str = ""
) -> psycopg.Cursor[Any]:
    """Insert rows by one statement, their values in the order of the table's columns; return its cursor.

    A table with row security takes no copy. So many rows are copied into a temporary table first, and from there; few
    are not, because the commit of a transaction that uses a temporary table empties all of them, which takes longer
    than all that a hit needs besides.

    Args:
        session: within a transaction.
        table: what takes the rows.
        staging: an empty temporary table with the same columns.
        values: of each row.
        ending: SQL behind the rows, our own text.

    Raises:
        psycopg.Error: the database refuses one of them.

    """
    names = {"table": sql.Identifier(table), "staging": sql.Identifier(staging), "ending": sql.SQL(ending)}
    if len(values) > _FEW:
        copy_into(session, staging, values)
        return session.execute(sql.SQL("INSERT INTO {table} TABLE {staging} {ending}").format(**names))
    row = sql.SQL("({})").format(
        sql.SQL(", ").join(_placeholder(session, column_type) for column_type in _types(session, staging))
    )
    statement = sql.SQL("INSERT INTO {table} VALUES {rows} {ending}")
    query = statement.format(rows=sql.SQL(", ").join([row] * len(values)), **names)
    return session.execute(query, [value for row in values for value in row], prepare=True)


def _placeholder(session: psycopg.Connection[Any], oid: int) -> sql.Composable:
    known = session.adapters.types[oid]
    if known.name == "bytea":
        return sql.Placeholder(format=PyFormat.BINARY)  # as text it would have twice the length
    return sql.SQL("%s::" + known.regtype + ("[]" if oid == known.array_oid else ""))


def _types(session: psycopg.Connection[Any], table: str) -> list[int]:
    types = _TYPES.setdefault(session, {})
    if table not in types:
        columns = session.execute(sql.SQL("TABLE {} LIMIT 0").format(sql.Identifier(table))).description or ()
        types[table] = [column.type_code for column in columns]
    return types[table]


def copy_into(session: psycopg.Connection[Any], table: str, values: Iterable[Sequence[Any]]) -> None:
    """Copy rows into a table, their values in the order of its columns.

    Raises:
        psycopg.Error: the database refuses one of them.

    """
    types = _types(session, table)
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table))
    with session.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in values:
            copy.write_row(row)
