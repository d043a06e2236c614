"""An unsealed body most of which lies in a file without a name, so that a large list takes little memory.

The header has the list's hash key, and with it whoever holds the columns can try every serial against them. So the
header stays in memory. The columns without it are pseudorandom numbers, categories, states and times; only references
would be readable, and these are veiled with a key that follows from the hash key. The file is removed from its folder
before anything is written to it: when the process ends, however it ends, nothing is left to open.

The filter stays in memory too: every look-up asks it, all over, and few get beyond it. Of the others' columns a page
may go bad on the disk while the list is in force; then the body is unsealed once more, from the package, into memory.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Protocol, overload

from device.hotlist.body import MemoryBody, Veil
from device.hotlist.errors import HotListUnreadable, Malformed
from device.hotlist.layout import (
    Header,
    Section,
    begin_of_columns,
    extents,
    format_of_type,
    native,
    read_header,
    width_of_type,
)
from device.hotlist.pages import Pages

AGAIN_SECONDS = 60.0
"""How soon a package that could not be read is read again: its look-ups come with every frame, and hold up the next."""

_NUMBERS = 512
"""Numbers of a column that are read at a time: fingerprints fill a page."""


class StoredBody:
    """Such a body. Reading is safe from several threads, once all was written.

    Args:
        length: bytes of the body.
        directory: has room for the file.
        again: returns the whole body in memory, called when the file cannot be read any more; raises HotListUnreadable
            where that cannot be had either.

    """

    def __init__(self, length: int, directory: Path, *, again: Callable[[], memoryview]) -> None:
        self.length, self.written = length, 0
        self.lost = False
        """Whether of something that was asked for neither file nor package could be read."""
        self._tried = 0.0
        self._directory = directory
        self._again = again
        self._head = b""
        self._header: Header | None = None
        self._file: _File | None = None
        self._source: _Source | None = None
        self._lock = Lock()

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises Malformed or UnsupportedFormat when the header is wrong, OSError without room."""
        self.written += len(piece)
        if self._file is None:
            self._head += piece
            begin = begin_of_columns(self._head)
            if begin is None:
                return
            self._head, piece = self._head[:begin], self._head[begin:]
            self._header = read_header(self._head)
            self._file = _File(self._header, extents(self._header, self.length - begin), self._directory)
        self._file.write(piece)

    def end(self) -> None:
        """Take it that all was written. Raises OSError without room."""
        if self._file is not None:
            self._file.pages.end()
            self._source = self._file

    def columns(self) -> tuple[Header, "dict[str, Column]"]:
        """Return header and columns. Raises Malformed when they never began."""
        if self._header is None or self._file is None:
            raise Malformed("the body's header does not fit into the body")
        sections = self._header.sections
        columns: dict[str, Column] = {name: StoredColumn(self, section) for name, section in sections.items()}
        if "filter" in sections:
            columns["filter"] = native(self._file.filter.view, sections["filter"].type)
        return self._header, columns

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the columns. Raises HotListUnreadable when neither the file nor the package gives them."""
        if self._source is None:
            raise ValueError("a body is written first")
        try:
            return self._source.read(start, length)
        except OSError:
            return self._unsealed_again().read(start, length)

    def _unsealed_again(self) -> "_Source":
        with self._lock:
            if isinstance(self._source, _Memory):
                return self._source
            if self.lost and monotonic() - self._tried < AGAIN_SECONDS:
                raise HotListUnreadable("the list cannot be read, nor could its package of late")
            try:
                self._source = _Memory(self._again()[len(self._head) :])
            except HotListUnreadable:
                self.lost, self._tried = True, monotonic()
                raise
            self.lost = False
            return self._source


class StoredColumn:
    """One column of a stored body: a sequence of numbers, a slice of which is bytes."""

    def __init__(self, body: StoredBody, section: Section) -> None:
        self.format: str = format_of_type(section.type)
        self._body = body
        self._type, self._width = section.type, width_of_type(section.type)
        self._begin, self._count = section.offset, section.count
        self._samples: array[int] = array("Q")
        """One number in some hundreds, held ready."""

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytes: ...
    def __getitem__(self, index: int | slice) -> int | bytes:
        """Return a number, counted from the beginning, or the bytes of several. Raises HotListUnreadable."""
        if isinstance(index, slice):
            start, stop, _ = index.indices(self._count)
            return self._body.read(self._begin + start * self._width, max(0, stop - start) * self._width)
        if not 0 <= index < self._count:
            raise IndexError(index)
        return int.from_bytes(self._body.read(self._begin + index * self._width, self._width), "little")

    def __iter__(self) -> Iterator[int]:
        """Yield every number. Raises HotListUnreadable."""
        return chain.from_iterable(map(self._numbers, range(0, self._count, _NUMBERS)))

    def sample(self) -> None:
        """Read through a column that ascends, for `find`. Raises HotListUnreadable."""
        self._samples = array("Q", islice(self, 0, None, _NUMBERS))

    def find(self, number: int) -> int:
        """Return where a number begins, or would, in a column that was sampled. Raises HotListUnreadable."""
        before = max(0, bisect_left(self._samples, number) - 1) * _NUMBERS
        return before + bisect_left(self._numbers(before), number)

    def _numbers(self, index: int) -> memoryview:
        """Return some numbers from one on, as many as one reads at a time."""
        return native(memoryview(self[index : index + _NUMBERS]), self._type)


Column = memoryview | StoredColumn
"""Numbers of a body, wherever they lie."""


class _Source(Protocol):
    def read(self, start: int, length: int) -> bytes: ...


class _Memory:
    def __init__(self, columns: memoryview) -> None:
        self._columns = columns

    def read(self, start: int, length: int) -> bytes:
        return bytes(self._columns[start : start + length])


class _File:
    """Columns on their way into memory, the filter, and into the file, all others; and from there."""

    def __init__(self, header: Header, places: dict[str, range], directory: Path) -> None:
        self._filter = places.get("filter", range(0))
        self._heap = places.get("reference_heap", range(0))
        self._veil = None if header.hash_key is None else Veil(bytes.fromhex(header.hash_key))
        self._written = 0
        self.filter = MemoryBody(len(self._filter))
        self.pages = Pages(directory, without=self._filter)

    def write(self, piece: bytes) -> None:
        start = self._written
        self._written += len(piece)
        self.filter.write(piece[_within(self._filter, start, len(piece))])
        self.pages.write(self._veiled(start, piece))

    def read(self, start: int, length: int) -> bytes:
        return self._veiled(start, self.pages.read(start, length))

    def _veiled(self, start: int, piece: bytes) -> bytes:
        """Return a piece with what of it is the heap veiled, or unveiled."""
        part = _within(self._heap, start, len(piece))
        if self._veil is None or part.start >= part.stop:
            return piece
        veiled = self._veil.apply(start + part.start - self._heap.start, piece[part])
        return piece[: part.start] + veiled + piece[part.stop :]


def _within(place: range, start: int, length: int) -> slice:
    """Return which part of a piece, that begins at `start`, lies in a place."""
    begin = min(max(place.start - start, 0), length)
    return slice(begin, max(begin, min(place.stop - start, length)))
