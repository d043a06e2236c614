"""What deltas changed since the complete list: entries that came, and entries of its table that went.

A Bloom filter cannot forget, and the table is never written. So a removal is a note against the table's entry, and
an addition stands beside the table; both are found by fingerprint in a dictionary, however many deltas brought them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from platepost.wire.hotlist.errors import ChainTooLong, Malformed
from platepost.wire.hotlist.fingerprints import FingerprintTable, HotListEntry

MOST_ROWS = 100_000
"""Entries that came or went since the complete list; about 35 MB of memory, and a complete list is due long before."""

Row = tuple[int, HotListEntry]
"""A fingerprint and one entry of it."""

_Rows = dict[int, tuple[HotListEntry, ...]]


@dataclass(frozen=True, slots=True)
class Overlay:
    """Additions and removals, by fingerprint. Immutable: applying a delta makes another."""

    added: Mapping[int, tuple[HotListEntry, ...]] = field(default_factory=dict)
    removed: Mapping[int, tuple[HotListEntry, ...]] = field(default_factory=dict)

    @property
    def growth(self) -> int:
        """How many more entries there are than in the table."""
        return _count(self.added) - _count(self.removed)

    def entries(self, fingerprint: int, listed: Iterable[HotListEntry]) -> tuple[HotListEntry, ...]:
        """Return a fingerprint's entries in force, given those that the table lists."""
        removed = self.removed.get(fingerprint, ())
        return (*(entry for entry in listed if entry not in removed), *self.added.get(fingerprint, ()))

    def applied(self, table: FingerprintTable, *, removals: Iterable[Row], additions: Iterable[Row]) -> "Overlay":
        """Return what this becomes by one delta on the same table.

        Raises:
            Malformed: an entry goes that is not there, or comes that is there: the delta was made for another list.
            ChainTooLong: more rows than a post carries.

        """
        added, removed = dict(self.added), dict(self.removed)
        for fingerprint, entry in removals:
            if not (
                _take(added, fingerprint, entry)
                or (entry in table.entries(fingerprint) and _put(removed, fingerprint, entry))
            ):
                raise Malformed("a removal fits no entry of the list")
        for fingerprint, entry in additions:
            if _take(removed, fingerprint, entry):
                continue
            if entry in table.entries(fingerprint) or not _put(added, fingerprint, entry):
                raise Malformed("an addition is on the list already")
        rows = _count(added) + _count(removed)
        if rows > MOST_ROWS:
            raise ChainTooLong(f"{rows} entries came or went since the complete list, at most {MOST_ROWS} may")
        return Overlay(added, removed)


def _count(rows: Mapping[int, tuple[HotListEntry, ...]]) -> int:
    return sum(map(len, rows.values()))


def _take(rows: _Rows, fingerprint: int, entry: HotListEntry) -> bool:
    """Remove an entry; False if it was not there."""
    there = rows.get(fingerprint, ())
    if entry not in there:
        return False
    left = tuple(other for other in there if other != entry)
    if left:
        rows[fingerprint] = left
    else:
        del rows[fingerprint]
    return True


def _put(rows: _Rows, fingerprint: int, entry: HotListEntry) -> bool:
    """Add an entry; False if it was there."""
    there = rows.get(fingerprint, ())
    if entry in there:
        return False
    rows[fingerprint] = (*there, entry)
    return True
