"""Two tables of entries under one key compared: which entries only the one has, and which only the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platepost.provisioning.hotlist.table import Gathered, detail_of
from platepost.wire.hotlist.fingerprints import HotListEntry
from platepost.wire.hotlist.layout import Detail, Header
from platepost.wire.hotlist.overlay import Row

_WORTH_IT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Entries in columns, sorted by fingerprint."""

    fingerprints: NDArray[np.uint64]
    others: Mapping[str, NDArray[np.uint32]]
    details: Sequence[Detail]
    heap: bytes

    def __len__(self) -> int:
        return len(self.fingerprints)

    @classmethod
    def of_body(cls, header: Header, columns: dict[str, memoryview]) -> "Entries":
        """Take the entries of an opened complete list."""
        fingerprints = np.asarray(columns["fingerprints"], dtype=np.uint64)
        none = np.zeros(len(fingerprints), dtype=np.uint32)
        names = ("texts", "details", "expires", "references")
        others = {name: np.asarray(columns[name], dtype=np.uint32) if name in columns else none for name in names}
        return cls(fingerprints, others, header.details, bytes(columns.get("reference_heap", b"")))

    @classmethod
    def of_rows(cls, rows: Gathered) -> "Entries":
        """Take rows that were put together."""
        table = rows.table
        names = {"texts": "text", "details": "detail", "expires": "expires", "references": "reference"}
        others = {name: np.ascontiguousarray(table[column]) for name, column in names.items()}
        details = [detail_of(key) for key in rows.details]
        return cls(np.ascontiguousarray(table["fingerprint"]), others, details, rows.heap)

    def rows(self, indexes: NDArray[np.intp] | None = None) -> Iterator[Row]:
        """Yield entries as posts know them, each with its fingerprint: those at some indexes, or all."""
        for index in range(len(self)) if indexes is None else indexes.tolist():
            entry = HotListEntry(
                text_fingerprint=int(self.others["texts"][index]),
                detail=self.details[self.others["details"][index]],
                expires=int(self.others["expires"][index]),
                reference=self._reference(int(self.others["references"][index])),
            )
            yield int(self.fingerprints[index]), entry

    def unlike(self, other: "Entries") -> NDArray[np.uint64]:
        """Return the fingerprints of plates of which an entry is not the other's first entry of that plate."""
        if not len(other) or not len(self):
            return self.fingerprints
        places = np.searchsorted(other.fingerprints, self.fingerprints)
        places[places == len(other)] = 0
        same = other.fingerprints[places] == self.fingerprints
        for name in ("texts", "expires"):
            same &= other.others[name][places] == self.others[name]
        same &= _numbered(self.details, other)[self.others["details"]] == other.others["details"][places]
        same &= other.reference_marks()[places] == self.reference_marks()
        unlike: NDArray[np.uint64] = self.fingerprints[~same]
        return unlike

    def of_plates(self, plates: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return the indexes of the entries of some plates, by their fingerprints."""
        return np.flatnonzero(np.isin(self.fingerprints, plates))

    def _reference(self, at: int) -> str | None:
        return self.heap[at : at + self.heap[at - 1]].decode() if at else None

    def reference_marks(self) -> NDArray[np.int64]:
        """Return a number for each entry's reference, the same for the same text as long as this process lives."""
        heap = self.heap
        marks = (hash(heap[at : at + heap[at - 1]]) if at else 0 for at in self.others["references"].tolist())
        return np.fromiter(marks, dtype=np.int64, count=len(self))


def _numbered(details: Sequence[Detail], other: Entries) -> NDArray[np.int64]:
    """Return the other's number of each detail, -1 for one that it has not."""
    numbers = {detail: number for number, detail in enumerate(other.details)}
    return np.array([numbers.get(detail, -1) for detail in details] or [-1], dtype=np.int64)


def differences(old: Entries, new: Entries, *, most: int) -> tuple[list[Row], list[Row]]:
    """Return the entries that came, and those that went.

    Raises ValueError where so many plates changed that more than `most` entries must have.
    """
    # Most plates have one entry, the same on both sides. The few others are compared entry by entry.
    plates = np.union1d(old.unlike(new), new.unlike(old))
    if len(plates) > _WORTH_IT * most:
        raise ValueError(f"some {len(plates):,} plates changed")
    before, after = (dict.fromkeys(side.rows(side.of_plates(plates))) for side in (old, new))
    return [row for row in after if row not in before], [row for row in before if row not in after]
