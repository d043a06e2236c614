"""Which record-signing key is good where: those given, those vouched for, and none any more once it was replaced.

Where something stands tells what came first: anyone who has a key can write any time into a record.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from platepost.wire.records.audit import mark_of


@dataclass(frozen=True, slots=True)
class Change:
    """A `key_changed` that the former key signed."""

    chain: str
    sequence: int
    former: str
    """Thumbprint of the key that no longer signs."""
    new: str
    """Thumbprint of the key that it vouches for."""
    ends: Mapping[str, str]
    """The digest of the last record then of each other chain, by what marks the chain."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A record that names another chain, and so proves that it existed before: one that says what damage cost."""

    chain: str
    sequence: int
    key: str
    """Thumbprint of the key that signed it."""
    named: str


class Trust:
    """Judges the key of each record, once all records are known.

    In the chain in which a key was replaced, number tells what comes after. Another chain, such as one of covert hits
    or one of a disk before, is only good with a replaced key as far as its `key_changed` names it, or a good record
    that tells of a loss does, or someone who noted its end.

    Args:
        given: thumbprints of the keys that are trusted from the outset.
        changes: what the records say of other keys; what a replaced key says is not heeded.
        namings: what the records say of chains before.
        number: returns the number of a record that is the end of a chain for a change, by chain and digest.
        noted: up to which number someone noted a chain down, by chain.

    """

    def __init__(
        self,
        given: Iterable[str],
        changes: Iterable[Change] = (),
        *,
        namings: Iterable[Naming] = (),
        number: Callable[[str, str], int | None] = lambda _chain, _digest: None,
        noted: Mapping[str, int] | None = None,
    ) -> None:
        self._trusted = set(given)
        self._number = number
        self._changes: dict[str, list[Change]] = {}
        """Those that are heeded, by each key that they name."""
        self._replaced: dict[str, Change] = {}
        """What replaced a key that has not come back since."""
        self._good: dict[str, float] = dict(noted or {})
        """Up to which number a chain was there before, by something else than a change of keys."""
        pending = sorted(changes, key=lambda change: (change.chain, change.sequence))
        while (heeded := next((change for change in pending if self._is_good(change)), None)) is not None:
            pending.remove(heeded)
            self._trusted.add(heeded.new)
            self._replaced.pop(heeded.new, None)
            self._replaced[heeded.former] = heeded
            for key in (heeded.former, heeded.new):
                self._changes.setdefault(key, []).append(heeded)
        known = [
            naming
            for naming in namings
            if self.objection(naming.key, chain=naming.chain, sequence=naming.sequence) is None
        ]
        self._good |= {naming.named: inf for naming in known}

    def objection(self, key: str, *, chain: str | None, sequence: int) -> str | None:
        """Say why a record is not genuine for the key that signed it; None if it is.

        Args:
            key: its thumbprint.
            chain: the record's chain, or the one whose end it names; None where it does neither.
            sequence: its number there.

        """
        if key not in self._trusted:
            return "signed by a key that is not trusted"
        change = self._replaced_before(key, chain, sequence)
        if change is None:
            return None
        where = "" if change.chain == chain else f" of chain {change.chain}"
        unnamed = "" if change.chain == chain or chain is None else ", which does not name what it signed here"
        return f"signed by a key that number {change.sequence}{where} replaced{unnamed}"

    def last_number(self, key: str, chain: str) -> int | None:
        """Return the last number of a chain that a key can know of; None if that is not bounded."""
        last = self._latest_in(key, chain)
        return None if last is None or last.new == key else last.sequence

    def _is_good(self, change: Change) -> bool:
        return self.objection(change.former, chain=change.chain, sequence=change.sequence) is None

    def _replaced_before(self, key: str, chain: str | None, sequence: int) -> Change | None:
        """Return what replaced a key before a record was made."""
        if chain is not None and any(change.chain == chain for change in self._changes.get(key, ())):
            here = self._latest_in(key, chain, before=sequence)
            return here if here is not None and here.former == key else None
        change = self._replaced.get(key)
        if change is None or (chain is not None and sequence <= self._bound(change, chain)):
            return None
        return change

    def _bound(self, change: Change, chain: str) -> float:
        """Return up to which number of another chain a change names it, or something else does; 0 if nothing does."""
        end = change.ends.get(mark_of(chain))
        sequence = 0 if end is None else self._number(chain, end)
        return max(inf if sequence is None else sequence, self._good.get(chain, 0.0))

    def _latest_in(self, key: str, chain: str, *, before: int | None = None) -> Change | None:
        """Return what was said last of a key in a chain, before a number if one is given."""
        changes = (change for change in self._changes.get(key, ()) if change.chain == chain)
        earlier = (change for change in changes if before is None or change.sequence < before)
        return max(earlier, key=lambda change: change.sequence, default=None)
