"""From opened packages to what can be looked up: the complete list's filter and table, the overlay of its deltas."""

from collections.abc import Sequence

from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.errors import Malformed, UnsupportedFormat
from platepost.wire.hotlist.fingerprints import FingerprintTable, HotListEntry
from platepost.wire.hotlist.hashing import PlateHash, fingerprint
from platepost.wire.hotlist.keys import FOLDING
from platepost.wire.hotlist.layout import Filter, Header, PatternEntry, decode
from platepost.wire.hotlist.overlay import Overlay
from platepost.wire.hotlist.package import Opened

_PIECE = 1 << 16
_COLUMNS = ("fingerprints", "texts", "details", "expires", "references")
_COMPLETE = frozenset({"filter", *_COLUMNS, "reference_heap"})
_DELTA = frozenset({*_COLUMNS, *(f"removed_{name}" for name in _COLUMNS), "reference_heap"})


class Listing:
    """The entries of one list, found by digest. Immutable, and safe to share between threads."""

    def __init__(self, opened: Opened, *, base: "Listing | None") -> None:
        """Take a complete list, or a delta to `base`, whose table and filter are shared.

        Raises:
            Malformed: the package does not hold what its format says, or does not fit the base.
            UnsupportedFormat: it has what this software does not know.
            ChainTooLong: more came and went since the complete list than a post carries.

        """
        header, columns = _decoded(opened, _COMPLETE if base is None else _DELTA)
        self.patterns: Sequence[PatternEntry] = header.patterns
        if base is None:
            if header.hash_key is None or header.filter is None:
                raise Malformed("a complete list has a key and a filter")
            self.hash = PlateHash(bytes.fromhex(header.hash_key))
            self.table = FingerprintTable(columns, header.details)
            self.filter = _Filter(columns.get("filter", memoryview(b"")), header.filter, plates=self.table.plates)
            self.overlay = Overlay()
        else:
            if header.hash_key is not None or header.filter is not None:
                raise Malformed("a delta has the key and the filter of its base")
            self.hash = base.hash
            self.filter = base.filter
            self.table = base.table
            self.overlay = base.overlay.applied(self.table, **_changes(opened, header, columns))
        entries = len(self.table) + self.overlay.growth
        if (entries, len(self.patterns)) != (opened.manifest.entries, opened.manifest.patterns):
            raise Malformed("the list does not have as many entries as the manifest states")

    def entries(self, digest: bytes) -> Sequence[HotListEntry]:
        """Return the entries of a plate's digest, expired ones too; none for one that is not listed."""
        mark = fingerprint(digest)
        if self.filter.contains(digest):
            return self.overlay.entries(mark, self.table.entries(mark))
        return self.overlay.added.get(mark, ())


class _Filter:
    """The filter's bits with their shape.

    Without the plates no one can tell which bits are wrong, only that they are too many or too few. Who signs a list
    with others has left plates out of it, as by leaving their rows out.
    """

    def __init__(self, bits: memoryview, shape: Filter, *, plates: int) -> None:
        if bits.format != "B" or len(bits) != (1 << shape.log2_bits) // 8:
            raise Malformed("the filter does not have the size that it states")
        bit_count = sum(
            int.from_bytes(bits[at : at + _PIECE], "little").bit_count() for at in range(0, len(bits), _PIECE)
        )
        expected, chance = bloom.expected_bits(plates, shape.log2_bits, shape.probes)
        # A plate's own bits coincide where its words are of few, once in some thousand plates.
        if abs(bit_count - expected) > 6 * chance + shape.probes:
            raise Malformed("the filter has not as many bits as the plates of the list set")
        self._bits = bits
        self._log2_bits = shape.log2_bits
        self._probes = shape.probes

    def contains(self, digest: bytes) -> bool:
        """Say whether a plate may be on the complete list; False is certain."""
        return bloom.contains(self._bits, self._log2_bits, self._probes, digest)


def _changes(opened: Opened, header: Header, columns: dict[str, memoryview]) -> dict[str, FingerprintTable]:
    removed = {name.removeprefix("removed_"): column for name, column in columns.items() if name not in _COLUMNS}
    additions, removals = FingerprintTable(columns, header.details), FingerprintTable(removed, header.details)
    if (len(additions), len(removals)) != (opened.manifest.additions, opened.manifest.removals):
        raise Malformed("the delta does not have as many entries as the manifest states")
    return {"additions": additions, "removals": removals}


def _decoded(opened: Opened, sections: frozenset[str]) -> tuple[Header, dict[str, memoryview]]:
    header, columns = decode(opened.body)
    if header.folding != FOLDING:
        raise UnsupportedFormat("the list folds other characters than this software does")
    unknown = columns.keys() - sections
    if unknown:
        raise UnsupportedFormat(f"the list has sections that this software does not know: {sorted(unknown)}")
    return header, columns
