"""Rows as columns of numbers: what a list keeps of them, keyed, and no plate any more.

Columns come in pieces, each of some thousand rows, so that they can be made in several processes.
"""

import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from platepost.provisioning.hotlist.rows import HotListRow, RowRefusedError
from platepost.wire.hotlist.fingerprints import LONGEST_REFERENCE
from platepost.wire.hotlist.hashing import PlateHash
from platepost.wire.hotlist.keys import fold, normalize
from platepost.wire.hotlist.layout import epoch, is_line

PIECE = 4096
"""Rows of one piece."""

DetailKey = tuple[str, int, str | None, str | None, bool]
"""Category, priority, state, distribution and whether it is safe: what entries share."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A piece of a list, row by row in the source's order; little-endian unsigned numbers in bytes.

    Attributes:
        digests: 32 bytes a row, see `platepost.wire.hotlist.hashing`.
        texts: u32, the fingerprint of the spelling.
        details: u32, index into `shared`.
        expires: u32, seconds since 1970, 0 for never.
        references: u32, 1 + where the reference begins in `heap`, 0 for none.
        shared: the details that occur.
        heap: references one after another, each a byte of length and then UTF-8; none occurs twice.

    """

    digests: bytes
    texts: bytes
    details: bytes
    expires: bytes
    references: bytes
    shared: tuple[DetailKey, ...]
    heap: bytes

    def __len__(self) -> int:
        return len(self.texts) // 4


class ColumnSource(ABC):
    """Whatever a list can be built from."""

    @abstractmethod
    def columns(self, hash_key: bytes) -> Iterator[Columns]:
        """Yield all rows as columns under a list's key; raises RowRefusedError where one does not fit the table."""


class RowSource(ColumnSource):
    """Rows, consumed a piece at a time."""

    def __init__(self, rows: Iterable[HotListRow]) -> None:
        self._rows = rows

    def columns(self, hash_key: bytes) -> Iterator[Columns]:
        """Yield the rows as columns."""
        plate_hash, rows = PlateHash(hash_key), iter(self._rows)
        while piece := list(islice(rows, PIECE)):
            collector = ColumnBuilder(plate_hash)
            for row in piece:
                collector.add(row)
            yield collector.columns()


class ColumnBuilder:
    """Gathers the rows of one piece."""

    def __init__(self, plate_hash: PlateHash) -> None:
        self._hash = plate_hash
        self._digests = bytearray()
        self._texts = array("I")
        self._details = array("I")
        self._expires = array("I")
        self._references = array("I")
        self._heap = bytearray()
        self._shared: dict[DetailKey, int] = {}
        self._starts: dict[str, int] = {}
        self._epochs: dict[datetime, int] = {}

    def add(self, row: HotListRow) -> None:
        """Take a row. Raises RowRefusedError where it does not fit the table."""
        plate, category, priority, state, expires, reference, distribution, safe = row
        text = normalize(plate)
        if not text:
            raise RowRefusedError("a row has no plate")
        self._digests += self._hash.digest(fold(text))
        self._texts.append(self._hash.text_fingerprint(text))
        key = (category, priority, state, distribution, safe)
        self._details.append(self._shared.setdefault(key, len(self._shared)))
        self._expires.append(self._epoch(expires) if expires else 0)
        self._references.append(self._start(reference) if reference else 0)

    def columns(self) -> Columns:
        """Return what was gathered."""
        numbers = (self._texts, self._details, self._expires, self._references)
        texts, details, expires, references = (_little_endian(column) for column in numbers)
        return Columns(
            digests=bytes(self._digests),
            texts=texts,
            details=details,
            expires=expires,
            references=references,
            shared=tuple(self._shared),
            heap=bytes(self._heap),
        )

    def _epoch(self, moment: datetime) -> int:
        seconds = self._epochs.get(moment)
        if seconds is None:
            seconds = self._epochs[moment] = epoch(moment)
        return seconds

    def _start(self, reference: str) -> int:
        start = self._starts.get(reference)
        if start is None:
            data = reference.encode()
            if len(data) > LONGEST_REFERENCE:
                raise RowRefusedError(f"a reference has more than {LONGEST_REFERENCE} bytes")
            if not is_line(reference):
                raise RowRefusedError("a reference has an invisible character")
            start = self._starts[reference] = len(self._heap) + 1
            self._heap.append(len(data))
            self._heap += data
        return start


def _little_endian(column: "array[int]") -> bytes:
    if column.itemsize != 4:
        raise RuntimeError("this machine's unsigned int has not 32 bits")
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
