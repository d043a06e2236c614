"""Working as a role of the database on Django's connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import sql


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Work with the rights of a role, which the connected user must be able to take on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (before,) = cursor.fetchone()
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(before)))
