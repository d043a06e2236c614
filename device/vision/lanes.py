"""Which lane of the road a place in the picture belongs to, as the post's configuration draws them."""

from collections.abc import Iterable, Sequence
from typing import Protocol


class DrawnLane(Protocol):
    """A lane as it is drawn."""

    @property
    def name(self) -> str:
        """What reads call it."""

    @property
    def outline(self) -> Sequence[float]:
        """x, y of its corners in turn, as shares of the picture's width and height."""


def lane_at(lanes: Iterable[DrawnLane], x: float, y: float) -> str | None:
    """Return the name of the first lane around a place, in shares of the picture's width and height; None of none."""
    return next((lane.name for lane in lanes if _is_inside(lane.outline, x, y)), None)


def _is_inside(outline: Sequence[float], x: float, y: float) -> bool:
    """Whether a place lies within a polygon: a ray from it to the right crosses the outline an odd number of times."""
    corners = list(zip(outline[::2], outline[1::2], strict=True))
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
            inside = not inside
    return inside
