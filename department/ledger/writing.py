"""How something gets into the ledger.

- `entering` around what changes something: one transaction, and one entry at its end.
- `append` for what stands alone, such as a failed log-on.
- Before records are read: `department.ledger.entries.open_entry`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from department.ledger.catalog import LedgerEvent
from department.ledger.errors import LedgerError

_REFUSED = {"23514", "42501"}
"""SQLSTATE of what the ledger's own functions refuse: their messages name no values."""


@contextmanager
def entering(event: LedgerEvent, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Make what is done within one transaction, with an entry of it at its end.

    Args:
        event: what is done.
        fields: JSON values by name, as the catalog says; what comes out only on the way may be added to the dictionary
            that the context gives.

    Raises:
        LedgerError: it cannot be entered. Nothing is done then.

    """
    said = dict(fields)
    with transaction.atomic():
        yield said
        # Last: nobody else can enter anything until the transaction ends.
        enter(event, said)


def enter(event: LedgerEvent, fields: Mapping[str, Any], *, refers_to: UUID | None = None) -> UUID:
    """Make an entry in the transaction of a service, as its last step; see `entering`.

    Args:
        event: what happened.
        fields: JSON values by name, as the catalog says.
        refers_to: the entry that it refers to, as the catalog says.

    Raises:
        LedgerError: it cannot be entered, or no transaction is open.

    """
    if not connection.in_atomic_block:
        raise LedgerError("an entry that belongs to a change needs the transaction of it")
    return _append("ledger_append", event, [(fields, refers_to)])[0]


def append(event: LedgerEvent, fields: Mapping[str, Any], *, refers_to: UUID | None = None) -> UUID:
    """Make an entry of its own; it is committed on return. Arguments are those of `enter`.

    Raises:
        LedgerError: it cannot be entered, or a transaction is open, which could take it back.

    """
    return append_each(event, [(fields, refers_to)])[0]


def append_each(event: LedgerEvent, entries: Sequence[tuple[Mapping[str, Any], UUID | None]]) -> list[UUID]:
    """Make entries of one kind in one step, each of its own as by `append`: of each its fields and `refers_to`."""
    if connection.in_atomic_block:
        raise LedgerError("within a transaction no entry is certain: it could be taken back")
    # In the second statement it waits for the disk, when others can enter again: entries of many wait together.
    return _append("ledger_append_alone", event, entries, then="SELECT ledger_flush()")


def _append(
    function: str,
    event: LedgerEvent,
    entries: Sequence[tuple[Mapping[str, Any], UUID | None]],
    *,
    then: str | None = None,
) -> list[UUID]:
    carries = set(event.kind.carries.split())
    for fields, _ in entries:
        if not carries <= fields.keys() <= carries | set(event.kind.may_carry.split()):
            raise LedgerError(f"{event.value} carries {event.kind.carries}, not {' '.join(fields)}")
    statement = (
        f"SELECT {function}(%s, (line ->> 'refers_to')::uuid, line -> 'fields')"  # noqa: S608 - our own name
        " FROM json_array_elements(%s::json) WITH ORDINALITY AS given (line, place) ORDER BY place"
    )
    said = [{"refers_to": refers_to and str(refers_to), "fields": fields} for fields, refers_to in entries]
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [event.value, json.dumps(said)])
            made = [entry for (entry,) in cursor]
            if then is not None:
                cursor.execute(then)
    except DatabaseError as error:
        refused = getattr(error.__cause__, "sqlstate", None) in _REFUSED
        why = f": {error.__cause__.diag.message_primary}" if refused else ""  # type: ignore[union-attr]
        raise LedgerError(f"the ledger cannot be written{why}") from error
    if len(made) != len(entries) or not all(isinstance(entry, UUID) for entry in made):
        raise LedgerError("the ledger gave no entry")
    return made
