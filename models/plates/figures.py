"""Silhouettes on the plates of the states, as outlines in the unit square, x to the right and y down."""

import tomllib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_Outline = NDArray[np.float64]


def _outline(points: str) -> _Outline:
    """Read `x,y x,y ...` in hundredths."""
    return np.array([[float(number) for number in point.split(",")] for point in points.split()]) / 100


def _around(reach: NDArray[np.float64]) -> _Outline:
    """Return an outline that reaches so far from the middle, in equal turns from the top."""
    turn = np.arange(len(reach)) * 2 * np.pi / len(reach) - np.pi / 2
    return np.stack([0.5 + reach * np.cos(turn), 0.5 + reach * np.sin(turn)], 1)


def _star(points: int, inner: float) -> _Outline:
    return _around(np.where(np.arange(2 * points) % 2, inner, 0.5))


def _disc(x: float, y: float, across: float, down: float) -> _Outline:
    """Return an ellipse around a middle, in hundredths."""
    return (_around(np.full(24, 0.5)) - 0.5) * (across / 50, down / 50) + (x / 100, y / 100)


def _petals(count: int) -> _Outline:
    return _around(0.28 + 0.22 * np.abs(np.cos(np.linspace(0, np.pi * count, 12 * count, endpoint=False))))


def _heart() -> _Outline:
    turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    rise = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
    return np.stack([0.5 + np.sin(turn) ** 3 / 2, 0.45 - rise / 32], 1)


def _rays() -> tuple[_Outline, ...]:
    """Return the sun of the Zia: four rays in each of four directions."""
    ray = _outline("-2,0 2,0 2,28 -2,28")
    upper = [ray + np.array([x, 0]) for x in (0.38, 0.46, 0.54, 0.62)]
    upright = [*upper, *((0, 1) + one * (1, -1) for one in upper)]
    return _disc(50, 50, 20, 20), *upright, *(one[:, ::-1] for one in upright)


FIGURES: Final[dict[str, tuple[_Outline, ...]]] = {
    "star": (_star(5, 0.2),),
    "sun": (_star(12, 0.36),),
    "flower": (_petals(6),),
    "heart": (_heart(),),
    "fruits": (_disc(30, 62, 29, 36), _disc(70, 62, 29, 36), _outline("40,30 50,2 85,10 62,32")),
    "peach": (_disc(50, 56, 46, 43), _outline("48,20 60,0 95,6 70,24")),
    "branch": (
        _outline("0,10 40,30 70,60 100,70 66,66 40,44 0,22"),
        _disc(72, 82, 12, 18),
        _disc(44, 76, 10, 16),
        _outline("10,10 30,0 24,16 50,6 38,24 60,20 46,34 20,24"),
    ),
    "zia": _rays(),
    "dc": (
        _outline("0,56 100,56 100,70 0,70"),
        _outline("0,80 100,80 100,94 0,94"),
        *(_star(5, 0.2) * 0.3 + (x, 0.1) for x in (0.0, 0.35, 0.7)),
    ),
    "flag": tuple(
        _outline(f"0,{y} 30,{y + 6} 60,{y} 100,{y + 6} 100,{y + 13} 60,{y + 7} 30,{y + 13} 0,{y + 7}")
        for y in (0, 18, 36, 54, 72)
    ),
} | {
    name: tuple(_outline(points) for points in outlines)
    for name, outlines in tomllib.loads(Path(__file__).with_name("figures.toml").read_text(encoding="utf-8")).items()
}
"""By name; a figure is one or more outlines of the same color."""
