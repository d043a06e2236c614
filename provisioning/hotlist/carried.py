"""A complete list that carries on another one, of which there are only the sealed packages and no plates any more.

Posts hold a list under its hash key: its rows cannot be keyed again, so the new list keeps that key, the table, and the
filter. A filter cannot forget, and a post checks that it has as many bits as the table has plates. So an entry that was
removed stays in the table, as one that has expired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from platepost.provisioning.hotlist.changes import rows_of
from platepost.provisioning.hotlist.columns import ColumnSource, DetailKey
from platepost.provisioning.hotlist.difference import Entries
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.rows import SourceError
from platepost.provisioning.hotlist.table import ENTRY, Gathered, encode_table, filter_bits, gather, sort_entries
from platepost.wire.hotlist import bloom
from platepost.wire.hotlist.layout import Detail, PatternEntry
from platepost.wire.hotlist.overlay import Overlay

_EXPIRED = 1
"""Seconds since 1970; 0 is never."""


@dataclass(frozen=True, slots=True)
class CarriedList:
    """The list that posts hold, to be built again with what changed."""

    held: Held
    overlay: Overlay
    """All that changed since the complete list of `held`."""

    @property
    def hash_key(self) -> bytes:
        """The list's key."""
        return self.held.hash_key

    def body(
        self, source: ColumnSource, *, patterns: Sequence[PatternEntry], false_positive_rate: float
    ) -> tuple[bytes, int]:
        """Return the body of the new list, and how many entries it has.

        Args:
            source: rows to add; those that the list has already count once.
            patterns: all partial plates from now on.
            false_positive_rate: what the filter must promise for one probe.

        Raises:
            SourceError: a delta that was built by hand added plates that `source` does not have, or the filter is too
                small for so many more.

        """
        held, fresh = self.held, gather(source.columns(self.hash_key))
        if set(self.overlay.added) - set(fresh.table["fingerprint"].tolist()):
            raise SourceError(
                "the list's last delta added plates, which a complete list cannot take over: build a complete list from"
                " its sources, or import them"
            )
        table, details, heap = _joined(Entries.of_body(held.header, held.columns), fresh, self.overlay)
        shape = held.header.filter
        if shape is None:
            raise SourceError("the list that posts hold is not a complete one")
        if bloom.expected_rate(len(table), shape.log2_bits, shape.probes) > false_positive_rate:
            raise SourceError(
                f"the list built by hand has room for fewer than {len(table):,} entries: import its sources"
            )
        listed = np.frombuffer(held.columns["filter"], dtype=np.uint8)
        added = np.frombuffer(filter_bits(fresh.words, shape.log2_bits, shape.probes), dtype=np.uint8)
        body = encode_table(
            table,
            details,
            heap,
            filter_of=((listed | added).tobytes(), shape.log2_bits, shape.probes),
            patterns=patterns,
            hash_key=self.hash_key,
        )
        return body, len(table)


def _joined(listed: Entries, fresh: Gathered, overlay: Overlay) -> tuple[NDArray[np.void], list[DetailKey], bytes]:
    table = np.empty(len(listed), dtype=ENTRY)
    table["fingerprint"] = listed.fingerprints
    for column, name in (("text", "texts"), ("detail", "details"), ("expires", "expires"), ("reference", "references")):
        table[column] = listed.others[name]
    for mark, entry in rows_of(overlay.removed):
        at = np.flatnonzero(listed.fingerprints == np.uint64(mark))
        removed = [index for index, (_, known) in zip(at.tolist(), listed.rows(at), strict=True) if known == entry]
        table["expires"][removed] = _EXPIRED
    numbers = {_key(detail): number for number, detail in enumerate(listed.details)}
    details = [_key(detail) for detail in listed.details]
    for key in fresh.details:
        if key not in numbers:
            numbers[key] = len(details)
            details.append(key)
    added = fresh.table.copy()
    if len(added):
        added["detail"] = np.array([numbers[key] for key in fresh.details], dtype="<u4")[added["detail"]]
        added["reference"] = np.where(added["reference"], added["reference"] + np.uint32(len(listed.heap)), 0)
    heap = bytearray(listed.heap + fresh.heap)
    return sort_entries(np.concatenate([table, added]), heap), details, bytes(heap)


def _key(detail: Detail) -> DetailKey:
    return detail.category, detail.priority, detail.state, detail.distribution, bool(detail.safe)
