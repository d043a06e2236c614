"""Small pictures that stand between characters or beside them, and must not be read as any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.models.plates.designs import Color
from platepost.models.plates.fonts import line_of_text
from platepost.models.plates.paint import Box, Picture, any_color, ink


@dataclass(frozen=True)
class _Space:
    """Where a logo goes, and the lengths that its painters share."""

    left: int
    top: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[int, int]:
        return self.left + self.width // 2, self.top + self.height // 2

    @property
    def small(self) -> int:
        return max(3, min(self.width, self.height) // 2)

    @property
    def line(self) -> int:
        return max(1, self.small // 5)


@dataclass(frozen=True)
class _Pens:
    color: Color
    second: Color


_Painter = Callable[[Picture, _Space, _Pens, np.random.Generator], None]


def _open_line(picture: Picture, points: list[tuple[int, int]], color: Color, thickness: int) -> None:
    line = [np.array(points, np.int32)]
    cv2.polylines(picture, line, isClosed=False, color=color, thickness=thickness, lineType=cv2.LINE_AA)


def _tree(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    x, _ = space.middle
    for level in range(int(rng.integers(2, 5))):
        y, half = space.top + space.height * level // 6, space.width * (level + 2) // 12
        shape = np.array([[x, y], [x - half, y + space.height // 3], [x + half, y + space.height // 3]], np.int32)
        cv2.fillPoly(picture, [shape], pens.color, cv2.LINE_AA)
    cv2.line(picture, space.middle, (x, space.top + space.height), pens.color, space.line)


def _cactus(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    x, _ = space.middle
    cv2.line(picture, (x, space.top), (x, space.top + space.height), pens.color, space.line + 1, cv2.LINE_AA)
    for side in (-1, 1):
        y, end = space.top + int(space.height * rng.uniform(0.3, 0.6)), x + side * space.width // 4
        _open_line(picture, [(x, y), (end, y), (end, y - space.height // 4)], pens.color, space.line)


def _wheelchair(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    (x, _), small = space.middle, space.small
    wheel = (x, space.top + space.height * 2 // 3)
    radii = (small // 2 + 1, small // 2 + 1)
    cv2.ellipse(picture, wheel, radii, 0, 0, 290, pens.color, space.line, cv2.LINE_AA)
    cv2.circle(picture, (x - small // 5, space.top + small // 5), max(1, small // 5), pens.color, -1, cv2.LINE_AA)
    back, seat = x - small // 5, wheel[1] - small // 6
    body = [(back, space.top + small // 3), (back, seat), (x + small // 2, seat), (x + small, wheel[1] + small // 2)]
    _open_line(picture, body, pens.color, space.line)


def _blot(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    """Fill a polygon: the outline of a state, or of anything."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 12))))
    reach = rng.uniform(0.3, 1.0, len(angles))
    x = space.middle[0] + np.cos(angles) * reach * space.width / 2
    y = space.middle[1] + np.sin(angles) * reach * space.small
    cv2.fillPoly(picture, [np.stack([x, y], 1).astype(np.int32)], pens.color, cv2.LINE_AA)


def _star(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2, 0.4, 1.0) * space.small
    star = np.stack([space.middle[0] + np.cos(angles) * reach, space.middle[1] + np.sin(angles) * reach], 1)
    cv2.fillPoly(picture, [star.astype(np.int32)], pens.color, cv2.LINE_AA)


