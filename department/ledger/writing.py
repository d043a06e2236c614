"""Writes entries of the ledger.

- `entering` around what changes something: one transaction, and one entry at its end.
- `append` for what stands alone, such as a failed log-on.
- Before records are read: `platepost.department.ledger.entries.open_entry`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import psycopg
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction

from platepost.department.database.queries import BEGIN, COMMIT, Statement, in_one_trip, prepared
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.policy.errors import PurposeError

_PURPOSE = "policy_purpose"
"""The rule of `ledger_check_purpose.sql`."""
_session: ContextVar[str | None] = ContextVar("_session", default=None)
"""The session of the pages for which this thread works, by its key."""
_REFUSED = {"23514", "42501"}
"""SQLSTATE of what the ledger's own functions refuse: their messages name no values."""


@contextmanager
def entering(event: LedgerEvent, fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Make what is done within one transaction, with an entry of it at its end.

    Args:
        event: what is done.
        fields: values by name, as the catalog says, of JSON's types or others that `DjangoJSONEncoder` takes; what
            comes out only on the way may be added to the dictionary that the context gives.

    Raises:
        LedgerError: it cannot be entered. Nothing is done then.

    """
    entry_fields = dict(fields)
    with transaction.atomic():
        yield entry_fields
        # Last: no one else can enter anything until the transaction ends.
        enter(event, entry_fields)


def enter(event: LedgerEvent, fields: Mapping[str, Any], *, refers_to: UUID | None = None) -> UUID:
    """Make an entry in the transaction of a service, as its last step; see `entering`.

    Args:
        event: what happened.
        fields: values by name, as for `entering`.
        refers_to: the entry that it refers to, as the catalog says.

    Raises:
        LedgerError: it cannot be entered, or no transaction is open.

    """
    if not connection.in_atomic_block:
        raise LedgerError("an entry that belongs to a change needs the transaction of it")
    entry: UUID = _call("ledger_append(%s, %s, %s)", [event.value, refers_to, _checked_json(event, fields)])
    return entry


def append(
    event: LedgerEvent, fields: Mapping[str, Any], *, refers_to: UUID | None = None, durable: bool = True
) -> UUID:
    """Make an entry of its own; it is committed on return.

    Args:
        event: what happened.
        fields: values by name, as for `entering`.
        refers_to: the entry that it refers to, as the catalog says.
        durable: whether it is on the disk on return. Otherwise it is once a later entry is, and no sooner.

    Raises:
        LedgerError: it cannot be entered, or a transaction is open, which could take it back.
        PurposeError: it is an intent, and the database does not let the person have that purpose.

    """
    values = [event.value, refers_to, _checked_json(event, fields)]
    entry: UUID = _alone("ledger_append(%s, %s, %s)", values, durable=durable)
    return entry


@contextmanager
def acting_in(session: str | None) -> Iterator[None]:
    """Have what is begun meanwhile be begun by whoever has a session of the pages; None: by a program."""
    former = _session.set(session)
    try:
        yield
    finally:
        _session.reset(former)


def acting_session() -> str | None:
    """Return the key of the session for which this thread works; None for a program."""
    return _session.get()


def begin(event: LedgerEvent, fields: Mapping[str, Any], *, durable: bool = True) -> UUID:
    """Enter that someone is about to look; it is committed on return. `durable` as of `append`.

    Of a session of the pages the database says who has it, and in which of the groups. A program says for whom it
    works, by a role of the database that the pages do not have.

    Raises:
        LedgerError: as for `append`; or no one who may see this has the session.

    """
    session = _session.get()
    if session is None:
        return append(event, fields, durable=durable)
    values = [session, event.value, _checked_json(event, fields)]
    entry: UUID = _alone("ledger_begin(%s, %s, %s)", values, durable=durable)
    return entry


def begin_by(function: str, values: Sequence[Any]) -> UUID | None:
    """Have a function of the database enter an intent, if its own rules allow that; committed on return.

    Raises:
        LedgerError: as for `append`.

    """
    entry: UUID | None = _alone(f"{function}({', '.join(['%s'] * len(values))})", values)
    return entry


def append_shown(
    fields: Mapping[str, Any], *, refers_to: UUID, others: Sequence[Mapping[str, Any]], sessions: Sequence[str] = ()
) -> None:
    """Enter what an intent brought, and that others see the same, in one step; committed on return.

    Args:
        fields: what it brought, as in `LedgerEvent.SHOWN`.
        refers_to: the intent.
        others: the fields of an intent of each of the others.
        sessions: the sessions of the pages that the others have, by their keys; none for a program.

    Raises:
        LedgerError: as for `append`; nothing is entered then.

    """
    opened, closed = LedgerEvent.INTENT, LedgerEvent.SHOWN
    shown = _checked_json(closed, fields)
    if sessions:  # the database has the intent, and whose sessions these are
        _alone("ledger_show_others(%s, %s, %s)", [refers_to, [*sessions], shown])
        return
    intents = "[" + ", ".join(_checked_json(opened, intent) for intent in others) + "]"
    each_shown = "[" + ", ".join([shown] * (1 + len(others))) + "]"
    statement = "ledger_append_each(%s, %s::uuid || ledger_append_each(%s, '{}', %s), %s)"
    _alone(statement, [closed.value, refers_to, opened.value, intents, each_shown])


def _checked_json(event: LedgerEvent, fields: Mapping[str, Any]) -> str:
    """Return fields in JSON, if they are those of an event. Raises LedgerError."""
    required, known = event.kind.required, event.kind.fields
    if not required.keys() <= fields.keys() <= known.keys():
        raise LedgerError(f"{event.value} carries {' '.join(required)}, not {' '.join(fields)}")
    values = {name: json.dumps(value, cls=DjangoJSONEncoder) for name, value in fields.items()}
    for name, value in values.items():
        if not known[name].fits(value):
            raise LedgerError(f"{event.value}: {name} must be {known[name].type or 'a text'}")
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items()) + "}"


def _alone(call: str, values: Sequence[Any], *, durable: bool = True) -> Any:
    if connection.in_atomic_block:
        raise LedgerError("within a transaction no entry is certain: it could be rolled back")
    # It lets the chain go before the disk has it, and waits for the disk in a transaction of its own, when others can
    # enter again: entries of many wait together.
    entry = (f"SELECT {call}, set_config('synchronous_commit', 'off', true)", values)
    flush: list[Statement] = [("SELECT ledger_flush()", ())] if durable else []
    with _refusals():
        _, ((made, _),), *_ = in_one_trip([BEGIN, entry, COMMIT, *flush])
    return made


def _call(call: str, values: Sequence[Any]) -> Any:
    with _refusals():
        return prepared(f"SELECT {call}", values)[0][0]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__
        if isinstance(cause, psycopg.Error) and cause.diag.constraint_name == _PURPOSE:
            raise PurposeError(str(cause.diag.message_primary)) from error
        refused = getattr(error.__cause__, "sqlstate", None) in _REFUSED
        why = f": {error.__cause__.diag.message_primary}" if refused else ""  # type: ignore[union-attr]
        raise LedgerError(f"the ledger cannot be written{why}") from error
