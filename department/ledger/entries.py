"""How somebody gets to see records: by an entry in the ledger, made before anything is read."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from department.ledger.chain import LedgerEvent
from department.ledger.errors import ClosedEntryError, LedgerError


class OpenEntry:
    """An access whose intent is in the ledger and that may read now. A context manager; made by `open_entry`.

    What is fetched by it is noted. At its end `shown` has that; show nothing to anybody before. The database holds it
    to being open: for five minutes at most, and never within the transaction that made it.
    """

    def __init__(self, entry: UUID) -> None:
        self.entry = entry
        self._records: dict[int, None] = {}
        self._pictures: dict[tuple[int, str], None] = {}
        self._plates: dict[str, None] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"<OpenEntry {self.entry}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closed:
            return
        if kind is None:
            self.shown()
        else:
            self._close(LedgerEvent.FAILED, reason=kind.__name__)

    def fetched(
        self,
        *,
        records: Iterable[int] = (),
        pictures: Iterable[tuple[int, str]] = (),
        plates: Iterable[str] = (),
    ) -> None:
        """Note what was read: records by their id, pictures by their record's and their kind, plates of a list."""
        if self._closed:
            raise ClosedEntryError("the entry is closed")
        self._records.update(dict.fromkeys(records))
        self._pictures.update(dict.fromkeys(pictures))
        self._plates.update(dict.fromkeys(plates))

    def shown(self) -> None:
        """Enter what was fetched, all of it, and close the entry.

        Raises:
            LedgerError: it cannot be entered: what was fetched must not be shown.

        """
        self._close(LedgerEvent.SHOWN)

    def _close(self, event: LedgerEvent, **more: str) -> None:
        self._closed = True
        seen = {"records": [*self._records], "pictures": [*self._pictures]}
        plates = {"plates": [*self._plates]} if self._plates else {}
        append(event, {**seen, **plates, **more}, refers_to=self.entry)


def open_entry(
    *,
    person: str,
    agency: str,
    purpose: str,
    case: str | None,
    query: Mapping[str, Any],
    groups: Sequence[str] = (),
) -> OpenEntry:
    """Enter what somebody is about to look at and why; in the ledger for good on return.

    Args:
        person: who.
        agency: for whom.
        purpose: one of the policy's.
        case: its number; None where the purpose asks for none.
        query: what is asked, as it will be read again by an auditor: plate, place, time.
        groups: the groups whose covert records the person may see.

    Raises:
        LedgerError: it cannot be entered, or a transaction is open, which could take it back.

    """
    asked = {"person": person, "agency": agency, "purpose": purpose, "case": case, "query": dict(query)}
    return OpenEntry(append(LedgerEvent.INTENT, {**asked, "groups": [*groups]}))


def append(event: LedgerEvent, fields: Mapping[str, Any], *, refers_to: UUID | None = None) -> UUID:
    """Make an entry; it is committed on return.

    Args:
        event: what happened.
        fields: JSON values by name, of a-z and `_`.
        refers_to: the intent that this closes.

    Raises:
        LedgerError: it cannot be entered.

    """
    if connection.in_atomic_block:
        raise LedgerError("within a transaction no entry is certain: it could be taken back")
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            values = [event.value, refers_to, json.dumps(fields)]
            cursor.execute("SELECT ledger_append(%s, %s, %s)", values)
            (entry,) = cursor.fetchone() or (None,)
    except DatabaseError as error:
        raise LedgerError("the ledger cannot be written") from error
    if not isinstance(entry, UUID):
        raise LedgerError("the ledger gave no entry")
    return entry
