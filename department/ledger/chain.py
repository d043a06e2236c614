"""How an entry of the ledger is bound to its fields and to the entry before it. Nothing here knows a database.

An entry names a salted commitment to each of its fields, and its digest runs over these. So fields can go when their
class ends, and the chain still verifies; and whoever verifies it without the fields learns nothing of them: without
the salt, a plate could be found by trying all that there are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import rfc8785

GENESIS = bytes(32)
"""`previous` of the first entry."""


class LedgerEvent(Enum):
    """What happened. The table `ledger_event` has the same names, each with the class that its bodies are kept in."""

    INTENT = "intent"
    """Somebody is about to see records: who, for which agency, why, for which case, and what was asked."""
    SHOWN = "shown"
    """What the intent that it refers to brought: records, and pictures. It closes that."""
    FAILED = "failed"
    """The intent that it refers to ended in an error: what had been fetched by then. It closes that."""
    ERASED = "erased"
    """The bodies of a class (`class`) that were entered before a time (`until`) may go."""
    LOG_ON = "log_on"
    """Somebody logged on: by which methods, from which device."""
    LOG_ON_FAILED = "log_on_failed"
    """A password or a code was wrong."""
    LOG_OFF = "log_off"
    ACCESS_REFUSED = "access_refused"
    """Somebody asked for what they may not have: which permission, and what they lack for it."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry, without its bodies."""

    number: int
    """From 1, without a gap."""
    entry: UUID
    at: datetime
    """By the database's clock, to the microsecond."""
    event: str
    retention: str
    """The class that its bodies are kept in."""
    refers_to: UUID | None
    commitments: Mapping[str, str]
    """By field, hexadecimal."""
    previous: bytes
    """Digest of the entry before."""
    digest: bytes
    """As it was entered; that which the rest makes is `digest_of_line`."""


def commitment(salt: bytes, field: str, value: str) -> str:
    """Return the commitment to a field, hexadecimal.

    Args:
        salt: 16 random bytes.
        field: its name, of a-z and `_`.
        value: its JSON text as it is kept; nothing else that means the same.

    """
    return hashlib.sha256(salt + field.encode("ascii") + b"\0" + value.encode()).hexdigest()


def digest_of_line(line: LedgerLine, *, number: int | None = None, previous: bytes | None = None) -> bytes:
    """Return the digest that an entry's content makes, or would make at another place."""
    content: dict[str, Any] = {
        "at": line.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "class": line.retention,
        "commitments": dict(line.commitments),
        "entry": str(line.entry),
        "event": line.event,
        "number": line.number if number is None else number,
        "previous": (line.previous if previous is None else previous).hex(),
        "refers_to": None if line.refers_to is None else str(line.refers_to),
    }
    return hashlib.sha256(rfc8785.dumps(content)).digest()
