"""An export as a source of rows: CSV with a header, columns by number, or fixed width, as its mapping says."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from platepost.common.text import printable
from platepost.provisioning.hotlist.cleaner import Cleaner
from platepost.provisioning.hotlist.cleaning import clean_plate
from platepost.provisioning.hotlist.encoding import UNREADABLE, opened
from platepost.provisioning.hotlist.form import MEANINGS, FixedField
from platepost.provisioning.hotlist.lines import LineReader, alone, delimited, fixed
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import HotListRow, RefusedRow, RowRefusedError, SourceError

UNLIMITED = 1 << 32
"""More fields than a row can have."""

NEEDED = ("category", "expires", "distribution")
"""What a row of a list must reach, where its file has it: without, the row would say something else."""

NARROWING = ("category", "state", "reference")
"""What a removal must reach: without, it would take more off the list."""


@dataclass(frozen=True, slots=True)
class Width:
    """How long rows must be, and may be, in fields or in characters; `ends` is where each needed meaning is reached."""

    ends: Mapping[str, int]
    shortest: int
    longest: int = UNLIMITED

    @classmethod
    def of(cls, ends: Mapping[str, int], needed: Iterable[str], *, longest: int = UNLIMITED) -> "Width":
        """Take from the ends of a file's fields those of the needed meanings."""
        reached = {meaning: ends[meaning] for meaning in needed if meaning in ends}
        return cls(reached, max(reached.values(), default=0), longest)

    def fault(self, length: int) -> str:
        """Return why a row of this length, which is not between the shortest and the longest, is not whole."""
        if length > self.longest:
            return "more fields than the header: a delimiter that is not quoted?"
        return f"cut short before its {next(meaning for meaning, end in self.ends.items() if end > length)}"


Record = tuple[int, tuple[str, ...]]
"""The line on which a row begins, and its fields in the order of `form.MEANINGS`; empty where there is none."""

OPTIONAL_FIELDS = ("state", "expires", "reference", "distribution")
"""Fields of which it is said where an export has none: without them a row says more, or less, than was meant."""

_LONGEST_SHOWN = 1000

_PLATE, _CATEGORY = MEANINGS.index("plate"), MEANINGS.index("category")


