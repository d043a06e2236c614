"""Notes beside a read: what someone who looked at its picture says that the plate is. The read stays as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from platepost.department.custody.projections import folded
from platepost.department.custody.reading import ReadFilter, ShownRow, cover, json_asked, selected_reads, under
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.writing import append
from platepost.department.search.errors import PatternError
from platepost.department.search.plates import PlateQuery

MOST = 25
"""Corrected reads that one search lists."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One note."""

    record_id: int
    plate: str
    """As in `plate_fold` of the read."""
    corrected: str
    person: str
    at: datetime
    covert_group: str | None


_NARROWING = ("posts", "since", "until", "hours", "weekdays", "zone", "fields")
_COLUMNS = "record_id, plate_fold, corrected, person, at, covert_group"


def correct(entry: OpenEntry, read: ShownRow, text: str, *, person: str) -> None:
    """Note beside a read what its plate is.

    Raises:
        PatternError: that is no plate.
        LedgerError: it cannot be entered, or the entry is not open.

    """
    plate = "".join(text.upper().split()).replace("-", "")
    if not plate.isascii() or not plate.isalnum() or len(plate) > 24:
        raise PatternError("a plate has from 1 to 24 letters and digits")
    values = [read["record_id"], read["plate_fold"], read["retained_from"], read["covert_group"], person]
    append(LedgerEvent.CORRECTED, {"person": person, "record": read["record_id"], "note": plate})
    with under(entry) as cursor:
        cursor.execute(
            "INSERT INTO search_correction (record_id, plate_fold, retained_from, covert_group, person, corrected,"
            " corrected_fold, entry) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [*values, plate, folded(plate), entry.entry],
        )


def corrections_of(entry: OpenEntry, records: Sequence[int]) -> list[Correction]:
    """Return the notes beside reads, in order of time. Raises ClosedEntryError: the entry is not open."""
    with under(entry) as cursor:
        query = f"SELECT {_COLUMNS} FROM search_correction WHERE record_id = ANY (%s) ORDER BY at, id"  # noqa: S608 - our own names
        cursor.execute(query, [[*records]])
        return [Correction(*row) for row in cursor]


def corrected_reads(entry: OpenEntry, query: PlateQuery) -> list[Correction]:
    """Return the notes whose text fits a query's pattern, beside reads that are in question; the latest first.

    They are noted in the entry. Errors as `corrections_of`.
    """
    if query.pattern is None:
        return []
    statement = f"SELECT {_COLUMNS} FROM search_correction AS note WHERE corrected_fold ~ %s"  # noqa: S608 - our own names
    values: list[Any] = []
    asked = None
    if query.narrows:
        narrowing = ReadFilter(**{name: getattr(query, name) for name in _NARROWING})
        asked = json_asked(narrowing)
        selected, values = selected_reads(narrowing)
        statement += (
            f" AND EXISTS (SELECT FROM {selected} AND plate_fold = note.plate_fold AND record_id = note.record_id)"
        )
    cover(entry, "search_cover_corrected(%s, %s, %s, %s)", [query.pattern.regex, asked, MOST])
    with under(entry) as cursor:
        cursor.execute(f"{statement} ORDER BY at DESC, id DESC LIMIT %s", [query.pattern.regex, *values, MOST])
        corrections = [Correction(*row) for row in cursor]
    for note in corrections:
        entry.fetched(records=[note.record_id], plates=[note.plate], group=note.covert_group)
    return corrections
