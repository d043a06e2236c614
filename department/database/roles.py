"""The database roles: each program connects as its own, and has the rights that the SQL files grant it."""

from collections.abc import Collection, Iterator

import psycopg

OWNER = "platepost_owner"
"""Owns and migrates the tables; no program uses it to run."""
KEEPER = "platepost_keeper"
"""Inserts records."""
WEB = "platepost_web"
"""Reads records under an open ledger entry, and inserts into the ledger."""
COMMAND = "platepost_command"
"""Has the rights of the pages, and opens entries of the ledger for whom a program names: no one logs on to it."""
AUDITOR = "platepost_auditor"
"""Reads the ledger."""
PURGER = "platepost_purger"
"""Later removes records whose time is over."""
SIGNER = "platepost_signer"
"""Takes lists that people made to the keys that sign them, and says what was published."""
PUBLIC = "platepost_public"
"""Reads what was published, and nothing else."""
MISUSE = "platepost_misuse"
"""Reads the ledger under an entry of its own, and adds findings; it opens no record."""
METRICS = "platepost_metrics"
"""Counts what the status page shows, and changes nothing."""
WEBHOOK = "platepost_webhook"
"""Sends decisions to webhooks: reads those that wait, and of a hit whose plate goes along, the record."""
FEDERATION = "platepost_federation"
"""Answers partner departments: opens reads of no covert group, under an entry for a query of one of them."""
ROLES = (OWNER, KEEPER, WEB, COMMAND, AUDITOR, PURGER, SIGNER, PUBLIC, MISUSE, WEBHOOK, METRICS, FEDERATION)
QUIET = tuple(role for role in ROLES if role != OWNER)
"""Roles of which pgaudit logs nothing: what they show is in the ledger, and each record would be a line."""

ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def role_statements() -> str:
    """Return the SQL by which a database administrator makes the roles on a department's own server."""
    return "".join(f"{statement};\n" for statement in (*_roles(), *_database("platepost")))


def ensure_roles(connection: psycopg.Connection) -> None:
    """Make the roles that are missing, and take from the others what no role of ours may have.

    Args:
        connection: a superuser's.

    Raises:
        psycopg.Error: the database refuses.

    """
    for statement in _roles({name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}):
        connection.execute(statement.encode())
    if is_audited(connection):
        for role in QUIET:
            connection.execute(f"ALTER ROLE {role} SET pgaudit.log = 'none'".encode())


def is_audited(connection: psycopg.Connection) -> bool:
    """Tell whether pgaudit logs all that the role of a connection does: the library is loaded, and set so."""
    fetched = connection.execute("SELECT setting FROM pg_settings WHERE name = 'pgaudit.log' AND short_desc <> ''")
    return fetched.fetchall() == [("all",)]


def ensure_database(connection: psycopg.Connection, name: str) -> None:
    """Make the database if it is missing, owned by the owner, closed to all but the roles.

    Args:
        connection: a superuser's, autocommit, to another database of the cluster.
        name: the database's, which needs no quotes.

    Raises:
        psycopg.Error: the database server refuses.

    """
    existing = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
    for statement in _database(name, known=existing is not None):
        connection.execute(statement.encode())


def _roles(known: Collection[str] = ()) -> Iterator[str]:
    for role in ROLES:
        yield f"{'ALTER' if role in known else 'CREATE'} ROLE {role} {ATTRIBUTES}"
    yield f"GRANT {WEB} TO {COMMAND}"


def _database(name: str, *, known: bool = False) -> Iterator[str]:
    if not known:
        yield f"CREATE DATABASE {name} OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0"
    yield f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"
    yield f"GRANT CONNECT ON DATABASE {name} TO {', '.join(ROLES)}"
