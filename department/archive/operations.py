"""What every act of the archive has in common: one transaction, one entry in the ledger, one kind of refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from platepost.department.archive.errors import ArchiveRefusedError, refusals
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append, entering


@contextmanager
def operation(event: LedgerEvent, **fields: Any) -> Iterator[dict[str, Any]]:
    """Make what is done within one transaction, with an entry of it at its end.

    Args:
        event: what is done.
        fields: of the entry; what comes out on the way may be added to the dictionary that the context gives.

    Raises:
        ArchiveRefusedError: a rule refuses it; nothing is done, and that it was tried is entered.
        LedgerError: it cannot be entered; nothing is done.

    """
    with tried(event, **fields), entering(event, fields) as entry:
        yield entry


@contextmanager
def tried(event: LedgerEvent, **fields: Any) -> Iterator[None]:
    """Enter what a rule refuses: who tried what, and why not. Outside of every transaction.

    Raises:
        ArchiveRefusedError: a rule refuses it.

    """
    try:
        with refusals():
            yield
    except ArchiveRefusedError as error:
        named = {name: str(fields[name]) for name in ("plan", "hold") if name in fields}
        why = {"person": fields.get("person"), "what": event.value, "why": str(error)}
        append(LedgerEvent.ARCHIVE_REFUSED, why | named)
        raise
