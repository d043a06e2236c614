"""From columns to a package's body: the filter, and the table sorted by fingerprint.

Rows are kept as fixed-width numbers only; numpy sorts them and sets the filter's bits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platepost.provisioning.hotlist.columns import Columns, DetailKey
from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.keys import FOLDING
from platepost.wire.hotlist.layout import Detail, PatternEntry, encode, type_of_width

ENTRY = np.dtype([("fingerprint", "<u8"), ("text", "<u4"), ("detail", "<u4"), ("expires", "<u4"), ("reference", "<u4")])
_AT_A_TIME = 1 << 18
"""Digests whose bits are set in one step: their words stay in a processor's cache."""


def build_table(
    pieces: Iterable[Columns], *, patterns: Sequence[PatternEntry], hash_key: bytes, false_positive_rate: float
) -> tuple[bytes, int]:
    """Build a list's body, and count its entries. Rows that say the very same thing twice count once.

    Args:
        pieces: the rows' columns, under `hash_key`.
        patterns: cleaned partial plates.
        hash_key: 32 random bytes, new for every list, so that two lists cannot be compared entry by entry.
        false_positive_rate: what the filter must promise for one probe.

    Raises:
        ValueError: no filter keeps that rate.

    """
    gathered = gather(pieces)
    log2_bits, probes = bloom.shape_for(len(gathered.table), false_positive_rate)
    body = encode_table(
        gathered.table,
        gathered.details,
        gathered.heap,
        filter_of=(filter_bits(gathered.words, log2_bits, probes), log2_bits, probes),
        patterns=patterns,
        hash_key=hash_key,
    )
    return body, len(gathered.table)


def encode_table(
    table: NDArray[np.void],
    details: Sequence[DetailKey],
    heap: bytes,
    *,
    filter_of: tuple[bytes, int, int],
    patterns: Sequence[PatternEntry],
    hash_key: bytes,
) -> bytes:
    """Lay out a complete list's body.

    Args:
        table: of ENTRY, sorted.
        details: what its `detail` column points at.
        heap: what its `reference` column points at.
        filter_of: the filter's bits, the logarithm of their number, and the probes.
        patterns: cleaned partial plates.
        hash_key: 32 bytes.

    """
    bits, log2_bits, probes = filter_of
    columns: dict[str, tuple[str, bytes | memoryview]] = {
        "filter": ("u8", bits),
        "fingerprints": ("u64", table["fingerprint"].tobytes()),
        "texts": ("u32", table["text"].tobytes()),
        "details": _narrow(table["detail"], len(details)),
    }
    if table["expires"].any():
        columns["expires"] = ("u32", table["expires"].tobytes())
    if table["reference"].any():
        columns["references"] = ("u32", table["reference"].tobytes())
        columns["reference_heap"] = ("u8", heap)
    header = {
        "hash_key": hash_key.hex(),
        "folding": FOLDING,
        "filter": {"log2_bits": log2_bits, "probes": probes},
        "details": [detail_of(key).model_dump() for key in details],
        "patterns": [pattern.model_dump() for pattern in patterns],
    }
    return encode(header, columns)


def detail_of(key: DetailKey) -> Detail:
    """Return what entries share as the package's header says it."""
    category, priority, state, distribution, safe = key
    return Detail(
        category=category, priority=priority, state=state, distribution=distribution, safe=True if safe else None
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows put together: the table of a list, and what its columns point at."""

    table: NDArray[np.void]  # of ENTRY, sorted, nothing twice
    words: NDArray[np.uint64]  # of all digests, in the source's order
    details: tuple[DetailKey, ...]
    heap: bytes


def gather(pieces: Iterable[Columns]) -> Gathered:
    """Put pieces together, with one numbering of details and one heap of references, and sort them."""
    tables: list[NDArray[np.void]] = []
    digests: list[bytes] = []
    details: dict[DetailKey, int] = {}
    heap = bytearray()
    for piece in pieces:
        table = np.empty(len(piece), dtype=ENTRY)
        digests.append(piece.digests)
        table["fingerprint"] = np.frombuffer(piece.digests, dtype="<u8")[::4]
        table["text"] = np.frombuffer(piece.texts, dtype="<u4")
        table["expires"] = np.frombuffer(piece.expires, dtype="<u4")
        numbers = np.array([details.setdefault(key, len(details)) for key in piece.shared], dtype="<u4")
        table["detail"] = numbers[np.frombuffer(piece.details, dtype="<u4")]
        references = np.frombuffer(piece.references, dtype="<u4")
        table["reference"] = np.where(references, references + np.uint32(len(heap)), 0)
        heap += piece.heap
        tables.append(table)
    joined = np.concatenate(tables) if tables else np.empty(0, dtype=ENTRY)
    tables.clear()
    words = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 4)
    digests.clear()
    return Gathered(sort_entries(joined, heap), words, tuple(details), bytes(heap))


def sort_entries(table: NDArray[np.void], heap: bytearray) -> NDArray[np.void]:
    """Sort entries by fingerprint, those of one plate by every other column too, and keep one of those that are equal.

    Nothing tells the source's order then. Sorting by fingerprint first and looking only at the few that are equal is
    several times faster than comparing whole entries.
    """
    table = table[np.argsort(table["fingerprint"], kind="stable")]
    same = table["fingerprint"][1:] == table["fingerprint"][:-1]
    shared = np.zeros(len(table), dtype=np.bool_)
    shared[1:] |= same
    shared[:-1] |= same
    if not shared.any():
        return table
    several = table[shared]
    several["reference"] = _one_place_each(several["reference"], heap)
    merged = np.concatenate([table[~shared], np.unique(several)])
    return merged[np.argsort(merged["fingerprint"], kind="stable")]


def _one_place_each(references: NDArray[np.uint32], heap: bytearray) -> NDArray[np.uint32]:
    """Point equal references, which pieces bring each its own of, at one place."""
    places: dict[bytes, int] = {}
    unique_places = [
        places.setdefault(bytes(heap[at : at + heap[at - 1]]), at) if at else 0 for at in references.tolist()
    ]
    return np.array(unique_places, dtype="<u4")


def filter_bits(words: NDArray[np.uint64], log2_bits: int, probes: int) -> bytes:
    """Return a filter with the bits of each digest set, as docs/hotlist-package.md describes them; many at a time."""
    mask = np.uint64((1 << log2_bits) - 1)
    bits = np.zeros(1 << log2_bits, dtype=np.bool_)
    for start in range(0, len(words), _AT_A_TIME):
        a, b, c = (words[start : start + _AT_A_TIME, column] & mask for column in (1, 2, 3))
        for _ in range(probes):
            bits[a] = True
            a = (a + b) & mask
            b = (b + c) & mask
    return np.packbits(bits, bitorder="little").tobytes()


def _narrow(indexes: NDArray[np.uint32], count: int) -> tuple[str, bytes]:
    """Store indexes in the narrowest column that holds them all."""
    width = 1 if count <= 1 << 8 else 2 if count <= 1 << 16 else 4
    return type_of_width[width], indexes.astype(f"<u{width}").tobytes()
