"""Lanes that reads name, drawn on the picture around where their plates pass."""

from collections.abc import Sequence

from pydantic import ValidationError

from platepost.common.language import Phrase
from platepost.device.vision.settings import LaneSettings

_MOST_LANES, _MOST_CORNERS = 8, 20
_DIGITS = 3


class Outlines:
    """The lanes of a post's configuration, and those drawn on the page, which the configuration does not have yet."""

    def __init__(self, lanes: Sequence[LaneSettings] = ()) -> None:
        self._configured = tuple(lanes)
        self.lanes = self._configured
        self.corners: tuple[tuple[float, float], ...] | None = None
        """Of the lane that is being drawn, shares of the picture's width and height; None while none is."""

    @property
    def changed(self) -> bool:
        """Whether the configuration has others."""
        return self.lanes != self._configured

    def begin(self) -> None:
        """Begin to draw a lane.

        Raises:
            ValueError: there are as many as a configuration may have.

        """
        if len(self.lanes) == _MOST_LANES:
            raise ValueError(Phrase("a post can name at most {count} lanes", count=str(_MOST_LANES)))
        self.corners = ()

    def add(self, x: float, y: float) -> None:
        """Add a corner.

        Raises:
            ValueError: no lane is being drawn, it has all corners that it may have, or this one is outside the picture.

        """
        if self.corners is None:
            raise ValueError(Phrase("no lane is being drawn"))
        if len(self.corners) == _MOST_CORNERS:
            raise ValueError(Phrase("a lane can have at most {count} corners", count=str(_MOST_CORNERS)))
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(Phrase("that is outside the picture"))
        self.corners = (*self.corners, (round(x, _DIGITS), round(y, _DIGITS)))

    def undo(self) -> None:
        """Take back the last corner, the lane that has none, or, if none is being drawn, the last lane."""
        if self.corners is None:
            self.lanes = self.lanes[:-1]
        else:
            self.corners = self.corners[:-1] or None

    def keep(self, name: str) -> None:
        """End the lane that is being drawn; it replaces the one that has its name.

        Raises:
            ValueError: it has less than three corners, or no name that reads can carry.

        """
        if self.corners is None or len(self.corners) < 3:
            raise ValueError(Phrase("tap at least three corners of the lane on the picture"))
        try:
            lane = LaneSettings(name=name.strip(), outline=tuple(share for corner in self.corners for share in corner))
        except ValidationError:
            raise ValueError(Phrase("give the lane a name of at most 64 characters, such as left")) from None
        self.lanes = (*(other for other in self.lanes if other.name != lane.name), lane)
        self.corners = None

    def toml(self) -> str:
        """Return the lanes as `post.toml` has them."""
        return "\n".join(
            f"[[passages.lanes]]\nname = {_quoted(lane.name)}\noutline = [{', '.join(map(str, lane.outline))}]\n"
            for lane in self.lanes
        )


def _quoted(text: str) -> str:
    """Return a basic string of TOML; names have no control characters."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
