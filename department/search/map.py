"""The department's map as a drawing: outline and posts, without tiles of anyone else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from platepost.department.search.places import Places, Point

_WIDTH = 1000.0
_MARGIN = 40.0
_TEXT_HEIGHT, _CHARACTER = 26.0, 15.0
"""Of a post's name, as the style sheet draws it."""
_APART = 18.0
"""From the middle of a post to its name: its circle, and a little more."""


@dataclass(frozen=True, slots=True)
class MapPost:
    """A post on the drawing."""

    post: str
    x: float
    y: float
    text_x: float = 0.0
    """The middle of its name."""
    text_y: float = 0.0


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """What the drawing has, in units of its view box."""

    width: int
    height: int
    outline: str
    """Path of an SVG."""
    posts: tuple[MapPost, ...]


def drawn_map(places: Places) -> DrawnMap | None:
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
    posts = [MapPost(post, *at(point)) for post, point in sorted(places.posts.items())]
    return DrawnMap(int(_WIDTH), int(2 * _MARGIN + (north - south) * scale), outline, _with_names(posts))


def _with_names(posts: Sequence[MapPost]) -> tuple[MapPost, ...]:
    """Put each post's name below its circle, or where it covers neither a name nor another circle."""
    taken = [_Box(post.x - _APART, post.y - _APART, 2 * _APART, 2 * _APART) for post in posts]
    named = []
    for post in posts:
        width = len(post.post) * _CHARACTER
        beside = _APART + width / 2
        below = _APART + _TEXT_HEIGHT / 2
        sides = ((0.0, below), (0.0, -below), (beside, 0.0), (-beside, 0.0))
        boxes = [_Box.around(_inside(post.x + x, width), post.y + y, width, _TEXT_HEIGHT) for x, y in sides]
        box = next((box for box in boxes if not any(map(box.covers, taken))), boxes[0])
        taken.append(box)
        named.append(replace(post, text_x=box.x + width / 2, text_y=box.y + _TEXT_HEIGHT / 2))
    return tuple(named)


def _inside(middle: float, width: float) -> float:
    """Return where the middle of a name goes, so that none of it is beyond the drawing's edge."""
    return max(width / 2, min(middle, _WIDTH - width / 2))


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> "_Box":
        return cls(x - width / 2, y - height / 2, width, height)

    def covers(self, other: "_Box") -> bool:
        is_beside = self.x + self.width <= other.x or other.x + other.width <= self.x
        is_above = self.y + self.height <= other.y or other.y + other.height <= self.y
        return not (is_beside or is_above)
