"""The database roles: each program connects as its own, and has the rights that its migrations grant it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from django.db import connection
from psycopg import sql

OWNER = "platepost_owner"
"""Owns and migrates the tables; no program uses it to run."""
KEEPER = "platepost_keeper"
"""Inserts records."""
WEB = "platepost_web"
"""Reads records under an open ledger entry, and inserts into the ledger."""
AUDITOR = "platepost_auditor"
"""Reads the ledger."""
PURGER = "platepost_purger"
"""Later removes records whose time is over."""
SIGNER = "platepost_signer"
"""Takes lists that people made to the keys that sign them, and says what was published."""
ROLES = (OWNER, KEEPER, WEB, AUDITOR, PURGER, SIGNER)

ATTRIBUTES: LiteralString = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def role_statements() -> str:
    """Return the SQL by which a database administrator makes the roles on a department's own server."""
    made = "".join(f"CREATE ROLE {role} {ATTRIBUTES};\n" for role in ROLES)
    granted = f"GRANT CONNECT ON DATABASE platepost TO {', '.join(ROLES)};\n"
    return (
        f"{made}CREATE DATABASE platepost OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0;\n"
        f"REVOKE ALL ON DATABASE platepost FROM PUBLIC;\n{granted}"
    )


def ensure_roles(connection: psycopg.Connection) -> None:
    """Make the roles that are missing, and take from the others what no role of ours may have.

    Args:
        connection: a superuser's.

    Raises:
        psycopg.Error: the database refuses.

    """
    known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role in ROLES:
        verb: LiteralString = "ALTER" if role in known else "CREATE"
        connection.execute(sql.SQL(verb + " ROLE {} " + ATTRIBUTES).format(sql.Identifier(role)))


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Make the database if it is missing, owned by the owner, closed to all but the roles.

    Args:
        connection: a superuser's, autocommit, to another database of the cluster.
        name: the database's.

    Raises:
        psycopg.Error: the database server refuses.

    """
    database, roles = sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, ROLES))
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Work on Django's connection with the rights of a role, which the connected user must be able to take on.

    Raises:
        django.db.Error: it is not able to.

    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(before)))
