"""The department's map as a drawing: outline and posts, without tiles of anyone else."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from platepost.department.search.places import Places, Point

_WIDTH = 1000.0
_MARGIN = 40.0


@dataclass(frozen=True, slots=True)
class MapPost:
    """A post on the drawing."""

    post: str
    x: float
    y: float
    count: int
    """Reads there; 0 where that is not shown."""


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """What the drawing has, in units of its view box."""

    width: int
    height: int
    outline: str
    """Path of an SVG."""
    posts: tuple[MapPost, ...]


def drawn_map(places: Places, counts: Mapping[str, int] | None = None) -> DrawnMap | None:
    """Draw the outline and the posts, as wide as they are; None if no place is known."""
    points = [*places.posts.values(), *(point for ring in places.outline for point in ring)]
    if not points:
        return None
    west, east = (pick(longitude for longitude, _ in points) for pick in (min, max))
    south, north = (pick(latitude for _, latitude in points) for pick in (min, max))
    narrow = math.cos(math.radians((south + north) / 2))
    scale = (_WIDTH - 2 * _MARGIN) / max((east - west) * narrow, (north - south) * 0.8, 1e-6)

    def at(point: Point) -> tuple[float, float]:
        longitude, latitude = point
        return round(_MARGIN + (longitude - west) * narrow * scale, 1), round(_MARGIN + (north - latitude) * scale, 1)

    outline = " ".join(f"M{' '.join('{},{}'.format(*at(point)) for point in ring)}Z" for ring in places.outline)
    posts = tuple(
        MapPost(post, *at(point), (counts or {}).get(post, 0)) for post, point in sorted(places.posts.items())
    )
    return DrawnMap(int(_WIDTH), int(2 * _MARGIN + (north - south) * scale), outline, posts)
