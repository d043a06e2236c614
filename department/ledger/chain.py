"""How an entry of the ledger is bound to its fields and to the entry before it. Nothing here knows a database.

An entry names a salted commitment to each of its fields, and its digest runs over these. So fields can go when their
class ends, and the chain still verifies; and anyone who verifies it without the fields learns nothing of them: without
the salt, a plate could be found by trying all that there are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785

GENESIS = bytes(32)
"""`previous` of the first entry."""


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
