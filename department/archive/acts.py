"""What every act of the archive has in common: one transaction, one entry in the ledger, one kind of refusal."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from department.archive.errors import refusals
from department.ledger.catalog import LedgerEvent
from department.ledger.writing import entering


@contextmanager
def act(event: LedgerEvent, **fields: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - what JSON or a text can say
    """Make what is done within one transaction, with an entry of it at its end.

    Args:
        event: what is done.
        fields: of the entry; what comes out on the way may be added to the dictionary that the context gives.

    Raises:
        ArchiveRefusedError: a rule refuses it; nothing is done, and nothing entered.
        LedgerError: it cannot be entered; nothing is done.

    """
    with refusals(), entering(event, json.loads(json.dumps(fields, default=str))) as said:
        yield said


def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - what psycopg takes
    """Return what the database answers to a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
