"""The map of an invented town: its streets as a small PMTiles file, and where its posts stand.

It lies in the Pacific, so no one takes it for a real place. Its tiles have the layers of a Protomaps basemap, as those
have that are cut from OpenStreetMap.
"""

import gzip
import json
import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import write

Point: TypeAlias = tuple[float, float]
"""Longitude and latitude, degrees; within a tile, its units to the east and the south."""
Part: TypeAlias = tuple[str, str, str, Sequence[Point]]
"""Layer, kind, name, and the points of a line; of a ring where the first one is the last, too."""

CENTER: Point = (-125.2, 36.6)
_EXTENT = 4096
_EDGE = 128
"""How far a tile goes beyond its edge."""
_ZOOMS = range(10, 16)
_BLOCK = 0.0022
"""Degrees of latitude between two streets."""
_STREETS = ("1st St", "2nd St", "3rd St", "4th St", "Main St", "6th St", "7th St", "8th St", "9th St")
_AVENUES = (
    "Alder Ave",
    "Birch Ave",
    "Cedar Ave",
    "Dogwood Ave",
    "Elm Ave",
    "Fir Ave",
    "Grove Ave",
    "Hazel Ave",
    "Iris Ave",
)
_MAIN = {"Main St", "Elm Ave"}
_ATTRIBUTION = "An invented town"


def write_town(folder: Path, posts: Sequence[str]) -> None:
    """Write `places.geojson` and `streets.pmtiles` into a department's folder.

    Args:
        folder: the department's.
        posts: by name; each stands at a corner of its own, and looks along its street.

    """
    features = []
    for number, post in enumerate(posts):
        column, row = 2 + number * 3 % 6, 4 if number % 2 == 0 else 2 + number % 5
        longitude, latitude = corner(column, row)
        heading = 90 if number % 2 == 0 else 0
        metadata = {
            "post": post,
            "address": f"{_STREETS[row]} at {_AVENUES[column]}",
            "heading": heading,
            "angle": 34,
            "reach": 25,
        }
        features.append(
            {
                "type": "Feature",
                "properties": metadata,
                "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
            }
        )
    outline = [[corner(0, 0), corner(8, 0), corner(8, 8), corner(0, 8), corner(0, 0)]]
    features.append(
        {"type": "Feature", "properties": {"outline": True}, "geometry": {"type": "Polygon", "coordinates": outline}}
    )
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "places.geojson").write_text(text, encoding="utf-8")
    write_tiles(folder / "streets.pmtiles")


def corner(column: float, row: float) -> Point:
    """Return where a street and an avenue cross, by their numbers from the southwest."""
    wide = _BLOCK / math.cos(math.radians(CENTER[1])) * 1.4
    return round(CENTER[0] + (column - 4) * wide, 6), round(CENTER[1] + (row - 4) * _BLOCK, 6)


def write_tiles(path: Path) -> None:
    """Write the streets as a PMTiles file."""
    parts = list(_parts())
    west, south, east, north = *corner(-1, -1), *corner(9, 9)
    with write(str(path)) as writer:
        tiles = sorted(
            (zxy_to_tileid(zoom, column, row), tile)
            for zoom in _ZOOMS
            for column, row in _tiles(zoom, west, south, east, north)
            if (tile := _tile(parts, zoom, column, row))
        )
        for number, tile in tiles:
            writer.write_tile(number, gzip.compress(tile, mtime=0))
        header = {
            "tile_type": TileType.MVT,
            "tile_compression": Compression.GZIP,
            "min_lon_e7": int(west * 1e7),
            "min_lat_e7": int(south * 1e7),
            "max_lon_e7": int(east * 1e7),
            "max_lat_e7": int(north * 1e7),
            "center_zoom": 13,
            "center_lon_e7": int(CENTER[0] * 1e7),
            "center_lat_e7": int(CENTER[1] * 1e7),
        }
        writer.finalize(header, {"attribution": _ATTRIBUTION})


def _parts() -> Iterator[Part]:
    river = [corner(-0.8 + step / 2, 6.4 + 0.5 * math.sin(step / 3)) for step in range(20)]
    bank = [corner(-0.8 + step / 2, 6.75 + 0.5 * math.sin(step / 3)) for step in reversed(range(20))]
    yield "water", "river", "", [*river, *bank, river[0]]
    yield "landuse", "park", "", [corner(5, 1), corner(7, 1), corner(7, 3), corner(5, 3), corner(5, 1)]
    for number, name in enumerate(_STREETS):
        kind = "major_road" if name in _MAIN else "minor_road"
        yield "roads", kind, name, [corner(0, number), corner(8, number)]
    for number, name in enumerate(_AVENUES):
        kind = "major_road" if name in _MAIN else "minor_road"
        yield "roads", kind, name, [corner(number, 0), corner(number, 8)]