class ExportReader:
    """One export, open."""

    def __init__(
        self, path: Path, file: TextIO, mapping: SourceMapping, *, needed: frozenset[str], whole: Sequence[str]
    ) -> None:
        self.path = path
        self._file = file
        self._mapping = mapping
        self._needed = needed
        self._whole = () if mapping.source.trimmed else whole
        self._lines = LineReader(file, mapping.source)
        self.several = 0
        """How many rows ran over several lines."""
        self.without: tuple[str, ...] = ()
        """Fields that the file has not, of those in OPTIONAL_FIELDS."""

    @property
    def position(self) -> int:
        """How many bytes of the file have been taken."""
        return self._file.buffer.tell()

    @property
    def ignored(self) -> int:
        """How many lines the mapping took for no rows."""
        return self._lines.ignored

    def records(self) -> Iterator[Record | RefusedRow]:
        """Yield every row's fields, or why it cannot be taken apart, in the file's order.

        Raises SourceError when a column is not there that must be.
        """
        if self._mapping.source.form == "fixed":
            yield from self._fixed()
        else:
            yield from self._delimited()

    def _delimited(self) -> Iterator[Record | RefusedRow]:
        rows = delimited(self._lines, self._mapping.source)
        columns = self._mapping.columns
        if not self._mapping.source.header:
            numbers: dict[str, object] = dict(columns.given())
            header: list[str] = []
        else:
            numbers = columns.model_dump()
            header = self._header(next(rows, (1, [])))
        ends = {
            meaning: column if isinstance(column, int) else self._find(str(column), meaning, header)
            for meaning, column in numbers.items()
        }
        longest = len(header) if self._mapping.source.header else UNLIMITED
        ends = {meaning: end for meaning, end in ends.items() if 1 <= end <= longest}
        self._check(ends.keys(), header)
        whole = Width.of(ends, self._whole, longest=longest)
        # A field that is not there is the one that is added at the end of every row.
        ordered = [ends.get(meaning, 0) - 1 for meaning in MEANINGS]
        taken = self._lines.taken
        pick, width = itemgetter(*ordered), max(ordered) + 1
        for record in rows:
            if isinstance(record, RefusedRow):
                yield record
                continue
            line, row = record
            if len(taken) > 1:
                fields = len(header) or len(row)
                if any(self._is_row(alone(text, self._mapping.source), fields, ordered) for text in taken[1:]):
                    yield RefusedRow(self._lines.put_back(), "a quote that runs over other rows")
                    continue
                self.several += 1
            if not any(row):
                continue
            if not whole.shortest <= len(row) <= longest:
                yield RefusedRow(line, whole.fault(len(row)))
                continue
            row.extend([""] * max(1, width - len(row)))
            row.append("")
            yield line, pick(row)

    def _is_row(self, row: list[str], fields: int, ordered: list[int]) -> bool:
        """Whether a line that stands within a row would by itself be one that is fit for the list."""
        if len(row) != fields:
            return False
        plate, category = (row[at] if 0 <= at < fields else "" for at in (ordered[_PLATE], ordered[_CATEGORY]))
        try:
            clean_plate(plate)
            if category.strip() or "category" in self._needed:
                self._mapping.allow(category)
        except RowRefusedError:
            return False
        return True

    def _fixed(self) -> Iterator[Record | RefusedRow]:
        column_names = self._mapping.columns.given()
        self._check(column_names.keys(), [])
        places = {meaning: place for meaning, place in column_names.items() if isinstance(place, FixedField)}
        slices = [places[meaning].slice() if meaning in places else slice(0) for meaning in MEANINGS]
        whole = Width.of({meaning: place.start for meaning, place in places.items()}, self._whole)
        last = max(place.stop for place in slices)
        for line, text in fixed(self._lines):
            if len(text) < whole.shortest:
                yield RefusedRow(line, whole.fault(len(text)))
            elif UNREADABLE in text[:last]:
                # One such mark may stand for several bytes: what follows it is not at its place.
                yield RefusedRow(line, "bytes that are not of the file's encoding")
            else:
                yield line, tuple(text[place] for place in slices)

    def _header(self, record: tuple[int, list[str]] | RefusedRow) -> list[str]:
        if isinstance(record, RefusedRow):
            raise SourceError(f"{self.path}: the header cannot be read: {record.reason}")
        return [name.strip() for name in record[1]]

    def _find(self, column: str, meaning: str, header: list[str]) -> int:
        """Return a column's number by its name, 0 where it is not there."""
        columns = [number for number, name in enumerate(header, 1) if name == column]
        columns = columns or [number for number, name in enumerate(header, 1) if name.casefold() == column.casefold()]
        if len(columns) > 1:
            places = " and ".join(map(str, columns))
            raise SourceError(
                f"{self.path}: column {column!r} for the {meaning} is there several times, as number {places}; "
                f"say in the mapping's [columns] which it is: {meaning} = {columns[0]}"
            )
        return columns[0] if columns else 0

    def _check(self, present: Container[str], header: list[str]) -> None:
        self.without = tuple(meaning for meaning in OPTIONAL_FIELDS if meaning not in present)
        # What a mapping names must be there: a covert list whose column is called otherwise would become an open one.
        needed = self._needed | self._mapping.columns.given().keys()
        for meaning in MEANINGS:
            if meaning in needed and meaning not in present:
                column = getattr(self._mapping.columns, meaning)
                header_text = f"the file has: {_shown(header) or 'no header'}"
                raise SourceError(f"{self.path}: no column {column!r} for the {meaning}; {header_text}")


def _shown(header: list[str]) -> str:
    """Return a header for people to look at: short, and without what a terminal would obey."""
    return printable(", ".join(header)[:_LONGEST_SHOWN])


@contextmanager
def open_source(path: Path, mapping: SourceMapping, *, plates_only: bool = False) -> Iterator[ExportReader]:
    """Open an export; with `plates_only` no category is needed. Raises SourceError when the file cannot be read."""
    needed = {"plate"} if plates_only or mapping.defaults.category else {"plate", "category"}
    with opened(path, mapping.source.encoding) as file:
        yield ExportReader(path, file, mapping, needed=frozenset(needed), whole=NARROWING if plates_only else NEEDED)


def read_rows(
    path: Path, mapping: SourceMapping, *, at: datetime, forbid: Callable[[HotListRow], str | None] | None = None
) -> Iterator[HotListRow | RefusedRow]:
    """Yield every row of an export, cleaned or refused, in the file's order.

    Args:
        path: the export.
        mapping: its form, columns and allowed categories.
        at: when the list is built (aware): rows that had expired by then, or are entered later, are refused.
        forbid: returns why a cleaned row is refused all the same, or None.

    Raises:
        SourceError: the file cannot be read, or lacks the plate's column, or the category's where the mapping has no
            default.

    """
    clean = Cleaner(mapping, at=at).clean
    with open_source(path, mapping) as source:
        for record in source.records():
            if isinstance(record, RefusedRow):
                yield record
                continue
            line, fields = record
            try:
                row = clean(fields)
                why = forbid(row) if forbid is not None else None
                yield row if why is None else RefusedRow(line, why)
            except RowRefusedError as refusal:
                yield RefusedRow(line, str(refusal))
