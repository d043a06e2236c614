"""Which numbers a post says that it gave up: reads for want of space, records to damage of its disk.

It is the one thing of a record's content that receipts depend on, so it must be genuine: signed by a key of the post's
that was good when it signed. Everything else about a record is judged elsewhere, and does not hinder a receipt.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import ValidationError

from department.custody.holding import ChainName, Span
from device.records.audit import Audit, mark_of
from device.records.base import read_known
from device.records.canonical import canonical_bytes
from device.records.envelope import TYPES, Event
from device.records.signing import ForeignKeyError, KeyRefusedError, Keyring, SignatureRefusedError
from device.records.verify.trust import Change, Naming, Trust

log = logging.getLogger(__name__)

GivenUp: TypeAlias = tuple[ChainName, tuple[Span, ...]]


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
    """What one post says of its own chains and keys, as far as it is to be believed.

    Keys that a good key vouched for are good too. `trust` judges by which key what may stand where.

    Args:
        keys: the post's record-signing keys as the department knows them.
        numbers: the number of each record, by chain and digest; asked only where a replaced key signed in another chain
            than the one in which it was replaced.
        noted: returns up to which number each chain was kept as genuine.

    """

    def __init__(
        self,
        keys: Keyring,
        *,
        numbers: Mapping[tuple[str, str], int] | None = None,
        noted: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._given = keys.kids
        self._numbers = numbers
        self._noted = noted
        self._changes: list[Change] = []
        self._namings: list[Naming] = []
        self.keys = keys
        """Those given, and those that they vouched for."""
        self.trust = Trust(self._given)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the post said of other keys, in the order in which it was heard."""
        return tuple(self._changes)

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
        spans = tuple((gap.first, gap.last if end is None else min(gap.last, end)) for gap in gaps)
        return NamedNumbers(named, tuple(span for span in spans if span[0] <= span[1]))

    def _present_trust(self) -> Trust:
        """Judge by all that was heard. A chain that no change names was there before, as far as it was kept."""
        named = {mark for change in self._changes for mark in change.ends}
        noted = {chain: last for chain, last in self._noted().items() if mark_of(chain) not in named}
        return Trust(self._given, self._changes, namings=self._namings, numbers=self._numbers, noted=noted)


class HeardPost:
    """Hears what one post says as it comes, in any order: an event whose key is not known waits for one that names it.

    Args:
        post: whose.
        statements: judges what it says.
        events: what it said before.

    """

    def __init__(self, post: str, statements: PostStatements, events: Iterable[dict[str, Any]] = ()) -> None:
        self._post = post
        self._waiting: list[dict[str, Any]] = []
        self.statements = statements
        self.given_up = [named for event in events for named in self.hear(event)]
        """What the events before name."""

    @property
    def knowledge(self) -> tuple[int, int]:
        """How much is known of its keys: it grows, and what was judged may then be judged otherwise."""
        return len(self.statements.keys.kids), len(self.statements.changes)

    def hear(self, event: dict[str, Any]) -> list[GivenUp]:
        """Return the numbers that an event names, and those that earlier ones do whose key it vouches for."""
        named: list[GivenUp] = []
        waiting, self._waiting = [*self._waiting, event], []
        while waiting:
            left = [each for each in waiting if not self._heard(each, named)]
            if len(left) == len(waiting):
                self._waiting = left
                break
            waiting = left
        return named

    def _heard(self, event: dict[str, Any], named: list[GivenUp]) -> bool:
        """Add to `named` what an event names; return whether its key is known."""
        try:
            numbers = self.statements.hear(event)
        except ForeignKeyError:
            return False
        except SignatureRefusedError as error:
            log.warning("%s: a record that names numbers as gone is not genuine: %s", self._post, error)
        else:
            if numbers is not None:
                named.append((ChainName(self._post, numbers.chain), numbers.spans))
        return True
