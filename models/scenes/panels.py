"""What has a plate's shape and no letters: bare panels, grilles, lamps, panes in their frames, whole tails of cars."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]


def render_panel(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one of the kinds below, 24 to 300 wide, BGR [h, w, 3], with a faint tint."""
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
    height = int(np.exp(rng.uniform(np.log(16), np.log(110))))
    width = int(np.clip(height * np.exp(rng.uniform(np.log(1.1), np.log(5))), 24, 300))
    return _tinted(rng, kind(rng, height, width))


def render_tail(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the back of a car as blocks, 120 to 300 wide, BGR [h, w, 3], with a faint tint."""
    return _tinted(rng, _tail(rng, 0, int(rng.integers(120, 301))))


def _tinted(rng: np.random.Generator, gray: Gray) -> NDArray[np.uint8]:
    return np.clip(gray[..., None] * rng.uniform(0.7, 1.0, 3), 0, 255).astype(np.uint8)


def _bare(rng: np.random.Generator, height: int, width: int) -> Gray:
    return _sheen(rng, np.full((height, width), _level(rng), np.float32))


def _grille(rng: np.random.Generator, height: int, width: int) -> Gray:
    y, x = np.mgrid[:height, :width]
    dark, light = sorted((_level(rng), _level(rng)))
    stripes = np.sin((y if rng.random() < 0.6 else x) * rng.uniform(0.3, 1.5)) > rng.uniform(-0.6, 0.6)
    return np.where(stripes, light, dark).astype(np.float32)


def _chequered(rng: np.random.Generator, height: int, width: int) -> Gray:
    y, x = np.mgrid[:height, :width]
    size = int(rng.integers(3, 12))
    return np.where((y // size + x // size) % 2, _level(rng), _level(rng)).astype(np.float32)


def _glow(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Draw a lamp that is lit: brightest somewhere within."""
    y, x = np.mgrid[:height, :width]
    dark, light = sorted((_level(rng), _level(rng)))
    top, left = rng.uniform(0.3, 0.7, 2)
    distance = ((y / height - top) ** 2 + (x / width - left) ** 2) * rng.uniform(2, 6)
    glow: Gray = (dark + (light - dark) * np.clip(1 - distance, 0, 1)).astype(np.float32)
    return glow


def _lens(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Draw a lamp that is not lit: one to three fields side by side, ribbed now and then, in a thin rim."""
    gray = np.empty((height, width), np.float32)
    edges = [0, *sorted(int(edge) for edge in rng.integers(0, width, rng.integers(0, 3))), width]
    for left, right in pairwise(edges):
        gray[:, left:right] = _level(rng)
    if rng.random() < 0.4:
        ribs = np.sin(np.arange(width) * rng.uniform(0.4, 1.8)) * rng.uniform(4, 25)
        gray += ribs.astype(np.float32)
    rim = int(rng.integers(0, max(2, height // 10)))
    if rim:
        gray[:rim] = gray[-rim:] = gray[:, :rim] = gray[:, -rim:] = _level(rng)
    return _sheen(rng, gray)


def _pane(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Draw a window in its frame, the sides of unlike thickness, at times with a wiper or a second pane."""
    gray = np.full((height, width), _level(rng), np.float32)
    left, top, right, bottom = (int(side) for side in rng.integers(1, max(2, height // 5), 4))
    inside = _sheen(rng, np.full((height - top - bottom, width - left - right), _level(rng), np.float32))
    if rng.random() < 0.3:
        start = (int(rng.integers(inside.shape[1])), inside.shape[0])
        end = (int(rng.integers(inside.shape[1])), int(inside.shape[0] * rng.uniform(0.3, 0.9)))
        cv2.line(inside, start, end, _level(rng), int(rng.integers(1, 3)))
    if rng.random() < 0.3:
        bar = int(rng.integers(inside.shape[1]))
        inside[:, bar : bar + int(rng.integers(1, 5))] = _level(rng)
    gray[top : height - bottom, left : width - right] = inside
    return gray


def _tail(rng: np.random.Generator, height: int, width: int) -> Gray:
    """Draw a car's back as blocks: body, pane, a lamp on either side, a bumper, and no plate in its recess."""
    height = max(height, int(width * rng.uniform(0.5, 1.0)))
    body = _level(rng)
    gray = _sheen(rng, np.full((height, width), body, np.float32))
    margin, top, bottom = rng.uniform(0.04, 0.15), rng.uniform(0.03, 0.1), rng.uniform(0.28, 0.45)
    _put(rng, gray, (margin, top, 1 - margin, bottom), _pane if rng.random() < 0.5 else _bare)
    lamp = _glow if rng.random() < 0.3 else _lens
    wide, low, high = rng.uniform(0.08, 0.25), rng.uniform(0.45, 0.55), rng.uniform(0.56, 0.72)
    edge = rng.uniform(0, 0.06)
    _put(rng, gray, (edge, low, edge + wide, high), lamp)
    placed = gray[int(low * height) : int(high * height), int(edge * width) : int((edge + wide) * width)]
    right = width - int(edge * width)
    gray[int(low * height) : int(high * height), right - placed.shape[1] : right] = placed[:, ::-1]
    if rng.random() < 0.6:
        _put(rng, gray, (0, rng.uniform(0.75, 0.88), 1, rng.uniform(0.9, 1)), _bare)
    if rng.random() < 0.5:  # the recess
        middle, half = rng.uniform(0.4, 0.6), rng.uniform(0.1, 0.2)
        _put(rng, gray, (middle - half, low, middle + half, low + half * rng.uniform(0.5, 1.2)), _bare)
    return gray


def _put(
    rng: np.random.Generator,
    gray: Gray,
    place: tuple[float, float, float, float],
    kind: Callable[[np.random.Generator, int, int], Gray],
) -> None:
    """Draw a thing into left, top, right, bottom, shares of the picture's width and height."""
    height, width = gray.shape
    left, top, right, bottom = (
        int(share * size) for share, size in zip(place, (width, height, width, height), strict=True)
    )
    if right - left > 7 and bottom - top > 7:
        gray[top:bottom, left:right] = kind(rng, bottom - top, right - left)


def _sheen(rng: np.random.Generator, gray: Gray) -> Gray:
    """Let half of the things be lighter towards one side, as what mirrors the sky is."""
    if rng.random() < 0.5:
        return gray
    height, width = gray.shape
    across, down = rng.normal(0, 20, 2)
    slope = np.linspace(-across, across, width)[None] + np.linspace(-down, down, height)[:, None]
    lit: Gray = (gray + slope).astype(np.float32)
    return lit


def _level(rng: np.random.Generator) -> float:
    """Return a gray value; dark ones as often as all others, for glass, grilles and recesses are."""
    return float(rng.uniform(0, 80) if rng.random() < 0.5 else rng.uniform(0, 255))


_KINDS: Final = (_bare, _grille, _chequered, _glow, _lens, _pane, _tail)
_SHARES: Final = (0.12, 0.12, 0.06, 0.1, 0.2, 0.25, 0.15)
