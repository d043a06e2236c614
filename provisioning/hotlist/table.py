"""From rows to a package's body: keyed digests, the filter, the sorted columns.

Rows are consumed one at a time and kept as fixed-width numbers only; numpy sorts them and sets the filter's bits.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.hotlist import bloom
from device.hotlist.fingerprints import LONGEST_REFERENCE
from device.hotlist.hashing import PlateHash
from device.hotlist.keys import FOLDING, fold, normalise
from device.hotlist.layout import Detail, PatternEntry, encode, epoch, type_of_width
from provisioning.hotlist.rows import HotListRow, RowRefusedError

_REPORT_EVERY = 4096


@dataclass(frozen=True, slots=True)
class Table:
    """A body and what its manifest must say of it."""

    body: bytes
    entries: int


def build_table(
    rows: Iterable[HotListRow],
    *,
    patterns: Sequence[PatternEntry],
    hash_key: bytes,
    false_positive_rate: float,
    progress: Callable[[int], None] | None = None,
) -> Table:
    """Build a list's body. Rows that say the very same thing twice count once.

    Args:
        rows: cleaned rows.
        patterns: cleaned partial plates.
        hash_key: 32 random bytes, new for every list, so that two lists cannot be compared entry by entry.
        false_positive_rate: what the filter must promise for one probe.
        progress: called now and then with the number of rows taken so far.

    Raises:
        RowRefusedError: a row does not fit the table.
        ValueError: no filter keeps that rate.

    """
    collected = _collect(rows, PlateHash(hash_key), progress)
    words = np.frombuffer(collected.digests, dtype="<u8").reshape(-1, 4)
    table = np.empty(len(words), dtype=_ENTRY)
    table["fingerprint"] = words[:, 0]
    for name in ("text", "detail", "expires", "reference"):
        table[name] = np.frombuffer(getattr(collected, name), dtype="<u4")
    # Sorted by every column, the fingerprint first: duplicates stand together, and nothing tells the source's order.
    table = np.unique(table)
    entries = len(table)
    log2_bits, probes = bloom.shape_for(entries, false_positive_rate)
    columns: dict[str, tuple[str, bytes | memoryview]] = {
        "filter": ("u8", filter_bits(words, log2_bits, probes)),
        "fingerprints": ("u64", table["fingerprint"].astype("<u8").tobytes()),
        "texts": ("u32", table["text"].astype("<u4").tobytes()),
        "details": _narrow(table["detail"], len(collected.details)),
    }
    if table["expires"].any():
        columns["expires"] = ("u32", table["expires"].astype("<u4").tobytes())
    if table["reference"].any():
        columns["references"] = ("u32", table["reference"].astype("<u4").tobytes())
        columns["reference_heap"] = ("u8", bytes(collected.heap))
    header = {
        "hash_key": hash_key.hex(),
        "folding": FOLDING,
        "filter": {"log2_bits": log2_bits, "probes": probes},
        "details": [detail.model_dump() for detail in collected.details],
        "patterns": [pattern.model_dump() for pattern in patterns],
    }
    return Table(encode(header, columns), entries)


_ENTRY = np.dtype(
    [("fingerprint", "<u8"), ("text", "<u4"), ("detail", "<u4"), ("expires", "<u4"), ("reference", "<u4")]
)


class _Collected:
    """Columns in the order of the source."""

    def __init__(self) -> None:
        self.digests = bytearray()
        self.text = array("I")
        self.detail = array("I")
        self.expires = array("I")
        self.reference = array("I")
        self.heap = bytearray()
        self._detail_indexes: dict[tuple[str, int, str | None], int] = {}
        self._reference_starts: dict[str, int] = {}

    @property
    def details(self) -> list[Detail]:
        return [
            Detail(category=category, priority=priority, state=state)
            for category, priority, state in self._detail_indexes
        ]

    def detail_index(self, row: HotListRow) -> int:
        return self._detail_indexes.setdefault((row.category, row.priority, row.state), len(self._detail_indexes))

    def reference_start(self, reference: str | None) -> int:
        """Put a reference on the heap, once, and return where it is, counted from 1."""
        if not reference:
            return 0
        start = self._reference_starts.get(reference)
        if start is None:
            data = reference.encode()
            if len(data) > LONGEST_REFERENCE:
                raise RowRefusedError(f"a reference has more than {LONGEST_REFERENCE} bytes")
            start = self._reference_starts[reference] = len(self.heap) + 1
            self.heap.append(len(data))
            self.heap += data
        return start


def _collect(rows: Iterable[HotListRow], plate_hash: PlateHash, progress: Callable[[int], None] | None) -> _Collected:
    collected = _Collected()
    count = 0
    for count, row in enumerate(rows, start=1):
        text = normalise(row.plate)
        if not text:
            raise RowRefusedError("a row has no plate")
        collected.digests += plate_hash.digest(fold(text))
        collected.text.append(plate_hash.text_fingerprint(text))
        collected.detail.append(collected.detail_index(row))
        collected.expires.append(epoch(row.expires) if row.expires else 0)
        collected.reference.append(collected.reference_start(row.reference))
        if progress is not None and count % _REPORT_EVERY == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return collected


def filter_bits(words: NDArray[np.uint64], log2_bits: int, probes: int) -> bytes:
    """Set the same bits as `bloom.add` would for each digest, a step for all of them at a time."""
    mask = np.uint64((1 << log2_bits) - 1)
    a, b, c = (words[:, column].copy() & mask for column in (1, 2, 3))
    bits = np.zeros(1 << log2_bits, dtype=np.bool_)
    for _ in range(probes):
        bits[a] = True
        a = (a + b) & mask
        b = (b + c) & mask
    return np.packbits(bits, bitorder="little").tobytes()


def _narrow(indexes: NDArray[np.uint32], count: int) -> tuple[str, bytes]:
    """Store indexes in the narrowest column that holds them all."""
    width = 1 if count <= 1 << 8 else 2 if count <= 1 << 16 else 4
    return type_of_width[width], indexes.astype(f"<u{width}").tobytes()
