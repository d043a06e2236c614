"""The street map: the department's own tiles, its posts, a hit, and where its plate was read before.

The tiles come from one PMTiles file in the department's folder. Nothing is fetched from anyone else: without the file
the map has posts and no streets, and without WebGL the page has the same places as a list.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType

from platepost.department.search.errors import PlacesError
from platepost.department.search.places import CameraView, Places, Point
from platepost.department.web.moments import date_text, second

_MOST_POSTS = 20
"""Around a hit."""
_TRIP_GAP = timedelta(hours=1)
"""Between two reads of a plate, up to which they are taken for one trip."""


@dataclass(frozen=True, slots=True)
class MapPlace:
    """Something on the map, and its line in the list."""

    post: str
    text: str
    longitude: float | None = None
    """Degrees, WGS 84; None where the place is not known, so that it stands in the list alone."""
    latitude: float | None = None
    heading: float | None = None
    """Of a post, where its camera looks; of a hit, where the vehicle went. Degrees clockwise from north."""
    angle: float = 0.0
    """Of a post: degrees."""
    reach: float = 0.0
    """Of a post: meters."""
    line: str = ""
    """Of a read of a way: all that its line in the list states."""
    trip: int = 0
    """Of a read of a way: which trip it belongs to; a line joins the reads of a trip."""

    @property
    def coordinates(self) -> str:
        """Latitude and longitude for people, to about a meter; empty where they are not known."""
        if self.latitude is None or self.longitude is None:
            return ""
        return f"{self.latitude:.5f}, {self.longitude:.5f}"


@dataclass(frozen=True, slots=True)
class StreetMap:
    """What one map shows."""

    posts: tuple[MapPlace, ...]
    hit: MapPlace | None = None
    trail: tuple[MapPlace, ...] = ()
    """Reads of a plate, the earliest first: those before a hit, or of a page. Or posts with reads: see `joined`."""
    joined: bool = True
    """Whether a line joins the trail."""
    label: str = ""
    """What the list calls the hit, if it is none."""

    @property
    def json(self) -> str:
        """What the page's script draws."""
        tiles = tile_source(settings.TILES_FILE)
        return json.dumps({**asdict(self), "tiles": tiles and tiles.described()})

    @property
    def tiles_address(self) -> str:
        """The address of a tile, with MapLibre's marks for its place."""
        address = reverse("search_tile", kwargs={"zoom": 1, "column": 2, "row": 3})
        return address.replace("1/2/3", "{z}/{x}/{y}")


def street_map(
    places: Places, *, hit: MapPlace | None = None, trail: Sequence[tuple[str, datetime]] = ()
) -> StreetMap | None:
    """Return a map of the posts, with a hit and earlier reads by post and time; None where no place is known."""
    posts = tuple(_post(post, point, places.views.get(post)) for post, point in sorted(places.posts.items()))
    if hit is not None and hit.coordinates:
        posts = tuple(sorted(sorted(posts, key=partial(_apart, hit))[:_MOST_POSTS], key=lambda post: post.post))
    if not posts and (hit is None or not hit.coordinates):
        return None
    if hit is None:
        return StreetMap(posts, trail=_way(places, trail))
    reads = (_place(places, post, date_text(at, "g:i:s A")) for post, at in trail)
    return StreetMap(posts, hit, tuple(reads))


def _way(places: Places, trail: Sequence[tuple[str, datetime]]) -> tuple[MapPlace, ...]:
    """Return reads of a plate, numbered and by trips, the earliest first."""
    trip, reads = 0, []
    for number, (post, at) in enumerate(trail, start=1):
        if number > 1 and at - trail[number - 2][1] > _TRIP_GAP:
            trip += 1
        read = _place(places, post, f"{number}: {date_text(at, 'M j, g:i A')}")
        reads.append(replace(read, line=f"{number}: {second(at)}, {places.name_of(post)}", trip=trip))
    return tuple(reads)


