"""What the page of a read shows besides its row: its pictures, its map, the hot list at that time, and its proof."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from platepost.common.errors import PlatepostError
from platepost.department.custody.reading import ShownRow, judged_record, picture_kinds
from platepost.department.custody.record import RecordRow
from platepost.department.ledger.entries import OpenEntry
from platepost.department.search.places import Places
from platepost.department.search.street_map import MapPlace, StreetMap, located, street_map
from platepost.wire.records.envelope import read_event
from platepost.wire.records.read import Read


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """A read as its record has it."""

    pictures: Sequence[str]
    """Kinds of those that are kept, each once."""
    record: RecordRow | None
    """As the archive keeps it; None where it was deleted."""
    read: Read | None
    """As the post signed it; None where that cannot be read."""
    place: MapPlace
    map: StreetMap | None


def read_facts(entry: OpenEntry, row: ShownRow, places: Places) -> ReadFacts:
    """Return what the record of a read shows.

    Raises:
        ClosedEntryError: the entry, under which it is fetched, is not open.

    """
    stored, read = judged_record(entry, row["record_id"]), None
    if stored is not None:
        with suppress(PlatepostError, ValueError, TypeError):  # the page states that it cannot be read
            data = read_event(json.loads(stored.json_bytes())).data
            read = data if isinstance(data, Read) else None
    at = read.place if read is not None else None
    place = MapPlace(
        row["post"],
        row["site"] or row["post"],
        at.longitude if at is not None else None,
        at.latitude if at is not None else None,
        _heading(read),
    )
    place = located(place, places)
    kinds = tuple(dict.fromkeys(picture_kinds(entry, row["record_id"])))
    drawn = street_map(places, hit=place)
    drawn = replace(drawn, label=gettext("This read")) if drawn is not None else None
    return ReadFacts(kinds, stored, read, place, drawn)


def _heading(read: Read | None) -> float | None:
    """Return where the vehicle went, in degrees clockwise from north; None where that is not known."""
    degrees = read.place.heading_degrees if read is not None else None
    if read is None or degrees is None or read.direction not in {"approaching", "receding"}:
        return None
    return (degrees + (180 if read.direction == "approaching" else 0)) % 360
