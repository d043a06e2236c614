"""How audits read the ledger: under an entry of its own, and in the database only while that is open."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from department.ledger.entries import OpenEntry, open_log
from department.ledger.errors import ClosedEntryError
from department.policy.policy import AccessPurpose, policy_in_force


@contextmanager
def auditing(person: str, agency: str, query: Mapping[str, Any]) -> Iterator[OpenEntry]:
    """Open the ledger for an audit, under the purpose that the policy names for it.

    Raises:
        PurposeError: the policy has no such purpose.
        LedgerError: it cannot be entered.

    """
    purpose = AccessPurpose(policy_in_force().misuse.purpose)
    with open_log(person=person, agency=agency, purpose=purpose, query=query) as log:
        yield log


@contextmanager
def reading(log: OpenEntry) -> Iterator[CursorWrapper]:
    """Open a transaction in which the database shows the ledger. Raises ClosedEntryError: the entry is not open."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('platepost.entry', %s, true)", [str(log.entry)])
        cursor.execute("SELECT ledger_log_open()")
        if cursor.fetchone() != (True,):
            raise ClosedEntryError("the entry is closed, too old, or opens no ledger")
        yield cursor