def map_of_counts(places: Places, counts: Mapping[str, int]) -> StreetMap | None:
    """Return a map of the posts that counts how many vehicles each has seen; None where no place is known."""
    drawn = street_map(places)
    seen = tuple(_place(places, post, str(count)) for post, count in counts.items() if count)
    return replace(drawn, trail=seen, joined=False) if drawn is not None else None


def located(place: MapPlace, places: Places) -> MapPlace:
    """Return a place with the coordinates and the address of its post, where it has none itself."""
    view = places.views.get(place.post)
    text = view.address if view is not None and view.address and place.text == place.post else place.text
    if place.coordinates or place.post not in places.posts:
        return MapPlace(place.post, text, place.longitude, place.latitude, place.heading)
    return MapPlace(place.post, text, *places.posts[place.post], place.heading)


def _apart(hit: MapPlace, post: MapPlace) -> float:
    """Return how far a post is from a hit, squared, in degrees of latitude."""
    north, east = ((getattr(post, name) or 0.0) - (getattr(hit, name) or 0.0) for name in ("latitude", "longitude"))
    return north**2 + (east * math.cos(math.radians(hit.latitude or 0.0))) ** 2


def _post(post: str, point: Point, view: CameraView | None) -> MapPlace:
    view = view or CameraView()
    return MapPlace(post, view.address or post, *point, view.heading, view.angle, view.reach)


def _place(places: Places, post: str, text: str) -> MapPlace:
    return MapPlace(post, text, *places.posts.get(post, (None, None)))


class TileSource:
    """A PMTiles file of vector tiles.

    Args:
        source: returns bytes of the file by offset and length.

    Raises:
        PlacesError: it is no such file.

    """

    def __init__(self, source: Callable[[int, int], bytes]) -> None:
        self._reader = Reader(source)
        try:
            self._header: Mapping[str, Any] = self._reader.header()
            metadata = self._reader.metadata()
        except Exception as error:  # the library checks little: whatever a damaged file makes it raise
            raise PlacesError(f"not a PMTiles file: {error!r}") from error
        if self._header["tile_type"] is not TileType.MVT:
            raise PlacesError("not vector tiles (MVT)")
        if self._header["tile_compression"] not in {Compression.GZIP, Compression.NONE}:
            raise PlacesError("tiles must be compressed by gzip, or not at all")
        self._attribution = str(metadata.get("attribution", ""))

    @property
    def is_compressed(self) -> bool:
        """Whether tiles are compressed by gzip."""
        return self._header["tile_compression"] is Compression.GZIP

    def described(self) -> dict[str, Any]:
        """Return what the page's script needs, in JSON's types."""
        return {
            "minzoom": self._header["min_zoom"],
            "maxzoom": self._header["max_zoom"],
            "attribution": self._attribution,
        }

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return a tile as it is in the file; None where there is none.

        Raises:
            PlacesError: the file is damaged.

        """
        if not (0 <= zoom <= self._header["max_zoom"] and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
            return None
        try:
            matches = self._reader.get(zoom, column, row)
        except Exception as error:  # as above
            raise PlacesError(f"the file of tiles is damaged: {error!r}") from error
        return matches


def tile_source(path: Path) -> TileSource | None:
    """Return the department's tiles; None where it has none, or they cannot be read: `check` reports why."""
    try:
        return read_tiles(path)
    except (PlacesError, OSError):
        return None


def read_tiles(path: Path) -> TileSource | None:
    """Return a file of tiles; None if there is none. Raises PlacesError and OSError."""
    return _tiles(path, path.stat().st_mtime_ns) if path.exists() else None


@lru_cache(maxsize=2)
def _tiles(path: Path, changed: int) -> TileSource:
    del changed  # only tells one state of the file from another
    with path.open("rb") as file:
        try:
            return TileSource(MmapSource(file))
        except ValueError as error:  # an empty file cannot be mapped
            raise PlacesError("not a PMTiles file: it is empty") from error
