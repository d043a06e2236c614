"""What changed since a complete list: entries that came, and entries that went, each as posts know them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from platepost.provisioning.hotlist.cleaning import clean_plate, clean_reference
from platepost.provisioning.hotlist.columns import ColumnSource
from platepost.provisioning.hotlist.difference import Entries, differences
from platepost.provisioning.hotlist.form import MEANINGS
from platepost.provisioning.hotlist.held import Held
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import RefusedRow, RowRefusedError, SourceError
from platepost.provisioning.hotlist.source import open_source
from platepost.provisioning.hotlist.table import gather
from platepost.wire.hotlist.fingerprints import HotListEntry
from platepost.wire.hotlist.hashing import PlateHash, fingerprint
from platepost.wire.hotlist.keys import PlateText, fold
from platepost.wire.hotlist.overlay import MOST_ROWS, Overlay, Row

_TOO_MANY = "too much changed since the complete list, build a complete list"


class Removal(NamedTuple):
    """A plate to remove; only its entries with the given category, state and reference go."""

    line: int
    plate: PlateText
    category: str | None = None
    state: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed since the complete list, and how much of it is new since the delta before."""

    overlay: Overlay
    came: int
    went: int
    known: int = 0
    """Rows to add that were on the list already."""


def from_exports(held: Held, source: ColumnSource, *, at: int, keep_safe: bool) -> Changes:
    """Compare the complete list with fresh exports that hold everything.

    Args:
        held: the list that posts hold.
        source: all rows that are to be on the list.
        at: seconds since 1970; entries that had expired by then never match, and are not removed one by one.
        keep_safe: whether the department's own vehicles stay as they are, `source` having none.

    Raises:
        SourceError: more came or went than posts carry.

    """
    listed, fresh = Entries.of_body(held.header, held.columns), Entries.of_rows(gather(source.columns(held.hash_key)))
    try:
        added, removed = differences(listed, fresh, most=MOST_ROWS)
    except ValueError as error:
        raise SourceError(f"{_TOO_MANY}: {error}") from error
    went = [(mark, entry) for mark, entry in removed if entry.in_force(at) and not (keep_safe and entry.detail.safe)]
    if keep_safe:
        # As they are is as the delta before left them: a delta says all that changed since the complete list.
        before = held.newest.listing.overlay
        added += _safe(before.added)
        went += _safe(before.removed)
    if len(added) + len(went) > MOST_ROWS:
        raise SourceError(f"{_TOO_MANY}: {len(added):,} came and {len(went):,} went, posts carry {MOST_ROWS:,}")
    return _since(held, Overlay().applied(held.complete.listing.table, removals=went, additions=added))


def from_news(held: Held, additions: ColumnSource, removals: Iterable[Removal]) -> tuple[Changes, list[RefusedRow]]:
    """Remove some entries from the list that posts hold, then add some.

    A removal that is not on the list is returned as refused; an addition that is on it already changes nothing.

    Raises:
        ChainTooLong: more came or went than posts carry.

    """
    listing, table = held.newest.listing, held.complete.listing.table
    plate_hash = PlateHash(held.hash_key)
    refused: list[RefusedRow] = []
    going: dict[Row, None] = {}
    for removal in removals:
        matching = list(_fitting(held, plate_hash, removal))
        going.update(dict.fromkeys(matching))
        if not matching:
            refused.append(RefusedRow(removal.line, "not on the list"))
    overlay = listing.overlay.applied(table, removals=going, additions=())
    rows = Entries.of_rows(gather(additions.columns(held.hash_key)))
    fresh = list(rows.rows())
    coming = [(mark, entry) for mark, entry in fresh if entry not in overlay.entries(mark, table.entries(mark))]
    overlay = overlay.applied(table, removals=(), additions=coming)
    return replace(_since(held, overlay), known=len(fresh) - len(coming)), refused


def _fitting(held: Held, plate_hash: PlateHash, removal: Removal) -> Iterator[Row]:
    digest = plate_hash.digest(fold(removal.plate))
    text = plate_hash.text_fingerprint(removal.plate)
    for entry in held.newest.listing.entries(digest):
        attributes = {"category": removal.category, "state": removal.state}
        fits = all(value is None or getattr(entry.detail, name) == value for name, value in attributes.items())
        if entry.text_fingerprint == text and fits and removal.reference in {None, entry.reference}:
            yield fingerprint(digest), entry


def _since(held: Held, overlay: Overlay) -> Changes:
    """Count what is new since the delta before: what it had not, or had otherwise."""
    before = held.newest.listing.overlay
    added, removed = set(rows_of(overlay.added)), set(rows_of(overlay.removed))
    added_before, removed_before = set(rows_of(before.added)), set(rows_of(before.removed))
    added_count = len(added - added_before) + len(removed_before - removed)
    went = len(removed - removed_before) + len(added_before - added)
    return Changes(overlay, added_count, went)


def _safe(entries: Mapping[int, tuple[HotListEntry, ...]]) -> list[Row]:
    return [row for row in rows_of(entries) if row[1].detail.safe]


def rows_of(entries: Mapping[int, tuple[HotListEntry, ...]]) -> Iterator[Row]:
    """Yield entries by fingerprint one by one."""
    return ((mark, entry) for mark, several in entries.items() for entry in several)


def read_removals(path: Path, mapping: SourceMapping) -> Iterator[Removal | RefusedRow]:
    """Yield every removal of a file in the form of an export, of which only the plate's column is required.

    Category, state and reference, where given, narrow down which entries go.

    Raises SourceError when the file cannot be read, or has no column of plates.
    """
    with open_source(path, mapping, plates_only=True) as source:
        for record in source.records():
            if isinstance(record, RefusedRow):
                yield record
                continue
            line, fields = record
            row = dict(zip(MEANINGS, fields, strict=True))
            try:
                yield Removal(
                    line,
                    clean_plate(row["plate"]),
                    mapping.allow(row["category"]).category if row["category"].strip() else None,
                    mapping.state(row["state"]),
                    clean_reference(row["reference"]),
                )
            except RowRefusedError as refusal:
                yield RefusedRow(line, str(refusal))
