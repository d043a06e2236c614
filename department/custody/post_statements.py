"""Which numbers a post says that it gave up: reads for lack of space, records to damage of its disk.

It is the one thing of a record's content that receipts depend on, so it must be genuine: signed by a key of the post's
that was good when it signed. Everything else about a record is judged elsewhere, and does not hinder a receipt.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from platepost.department.custody.admissions import Admission
from platepost.department.custody.holding import Span
from platepost.wire.records.audit import Audit, mark_of
from platepost.wire.records.base import read_known
from platepost.wire.records.canonical import canonical_bytes
from platepost.wire.records.envelope import TYPES, Event
from platepost.wire.records.signing import ForeignKeyError, KeyRefusedError, Keyring, SignatureRefusedError
from platepost.wire.verify.trust import Change, Naming, Trust

log = logging.getLogger(__name__)


class DroppedNumbers(NamedTuple):
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
    """What one post says of its own chains and keys, as far as it is to be believed.

    Keys that a good key vouched for are good too. `trust` judges by which key what may stand where.

    Args:
        keys: the post's record-signing keys as the department knows them.
        number: returns the number of a record by chain and digest; asked only where a replaced key signed in another
            chain than the one in which it was replaced.
        noted: returns up to which number each chain was kept as genuine.
        ended: when the department took keys out of use, by thumbprint.
        admissions: what is admitted of these keys all the same.

    """

    def __init__(
        self,
        keys: Keyring,
        *,
        number: Callable[[str, str], int | None] = lambda _chain, _digest: None,
        noted: Callable[[], Mapping[str, int]] = dict,
        ended: Mapping[str, datetime] | None = None,
        admissions: Sequence[Admission] = (),
    ) -> None:
        self.ended = ended or {}
        self.admissions = admissions
        self._given = keys.kids
        self._number = number
        self._noted = noted
        self._changes: list[Change] = []
        self._namings: list[Naming] = []
        self._waiting: list[dict[str, Any]] = []
        """Events whose key is not known."""
        self.keys = keys
        """Those given, and those that they vouched for."""
        self.trust = Trust(self._given)
        self.dropped: list[DroppedNumbers] = []
        """All numbers that it named so far."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the post said of other keys, in the order in which it was heard."""
        return tuple(self._changes)

    @property
    def knowledge(self) -> tuple[int, int]:
        """How much is known of its keys: it grows, and what was judged may then be judged otherwise."""
        return len(self.keys.kids), len(self._changes)

    def add_all(self, events: Iterable[dict[str, Any]]) -> list[DroppedNumbers]:
        """Take in events in any order; return the numbers that they name, and those that wait for a key that they name.

        An event whose key is not known waits for one that vouches for it. One that is not genuine is logged.
        """
        before, waiting = len(self.dropped), [*self._waiting, *events]
        while len(waiting) > len(left := [event for event in waiting if not self._is_known(event)]):
            waiting = left
        self._waiting = left
        return self.dropped[before:]

    def _is_known(self, event: dict[str, Any]) -> bool:
        try:
            self.add(event)
        except ForeignKeyError:
            return False
        except SignatureRefusedError as error:
            log.warning("a record that names numbers as gone is not genuine: %s", error)
        return True

    def add(self, event: dict[str, Any]) -> DroppedNumbers | None:
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
        chain = record.chain
        sequence = record.sequence
        audit = record.data
        if chain is None or sequence is None:
            return None
        key = self.keys.check(record.signature, canonical_bytes(event))
        change = audit.key
        if change is not None and change.former == key:
            try:
                self.keys = self.keys.with_pem(change.public_key.encode(), thumbprint=change.thumbprint)
            except KeyRefusedError:
                return None
            ends = {end.chain: end.digest for end in change.ends}
            self._changes.append(Change(chain, sequence, change.former, change.thumbprint, ends))
        if audit.lost is not None:
            self._namings.append(Naming(chain, sequence, key, audit.lost.chain))
        self.trust = self._present_trust()
        if self.trust.objection(key, chain=chain, sequence=sequence) is not None:
            return None
        if audit.dropped is not None:
            named, gaps = chain, audit.dropped.sequences
        elif audit.lost is not None:
            named, gaps = audit.lost.chain, audit.lost.sequences
        else:
            return None
        end = sequence - 1 if named == chain else self.trust.last_number(key, named)
        spans = ((gap.first, gap.last if end is None else min(gap.last, end)) for gap in gaps)
        self.dropped.append(DroppedNumbers(named, tuple((first, last) for first, last in spans if first <= last)))
        return self.dropped[-1]

    def _present_trust(self) -> Trust:
        """Judge by all that was heard. A chain that no change names was there before, as far as it was kept."""
        named = {mark for change in self._changes for mark in change.ends}
        noted = {chain: last for chain, last in self._noted().items() if mark_of(chain) not in named}
        return Trust(self._given, self._changes, namings=self._namings, number=self._number, noted=noted)
