"""The cells of SQLite's b-tree pages, read as https://sqlite.org/fileformat2.html describes them."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from platepost.device.outbox.salvage.pages import USABLE, Image

TABLE_LEAF, TABLE_INTERIOR, INDEX_LEAF, INDEX_INTERIOR = 0x0D, 0x05, 0x0A, 0x02
Value: TypeAlias = int | float | str | bytes | None
Overflow: TypeAlias = Callable[[int], Image | None]
"""Gives a page by its number."""
_MOST = 4 * 1024 * 1024
"""No record is larger; a length that says so is damage."""


class DamagedCellError(Exception):
    """A cell makes no sense."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of a table (`rowid`, values) or entry of an index (values, the last the rowid)."""

    rowid: int
    values: tuple[Value, ...]
    place: int
    """Where on its page it begins."""


def kind(image: Image) -> int:
    """Return the type of a b-tree page."""
    return image.content[_start(image)]


def children(image: Image) -> list[int]:
    """Return the pages below an interior page, or none."""
    if kind(image) not in {TABLE_INTERIOR, INDEX_INTERIOR}:
        return []
    below = [struct.unpack_from(">I", image.content, place)[0] for place in _places(image) if place <= USABLE - 4]
    return [*below, struct.unpack_from(">I", image.content, _start(image) + 8)[0]]


def cells(image: Image, overflow: Overflow) -> Iterator[Cell]:
    """Yield the cells of a page that make sense; of an interior index page those between its children."""
    page = kind(image)
    if page not in {TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR}:
        return
    for place in _places(image):
        found = cell_at(image, place, overflow)
        if found is not None:
            yield found


def cell_at(image: Image, place: int, overflow: Overflow) -> Cell | None:
    """Return the cell that begins at a place of a page, or None if it makes no sense."""
    try:
        return _cell(image.content, place, kind(image), overflow)
    except (DamagedCellError, IndexError, struct.error, UnicodeDecodeError):
        return None


def _start(image: Image) -> int:
    return 100 if image.number == 1 else 0


def _places(image: Image) -> list[int]:
    start = _start(image)
    interior = kind(image) in {TABLE_INTERIOR, INDEX_INTERIOR}
    (count,) = struct.unpack_from(">H", image.content, start + 3)
    first = start + (12 if interior else 8)
    count = min(count, (USABLE - first) // 2)
    return list(struct.unpack_from(f">{count}H", image.content, first))


def _cell(content: bytes, place: int, page: int, overflow: Overflow) -> Cell:
    begin = place
    if page == INDEX_INTERIOR:
        place += 4
    length, place = _varint(content, place)
    rowid = 0
    if page == TABLE_LEAF:
        rowid, place = _varint(content, place)
    if length > _MOST:
        raise DamagedCellError
    values = _values(_payload(content, place, length, table=page == TABLE_LEAF, overflow=overflow))
    return Cell(_signed(rowid), values, begin)


def _payload(content: bytes, place: int, length: int, *, table: bool, overflow: Overflow) -> bytes:
    most = USABLE - 35 if table else (USABLE - 12) * 64 // 255 - 23
    local = length
    if length > most:
        least = (USABLE - 12) * 32 // 255 - 23
        local = least + (length - least) % (USABLE - 4)
        local = local if local <= most else least
    payload = bytearray(content[place : place + local])
    if local < length:
        (following,) = struct.unpack_from(">I", content, place + local)
        while len(payload) < length:
            image = overflow(following)
            if image is None:
                raise DamagedCellError
            (following,) = struct.unpack_from(">I", image.content)
            payload += image.content[4 : 4 + min(USABLE - 4, length - len(payload))]
    if len(payload) != length:
        raise DamagedCellError
    return bytes(payload)


def _values(payload: bytes) -> tuple[Value, ...]:
    header, place = _varint(payload, 0)
    at = header
    values = []
    while place < header:
        serial, place = _varint(payload, place)
        value, at = _value(payload, at, serial)
        values.append(value)
    if at != len(payload):
        raise DamagedCellError
    return tuple(values)


def _value(payload: bytes, at: int, serial: int) -> tuple[Value, int]:
    if serial in {0, 8, 9}:
        return {0: None, 8: 0, 9: 1}[serial], at
    if serial == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if serial <= 6:
        size = (0, 1, 2, 3, 4, 6, 8)[serial]
        return int.from_bytes(payload[at : at + size], "big", signed=True), at + size
    if serial < 12:
        raise DamagedCellError
    size = (serial - 12) // 2
    piece = payload[at : at + size]
    if len(piece) != size:
        raise DamagedCellError
    return (piece.decode() if serial % 2 else piece), at + size


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = content[place + count]
        if count == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    raise DamagedCellError


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
