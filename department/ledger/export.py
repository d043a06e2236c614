"""The ledger as lines of JSON, in the form of docs/ledger-format.md, for anyone who verifies it elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

from psycopg import Connection

ENTRIES = """
SELECT json_build_object('number', number, 'entry', entry,
    'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'event', event, 'class', class,
    'refers_to', refers_to, 'commitments', commitments, 'previous', encode(previous, 'hex'),
    'digest', encode(digest, 'hex'))
FROM ledger_entry WHERE {} ORDER BY number
"""
"""Entries of the ledger by a condition, without their bodies."""
BODIES = """
SELECT json_build_object('entry', entry, 'field', field, 'salt', encode(salt, 'hex'), 'value', value)
FROM ledger_body JOIN ledger_entry USING (entry) WHERE {} ORDER BY number, field
"""
"""Bodies of entries by a condition."""


def ledger_lines(connection: Connection[Any], *, bodies: bool) -> Iterator[str]:
    """Yield each entry as a line, in order, then each body.

    Args:
        connection: of a role that sees all of the ledger.
        bodies: whether to yield bodies: they name persons, cases and plates.

    """
    with connection.transaction():
        for statement in (ENTRIES, *([BODIES] if bodies else [])):
            with connection.cursor("ledger_lines") as cursor:
                for (line,) in cursor.execute(statement.format("TRUE")):
                    yield json.dumps(line, separators=(",", ":")) + "\n"
