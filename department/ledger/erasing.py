"""Removes the bodies of a class of which the time is over. The entries stay, and the chain still verifies."""

from datetime import UTC, datetime

from django.db import connection

from department.ledger.catalog import BodyClass, LedgerEvent
from department.ledger.writing import append

STEP = 10_000
"""Entries whose bodies go in one transaction."""
_ERASE = """
DELETE FROM ledger_body WHERE entry IN (
    SELECT entry FROM ledger_entry AS line WHERE class = %s AND at < %s
    AND EXISTS (SELECT FROM ledger_body AS body WHERE body.entry = line.entry) LIMIT %s
)
"""


def erase_bodies(ending: BodyClass, *, until: datetime) -> int:
    """Remove the bodies of a class that were entered before a time; return how many. For the purger's role alone.

    Cut off, it is done to the end by the same call.

    Raises:
        LedgerError: the class never ends, its bodies must stay longer, or the role may not.

    """
    stamp = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    append(LedgerEvent.ERASED, {"class": ending.value, "until": stamp})
    erased = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_ERASE, [ending.value, until, STEP])
            if cursor.rowcount == 0:
                return erased
            erased += cursor.rowcount
