"""Rows from a CSV export, one at a time, each cleaned or refused with its line number."""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from provisioning.hotlist.cleaning import clean_moment, clean_plate, clean_priority, clean_reference, clean_state
from provisioning.hotlist.mapping import Mapping
from provisioning.hotlist.rows import HotListRow, RefusedRow, RowRefusedError, SourceError


def read_csv(path: Path, mapping: Mapping, *, at: datetime) -> Iterator[HotListRow | RefusedRow]:
    """Yield every row of a CSV file, cleaned or refused, in the file's order.

    Args:
        path: the export.
        mapping: its columns and allowed categories.
        at: when the list is built (aware): rows that had expired by then, or are entered later, are refused.

    Raises:
        SourceError: the file cannot be read, or its header lacks the plate's column, or the category's
            where the mapping has no default.

    """
    try:
        with path.open(encoding=mapping.source.encoding, newline="") as file:
            yield from _rows(csv.reader(file, delimiter=mapping.source.delimiter, strict=True), mapping, at)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not {mapping.source.encoding}: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise SourceError(f"{path}: {error}") from error


class _Reader(Protocol):
    """What `csv.reader` returns; the standard library does not name it."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class _Fields:
    """The fields of one row by what they mean; those that a row or file does not have are empty."""

    def __init__(self, header: list[str], mapping: Mapping) -> None:
        named = {name.strip(): index for index, name in reversed(list(enumerate(header)))}
        self._indexes = {meaning: named.get(column) for meaning, column in mapping.columns.model_dump().items()}
        for meaning in ("plate",) if mapping.defaults.category else ("plate", "category"):
            if self._indexes[meaning] is None:
                wanted = getattr(mapping.columns, meaning)
                raise SourceError(
                    f"no column {wanted!r}; the file has: {', '.join(name.strip() for name in header) or 'no header'}"
                )
        self._row: list[str] = []

    def take(self, row: list[str]) -> None:
        self._row = row

    def __getitem__(self, meaning: str) -> str:
        index = self._indexes[meaning]
        return self._row[index] if index is not None and index < len(self._row) else ""


def _rows(reader: "_Reader", mapping: Mapping, at: datetime) -> Iterator[HotListRow | RefusedRow]:
    fields = _Fields(next(reader, []), mapping)
    for row in reader:
        if not any(row):
            continue
        fields.take(row)
        try:
            yield _clean(fields, mapping, at)
        except RowRefusedError as refusal:
            yield RefusedRow(reader.line_num, str(refusal))


def _clean(fields: _Fields, mapping: Mapping, at: datetime) -> HotListRow:
    plate = clean_plate(fields["plate"])
    allowed = mapping.allow(fields["category"])
    zone, formats = mapping.dates.tzinfo, mapping.dates.formats
    expires = clean_moment(fields["expires"], zone=zone, formats=formats, end_of_day=True)
    if expires is not None and expires <= at:
        raise RowRefusedError("expired before the list was built")
    entered = clean_moment(fields["entered"], zone=zone, formats=formats, end_of_day=False)
    if entered is not None and entered > at:
        raise RowRefusedError("entered after the list was built")
    priority = fields["priority"].strip()
    return HotListRow(
        plate=plate,
        category=allowed.category,
        priority=clean_priority(priority) if priority else allowed.priority or mapping.defaults.priority,
        state=clean_state(fields["state"]) or mapping.defaults.state,
        expires=expires,
        reference=clean_reference(fields["reference"]),
    )
