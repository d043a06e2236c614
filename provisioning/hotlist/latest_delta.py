"""Compares fresh exports with the latest delta: what they list again, and what they lack.

Exports are often older than the news: a car that was found at eight stands in an export made at six, and one that was
stolen since does not. What is built from exports takes the delta's place, so the command names both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from platepost.provisioning.hotlist.changes import rows_of
from platepost.provisioning.hotlist.difference import Entries
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.rows import HotListRow
from platepost.provisioning.hotlist.table import detail_of
from platepost.wire.hotlist.fingerprints import HotListEntry
from platepost.wire.hotlist.hashing import PlateHash, fingerprint
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.layout import epoch
from platepost.wire.hotlist.overlay import Row


@dataclass(frozen=True, slots=True)
class LatestDelta:
    """What the newest delta added and removed, and the key under which a plate is found there."""

    hash_key: bytes
    added: Mapping[int, tuple[HotListEntry, ...]]
    removed: Mapping[int, tuple[HotListEntry, ...]]

    @classmethod
    def of(cls, held: Held) -> Self:
        """Take the news of the list that posts hold."""
        overlay = held.newest.listing.overlay
        return cls(held.hash_key, overlay.added, overlay.removed)

    def added_in_force(self, at: int) -> set[Row]:
        """Return the entries that the delta added and that have not ended at a moment (seconds since 1970)."""
        return {(mark, entry) for mark, entries in self.added.items() for entry in entries if entry.in_force(at)}


class DeltaMatcher:
    """Tells of rows whether they are news."""

    def __init__(self, news: LatestDelta) -> None:
        self._news = news
        self._hash = PlateHash(news.hash_key)

    def look(self, row: HotListRow) -> tuple[Literal["added", "removed"], Row] | None:
        """Say whether a row is the very entry that the delta added or removed, and which; None for neither."""
        text = normalize(row.plate)
        mark = fingerprint(self._hash.digest(fold(text)))
        added, removed = self._news.added.get(mark, ()), self._news.removed.get(mark, ())
        if not added and not removed:
            return None
        entry = HotListEntry(
            self._hash.text_fingerprint(text),
            detail_of((row.category, row.priority, row.state, row.distribution, row.safe)),
            epoch(row.expires) if row.expires else 0,
            row.reference,
        )
        if entry in added:
            return "added", (mark, entry)
        return ("removed", (mark, entry)) if entry in removed else None


def own_vehicles(held: Held, *, at: int) -> int:
    """Count the department's own vehicles that posts hold and that have not ended at a moment (seconds since 1970)."""
    listed, overlay = Entries.of_body(held.header, held.columns), held.newest.listing.overlay
    numbers = [number for number, detail in enumerate(held.header.details) if detail.safe]
    safe = set(listed.rows(np.flatnonzero(np.isin(listed.others["details"], numbers))))
    safe = safe - set(rows_of(overlay.removed)) | {row for row in rows_of(overlay.added) if row[1].detail.safe}
    return sum(entry.in_force(at) for _, entry in safe)
