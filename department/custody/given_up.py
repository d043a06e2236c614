"""Which numbers a post says that it gave up: reads for want of space, records to damage of its disk.

It is the one thing of a record's content that receipts depend on, so it must be genuine: signed by a key of the post's
that was good when it signed. Everything else about a record is judged elsewhere, and does not hinder a receipt.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from department.custody.holding import Span
from device.records.audit import Audit
from device.records.base import read_known
from device.records.canonical import canonical_bytes
from device.records.envelope import TYPES, Event
from device.records.signing import KeyRefusedError, Keyring
from device.records.verify.trust import Change, Naming, Trust


@dataclass(frozen=True, slots=True)
class NamedNumbers:
    """Numbers of one chain that its post gave up."""

    chain: str
    spans: tuple[Span, ...]


def may_name_numbers(event: dict[str, Any]) -> bool:
    """Tell whether an event is to be shown to `PostStatements`: an audit of a loss, a drop, or another key."""
    data = event.get("data")
    return (
        event.get("type") == TYPES[Audit]
        and isinstance(data, dict)
        and any(data.get(name) is not None for name in ("dropped", "lost", "key"))
    )


class PostStatements:
    """Judges what one post says of its own chains. Keys that a good key vouched for are good too.

    Args:
        keys: the post's record-signing keys as the department knows them.

    """

    def __init__(self, keys: Keyring) -> None:
        self._given = keys.kids
        self._keys = keys
        self._changes: list[Change] = []
        self._namings: list[Naming] = []

    def hear(self, event: dict[str, Any]) -> NamedNumbers | None:
        """Take in one event; return the numbers that it names, None if it names none or is not to be believed.

        It names only numbers before its own in its own chain, and in another only those that its key can know of.

        Raises:
            ForeignKeyError: its key is not known, which a later event may change.
            SignatureRefusedError: it is not what was signed.

        """
        try:
            record = read_known(Event[Audit], event)
        except ValidationError:
            return None
        chain, sequence, audit = record.chain, record.sequence, record.data
        if chain is None or sequence is None:
            return None
        key = self._keys.check(record.signature, canonical_bytes(event))
        change = audit.key
        if change is not None and change.former == key:
            try:
                self._keys = self._keys.with_pem(change.public_key.encode(), thumbprint=change.thumbprint)
            except KeyRefusedError:
                return None
            ends = {end.chain: end.digest for end in change.ends}
            self._changes.append(Change(chain, sequence, change.former, change.thumbprint, ends))
        if audit.lost is not None:
            self._namings.append(Naming(chain, sequence, key, audit.lost.chain))
        trust = Trust(self._given, self._changes, namings=self._namings)
        if trust.objection(key, chain=chain, sequence=sequence) is not None:
            return None
        if audit.dropped is not None:
            named, gaps = chain, audit.dropped.sequences
        elif audit.lost is not None:
            named, gaps = audit.lost.chain, audit.lost.sequences
        else:
            return None
        end = sequence - 1 if named == chain else trust.last_number(key, named)
        spans = tuple((gap.first, gap.last if end is None else min(gap.last, end)) for gap in gaps)
        return NamedNumbers(named, tuple(span for span in spans if span[0] <= span[1]))