def _tiles(zoom: int, west: float, south: float, east: float, north: float) -> Iterator[tuple[int, int]]:
    left, top = (int(pixel) for pixel in _mercator((west, north), zoom))
    right, bottom = (int(pixel) for pixel in _mercator((east, south), zoom))
    for column in range(left, right + 1):
        for row in range(top, bottom + 1):
            yield column, row


def _mercator(point: Point, zoom: int) -> Point:
    """Return a place in tiles of a zoom, from the northwest."""
    longitude, latitude = point[0], math.radians(point[1])
    down = (1 - math.asinh(math.tan(latitude)) / math.pi) / 2
    return (longitude + 180) / 360 * 2**zoom, down * 2**zoom


def _tile(parts: Iterable[Part], zoom: int, column: int, row: int) -> bytes:
    """Return a vector tile (Mapbox Vector Tile 2.1), empty if nothing is on it."""
    layers: dict[str, list[tuple[str, str, bool, list[Point]]]] = {}
    for layer, kind, name, points in parts:
        placed = [_mercator(point, zoom) for point in points]
        local = [((x - column) * _EXTENT, (y - row) * _EXTENT) for x, y in placed]
        closed = points[0] == points[-1]
        clipped = _clipped_ring(local) if closed else _clipped_line(local)
        if len(clipped) > (2 if closed else 1):
            layers.setdefault(layer, []).append((kind, name, closed, clipped))
    return b"".join(_field(3, _layer(name, features)) for name, features in layers.items())


def _clipped_line(points: Sequence[Point]) -> list[Point]:
    """Return the part of a straight line that is on a tile (Liang and Barsky)."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    begin, end = 0.0, 1.0
    for along, room in (
        (x0 - x1, x0 + _EDGE),
        (x1 - x0, _EXTENT + _EDGE - x0),
        (y0 - y1, y0 + _EDGE),
        (y1 - y0, _EXTENT + _EDGE - y0),
    ):
        if along == 0:
            if room < 0:
                return []
        elif along < 0:
            begin = max(begin, room / along)
        else:
            end = min(end, room / along)
    if begin >= end:
        return []
    return [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share) for share in (begin, end)]


def _clipped_ring(points: Sequence[Point]) -> list[Point]:
    """Return the part of a ring that is on a tile (Sutherland and Hodgman), without its last point."""
    ring = list(points[:-1])
    for axis, limit, sign in ((0, -_EDGE, 1), (0, _EXTENT + _EDGE, -1), (1, -_EDGE, 1), (1, _EXTENT + _EDGE, -1)):
        cut: list[Point] = []
        for number, point in enumerate(ring):
            before = ring[number - 1]
            inside, was = (sign * (corner[axis] - limit) >= 0 for corner in (point, before))
            if inside != was:
                share = (limit - before[axis]) / (point[axis] - before[axis])
                cut.append((before[0] + (point[0] - before[0]) * share, before[1] + (point[1] - before[1]) * share))
            if inside:
                cut.append(point)
        ring = cut
    return ring


def _layer(name: str, features: Sequence[tuple[str, str, bool, list[Point]]]) -> bytes:
    values: list[str] = []
    encoded = bytearray(_field(1, name.encode()))
    for kind, text, closed, points in features:
        tags = bytearray()
        for key, value in enumerate((kind, text)):
            if value:
                if value not in values:
                    values.append(value)
                tags += _varint(key) + _varint(values.index(value))
        shape = _geometry(points, closed=closed)
        feature = _field(2, bytes(tags)) + _varint(3 << 3) + _varint(3 if closed else 2) + _field(4, shape)
        encoded += _field(2, feature)
    for column in ("kind", "name"):
        encoded += _field(3, column.encode())
    for value in values:
        encoded += _field(4, _field(1, value.encode()))
    return bytes(encoded) + _varint(5 << 3) + _varint(_EXTENT) + _varint(15 << 3) + _varint(2)


def _geometry(points: Sequence[Point], *, closed: bool) -> bytes:
    """Return a line or a ring as commands: one point to move to, and the others to draw to."""
    encoded, at = bytearray(), (0, 0)
    if closed and _area(points) < 0:  # an outer ring goes clockwise, seen with south below
        points = points[::-1]
    for number, (x, y) in enumerate(points):
        if number < 2:
            encoded += _varint(1 << 3 | 1 if number == 0 else (len(points) - 1) << 3 | 2)
        place = round(x), round(y)
        encoded += _zigzag(place[0] - at[0]) + _zigzag(place[1] - at[1])
        at = place
    return bytes(encoded) + (_varint(1 << 3 | 7) if closed else b"")


def _area(points: Sequence[Point]) -> float:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True)) / 2


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded += struct.pack("B", value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + struct.pack("B", value)