def _seal(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    (x, y), small = space.middle, space.small
    cv2.circle(picture, (x, y), small, pens.color, -1, cv2.LINE_AA)
    cv2.circle(picture, (x, y), small * 2 // 3, pens.second, space.line, cv2.LINE_AA)
    cv2.line(picture, (x - small // 2, y), (x + small // 2, y), pens.second, space.line)


def _well(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    (x, y), half = space.middle, (max(2, int(space.width * 0.36)), max(3, int(space.height * 0.3)))
    corners = (x - half[0], y - half[1]), (x + half[0], y + half[1])
    cv2.rectangle(picture, *corners, pens.color, -1)
    cv2.rectangle(picture, *corners, pens.second, 1)
    figure = line_of_text(f"{int(rng.integers(100)):02d}", height=max(3, half[1]), rng=rng)
    ink(picture, figure, left=x - figure.shape[1] // 2, top=y - half[1] // 2, color=pens.second)


def _flag(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    thick = max(1, space.small // 4)
    for row in range(int(rng.integers(2, 4))):
        y = space.middle[1] + (row - 1) * space.small // 2
        left, right = space.left + space.width // 8, space.left + space.width * 7 // 8
        cv2.rectangle(picture, (left, y), (right, y + thick), pens.color, -1)


def _fruit(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    (x, y), small = space.middle, space.small
    for side in (-1, 1):
        centre = (x + side * small // 2, y + int(rng.integers(-small // 2, small // 2 + 1)))
        cv2.circle(picture, centre, small * 2 // 3, (30, int(rng.integers(80, 180)), 250), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (x, y - small // 2), (small, small // 3), 20, 0, 360, (50, 130, 30), -1)


def _shield(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    (x, y), small = space.middle, space.small
    shield = np.array([[-1, -1], [1, -1], [1, 0.2], [0, 1.2], [-1, 0.2]]) * small * 0.8 + (x, y)
    cv2.fillPoly(picture, [shield.astype(np.int32)], pens.color, cv2.LINE_AA)
    cv2.line(picture, (x, y - small // 2), (x, y + small // 2), pens.second, space.line)


def _animal(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    (x, y), small = space.middle, space.small
    body = (max(2, space.width // 3), max(2, small // 2))
    cv2.ellipse(picture, (x, y), body, float(rng.uniform(-20, 20)), 0, 360, pens.color, -1)
    cv2.circle(picture, (x + space.width // 4, y - small // 2), max(1, small // 3), pens.color, -1, cv2.LINE_AA)
    for leg in (x - space.width // 5, x + space.width // 6):
        cv2.line(picture, (leg, y), (leg, y + small), pens.color, space.line)


def _pillar(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    """Draw something tall and narrow, a lighthouse say, which is neither 1 nor I."""
    (x, _), bottom = space.middle, space.top + space.height
    top, foot = max(1, space.width // int(rng.integers(5, 10))), max(2, space.width // int(rng.integers(3, 6)))
    shape = np.array([[x - top, space.top], [x + top, space.top], [x + foot, bottom], [x - foot, bottom]], np.int32)
    cv2.fillPoly(picture, [shape], pens.color, cv2.LINE_AA)
    for y in range(space.top, bottom, max(2, space.height // int(rng.integers(3, 8)))):
        cv2.line(picture, (x - foot, y), (x + foot, y), pens.second, max(1, space.line // 2), cv2.LINE_AA)


def _rider(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    """Draw a tangle of limbs."""
    steps = int(rng.integers(5, 11))
    x = space.left + rng.uniform(0.1, 0.9, steps) * space.width
    y = space.top + rng.uniform(0.05, 0.95, steps) * space.height
    points = [(int(a), int(b)) for a, b in zip(x, y, strict=True)]
    _open_line(picture, points, pens.color, space.line + int(rng.integers(0, 3)))


def _emblem(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    """Draw the badge of a team or club, with its letters in it: they belong to no serial."""
    (x, y), small = space.middle, space.small
    if rng.random() < 0.5:
        cv2.circle(picture, (x, y), small, pens.color, -1 if rng.random() < 0.6 else space.line, cv2.LINE_AA)
    elif rng.random() < 0.5:
        corners = (x - small, y - small * 3 // 4), (x + small, y + small * 3 // 4)
        cv2.rectangle(picture, *corners, pens.color, -1 if rng.random() < 0.6 else space.line)
    letters = "".join("ABCDEFGHIKLMNOPRSTUVWXY0123456789"[int(i)] for i in rng.integers(0, 33, int(rng.integers(1, 4))))
    mask = line_of_text(letters, height=max(4, int(small * rng.uniform(0.7, 1.5))), rng=rng)
    if mask.shape[1] > space.width:
        mask = np.asarray(
            cv2.resize(mask, (max(2, space.width), mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8
        )
    ink(picture, mask, left=x - mask.shape[1] // 2, top=y - mask.shape[0] // 2, color=pens.second)


def _heart(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:  # noqa: ARG001
    turn = np.linspace(0, 2 * np.pi, 40)
    across = np.sin(turn) ** 3
    down = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)) / 16
    _filled(picture, space, np.stack([across, down], 1), pens.color)


def _plus(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    arm = float(rng.uniform(0.25, 0.4))
    quarter = np.array([[arm, -1], [arm, -arm], [1, -arm]])
    outline = np.concatenate([quarter @ np.linalg.matrix_power(np.array([[0, 1], [-1, 0]]), n) for n in range(4)])
    _filled(picture, space, outline, pens.color)


def _hand(picture: Picture, space: _Space, pens: _Pens, rng: np.random.Generator) -> None:
    """Print a child's hand: a palm, four fingers and a thumb."""
    (x, y), small = space.middle, space.small
    palm, wrist = max(2, int(small * 0.45)), y + small // 3
    cv2.circle(picture, (x, wrist), palm, pens.color, -1, cv2.LINE_AA)
    for turn in np.array([-65, -25, -8, 9, 27]) + rng.uniform(-5, 5):
        reach = small * (0.95 if turn < -40 else 1.3)
        tip = (x + int(np.sin(np.radians(turn)) * reach), wrist - int(np.cos(np.radians(turn)) * reach))
        cv2.line(picture, (x, wrist), tip, pens.color, max(1, palm // 3), cv2.LINE_AA)


def _filled(picture: Picture, space: _Space, outline: NDArray[np.float64], color: Color) -> None:
    """Fill an outline [N, 2] that reaches from -1 to 1."""
    points = outline * (space.width / 2, space.height / 2) + space.middle
    cv2.fillPoly(picture, [points.round().astype(np.int32)], color, cv2.LINE_AA)


LOGOS: Final[dict[str, _Painter]] = {
    "tree": _tree, "cactus": _cactus, "wheelchair": _wheelchair, "blot": _blot, "star": _star, "seal": _seal,
    "well": _well, "flag": _flag, "fruit": _fruit, "shield": _shield, "animal": _animal, "pillar": _pillar,
    "rider": _rider, "emblem": _emblem,
}  # fmt: skip
"""What a logo may show."""
_PAINTERS: Final = (*LOGOS.values(), _emblem)


def draw_logo(picture: Picture, box: Box, rng: np.random.Generator, names: Sequence[str] = ()) -> None:
    """Draw a logo into a box of the picture: one of the named, or any."""
    pens = _Pens(any_color(rng), any_color(rng))
    painters = [LOGOS[name] for name in names] or _PAINTERS
    painters[int(rng.integers(len(painters)))](picture, _Space(*box), pens, rng)


_SYMBOLS: Final[tuple[_Painter, ...]] = (_heart, _star, _hand, _plus)


def draw_symbol(picture: Picture, box: Box, rng: np.random.Generator) -> None:
    """Draw a heart, star, hand or plus sign, which California's Kids plates have among the characters."""
    pens = _Pens(any_color(rng), any_color(rng))
    _SYMBOLS[int(rng.integers(len(_SYMBOLS)))](picture, _Space(*box), pens, rng)


def draw_well(picture: Picture, box: Box, rng: np.random.Generator) -> None:
    """Draw a year's sticker in its well between the characters."""
    _well(picture, _Space(*box), _Pens(any_color(rng), any_color(rng)), rng)


def draw_ghost(picture: Picture, rng: np.random.Generator) -> None:
    """Print a portrait, a mountain or a rainbow pale over the whole ground, for a serial to stand on."""
    height, width = picture.shape[:2]
    drawn = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.3:
            centre = (int(rng.uniform(0.2, 0.8) * width), int(rng.uniform(0.6, 1.4) * height))
            reach, deep = int(rng.uniform(0.3, 1.0) * height), max(1, height // 20)
            for ring in range(int(rng.integers(1, 6))):
                cv2.circle(drawn, centre, max(2, reach - ring * deep), any_color(rng), deep, cv2.LINE_AA)
        else:
            left, top = int(rng.uniform(0, 0.8) * width), int(rng.uniform(0, 0.5) * height)
            draw_logo(drawn, (left, top, int(rng.uniform(0.12, 0.4) * width), int(rng.uniform(0.4, 1) * height)), rng)
    if rng.random() < 0.6:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.5, 3))), np.uint8)
    share = float(rng.uniform(0.12, 0.5))
    picture[:] = cv2.addWeighted(drawn, share, picture, 1 - share, 0)
