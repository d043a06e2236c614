"""What the database answers to a query of our own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def rows(query: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Return all rows. Without values, a percent sign stands for itself."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
