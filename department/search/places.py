"""The department's own map: where its posts are, its areas, and its outline. A GeoJSON file of the department.

::

    {"type": "FeatureCollection", "features": [
      {"type": "Feature", "properties": {"outline": true}, "geometry": {"type": "Polygon", ...}},
      {"type": "Feature", "properties": {"area": "Downtown"}, "geometry": {"type": "Polygon", ...}},
      {"type": "Feature", "properties": {"area": "Bridges", "posts": ["post-1", "post-7"]}, "geometry": null},
      {"type": "Feature", "properties": {"post": "post-1", "address": "Main St at 5th", "heading": 10, "angle": 30,
       "reach": 25}, "geometry": {"type": "Point", "coordinates": [...]}}
    ]}

Of a post `address`, where its camera looks (`heading`, degrees clockwise from north), how wide (`angle`, degrees), and
how far it reads plates (`reach`, meters) are optional. An area is the posts that it names, or those within its polygon.
Every program that makes maps writes such files.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from platepost.department.search.errors import PatternError, PlacesError

Point: TypeAlias = tuple[float, float]
"""Longitude and latitude, degrees, WGS 84."""
Ring: TypeAlias = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class CameraView:
    """What the map says of a post's camera."""

    address: str = ""
    heading: float | None = None
    """Degrees clockwise from north; None where it is not stated."""
    angle: float = 30.0
    """Degrees from one edge of the picture to the other."""
    reach: float = 25.0
    """Meters up to which it reads plates."""


@dataclass(frozen=True, slots=True)
class Places:
    """Posts, areas and outline."""

    posts: Mapping[str, Point]
    areas: Mapping[str, tuple[str, ...]]
    """The posts of each area, by its name."""
    outline: tuple[Ring, ...] = ()
    views: Mapping[str, CameraView] = field(default_factory=dict)
    """What is stated of posts, by post."""
    damaged: bool = False
    """Whether there is a file that cannot be read."""

    @classmethod
    def read(cls, path: Path) -> "Places":
        """Read a department's file; there is nothing on the map without one.

        Raises:
            PlacesError: it is no such file.

        """
        return _read(path, path.stat().st_mtime_ns) if path.exists() else cls({}, {})

    @classmethod
    def usable(cls, path: Path) -> "Places":
        """Read a department's file; where it cannot be read, nothing is on the map, and `check` says why."""
        try:
            return cls.read(path)
        except (PlacesError, OSError):
            return cls({}, {}, damaged=True)

    def name_of(self, post: str, site: str | None = None) -> str:
        """Return what people call the place of a read: as the post stated it, or the map does, or the post's name."""
        view = self.views.get(post)
        return site or (view.address if view is not None else "") or post

    def posts_of(self, areas: Collection[str]) -> tuple[str, ...]:
        """Return the posts of some areas.

        Raises:
            PatternError: there is no such area, or it has no post.

        """
        for area in areas:
            if not self.areas.get(area):
                raise PatternError(f"there is no post in an area {area!r}")
        return tuple(sorted({post for area in areas for post in self.areas[area]}))


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> Places:
    del changed  # only tells one state of the file from another
    try:
        features = json.loads(path.read_bytes())["features"]
        return _places([(feature["properties"] or {}, feature.get("geometry") or {}) for feature in features])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlacesError(f"{path} is not GeoJSON of posts, areas and an outline: {error!r}") from error


def _places(features: list[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Places:
    posts: dict[str, Point] = {}
    views: dict[str, CameraView] = {}
    for properties, geometry in features:
        if "post" in properties:
            longitude, latitude = geometry["coordinates"][:2]
            posts[str(properties["post"])] = float(longitude), float(latitude)
            numbers = {
                name: float(properties[name])
                for name in ("heading", "angle", "reach")
                if properties.get(name) is not None
            }
            views[str(properties["post"])] = CameraView(str(properties.get("address") or ""), **numbers)
    areas: dict[str, tuple[str, ...]] = {}
    outline: list[Ring] = []
    for properties, geometry in features:
        rings = tuple(_rings(geometry))
        if properties.get("outline"):
            outline += rings
        if "area" in properties:
            inside = (post for post, point in posts.items() if _inside(point, rings))
            areas[str(properties["area"])] = tuple(sorted({*map(str, properties.get("posts", ())), *inside}))
    return Places(posts, areas, tuple(outline), views)


def _rings(geometry: Mapping[str, Any]) -> Iterator[Ring]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    polygons: list[Any] = {"MultiPolygon": coordinates, "Polygon": [coordinates]}.get(str(kind)) or []
    for polygon in polygons:
        for ring in polygon:
            yield tuple((float(longitude), float(latitude)) for longitude, latitude, *_ in ring)


def _inside(point: Point, rings: Collection[Ring]) -> bool:
    """Tell whether a point is within rings, holes taken out: a ray from it crosses them an odd number of times."""
    east, north = point
    crossed = False
    for ring in rings:
        for (x0, y0), (x1, y1) in pairwise(ring):
            if (y0 > north) != (y1 > north) and east < x0 + (north - y0) * (x1 - x0) / (y1 - y0):
                crossed = not crossed
    return crossed
