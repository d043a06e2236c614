"""Which record-signing key is good where: those given, those vouched for, and none any more once it was replaced."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A `key_changed` that the former key signed."""

    chain: str
    sequence: int
    time: float
    """When it was made, seconds since 1970."""
    former: str
    """Thumbprint of the key that signs no more."""
    new: str
    """Thumbprint of the key that it vouches for."""


class Trust:
    """Judges the key of each record, once all records are known.

    In the chain in which a key was replaced, number tells what comes after. In another, such as one that was begun on a
    new disk or one of covert hits, only `time` can: the times of a post's records never go back.

    Args:
        given: thumbprints of the keys that are trusted from the outset.
        changes: what the records say of other keys; what a replaced key says is not heeded.

    """

    def __init__(self, given: Iterable[str], changes: Iterable[Change]) -> None:
        self._trusted = set(given)
        self._changes: dict[str, list[Change]] = {}
        """Those that are heeded, by each key that they name."""
        pending = sorted(changes, key=lambda change: (change.time, change.chain, change.sequence))
        while (heeded := next((change for change in pending if self._is_good(change)), None)) is not None:
            pending.remove(heeded)
            self._trusted.add(heeded.new)
            for key in (heeded.former, heeded.new):
                self._changes.setdefault(key, []).append(heeded)

    def objection(self, key: str, *, chain: str | None, sequence: int, time: float) -> str | None:
        """Say why a record is not genuine for the key that signed it; None if it is.

        Args:
            key: its thumbprint.
            chain: the record's chain; None for what is outside of any.
            sequence: its number there.
            time: when it says that it was made, seconds since 1970; infinity if it does not.

        """
        if key not in self._trusted:
            return "signed by a key that is not trusted"
        change = self._replaced(key, chain, sequence, time)
        if change is None:
            return None
        where = "" if change.chain == chain else f" of chain {change.chain}"
        return f"signed by a key that number {change.sequence}{where} replaced"

    def last_number(self, key: str, chain: str) -> int | None:
        """Return the last number of a chain that a key can know of; None if that is not bounded.

        This does not hang on any time, which whoever has the key can choose.
        """
        last = self._latest_in(key, chain)
        return None if last is None or last.new == key else last.sequence

    def _is_good(self, change: Change) -> bool:
        objection = self.objection(change.former, chain=change.chain, sequence=change.sequence, time=change.time)
        return objection is None

    def _replaced(self, key: str, chain: str | None, sequence: int, time: float) -> Change | None:
        """Return what replaced a key before a record was made."""
        here = None if chain is None else self._latest_in(key, chain, before=sequence)
        if here is not None and here.former == key:
            return here
        elsewhere = [change for change in self._changes.get(key, ()) if change.chain != chain and change.time < time]
        last = max(elsewhere, key=lambda change: change.time, default=None)
        return last if last is not None and last.former == key else None

    def _latest_in(self, key: str, chain: str, *, before: int | None = None) -> Change | None:
        """Return what was said last of a key in a chain, before a number if one is given."""
        said = (change for change in self._changes.get(key, ()) if change.chain == chain)
        earlier = (change for change in said if before is None or change.sequence < before)
        return max(earlier, key=lambda change: change.sequence, default=None)
