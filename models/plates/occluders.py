"""What stands before a plate or sticks to it: tow balls, bolts, bars, leaves, dirt, labels, glare. In gray."""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.surroundings import Gray

Cells = Sequence[tuple[int, int]]
"""First column and the one past the last of each character in a framed picture."""
Alpha = npt.NDArray[np.float32]
"""How much of each pixel is covered, 0 to 1."""
Thing = tuple[Alpha, npt.NDArray[np.float32]]
"""How it covers, and its own gray levels."""
Shape = tuple[int, int]
Point = tuple[float, float]

HIDDEN: Final = 0.65
"""Share of a character's strokes from which on no one can tell it."""
SHOWN: Final = 0.2
"""Share up to which everyone can; between the two no label would be honest."""
_ROWS: Final = (0.24, 0.82)
"""Where in a framed picture the serial's strokes are looked for."""
_TRIES: Final = 12


def obscured(
    picture: Gray, text: str, cells: Cells, rng: np.random.Generator, *, characters: int
) -> tuple[Gray, str] | None:
    """Put something before a plate.

    Args:
        picture: the plate as `platepost.models.plates.framed` gives it; it is left unchanged.
        text: what it says.
        cells: where its characters stand.
        rng: draws what, where and how large.
        characters: how many shall be hidden, neighbors if two; 0 puts it where it hides none.

    Returns:
        The new picture, and the text with `?` for what cannot be told; None where no try left every character
        either hidden or shown.
    """
    strokes = _strokes(picture)
    for _ in range(_TRIES):
        alpha, level = _placed((picture.shape[0], picture.shape[1]), cells, rng, characters)
        shares = [_covered(strokes, alpha, cell) for cell in cells]
        if any(SHOWN < share < HIDDEN for share in shares) or sum(share >= HIDDEN for share in shares) != characters:
            continue
        changed = (picture + (level - picture.astype(np.float32)) * alpha).clip(0, 255).astype(np.uint8)
        return changed, "".join("?" if share >= HIDDEN else c for c, share in zip(text, shares, strict=True))
    return None


def _placed(shape: Shape, cells: Cells, rng: np.random.Generator, characters: int) -> Thing:
    """Draw something over so many characters."""
    height = shape[0]
    usual = float(np.median([right - left for left, right in cells]))
    if characters:
        first = int(rng.integers(len(cells) - characters + 1))
        x = (cells[first][0] + cells[first + characters - 1][1]) / 2
        y, width = height * float(rng.uniform(0.42, 0.62)), usual * (characters - 1 + float(rng.uniform(0.7, 1.5)))
    else:
        x = float(rng.uniform(cells[0][0] - usual, cells[-1][1] + usual))
        y = height * float(rng.choice([rng.uniform(0.05, 0.3), rng.uniform(0.35, 0.65), rng.uniform(0.75, 0.95)]))
        width = usual * float(rng.uniform(0.25, 1.5))
    kinds = (_ball, _bar, _leaf, _dirt, _label, _bolt, _glare)
    weights = (0.3, 0.15, 0.15, 0.15, 0.1, 0.1, 0.05)
    kind: Callable[[Shape, Point, float, np.random.Generator], Thing] = kinds[int(rng.choice(len(kinds), p=weights))]
    alpha, level = kind(shape, (x + usual * float(rng.normal(0, 0.08)), y), width, rng)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.4, 1.2))), np.float32), level


def _ball(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw a tow ball on its neck, or anything round: shaded, with a highlight, often dark."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    radius = width / 2 * float(rng.uniform(1.0, 1.35))
    x, y = at[0], at[1] + float(rng.uniform(-0.1, 0.35)) * radius
    alpha = (((columns - x) ** 2 + (rows - y) ** 2) < radius**2).astype(np.float32)
    if rng.random() < 0.8:
        neck, down = radius * float(rng.uniform(0.35, 0.75)), rng.random() < 0.9
        alpha[(abs(columns - x) < neck) & ((rows > y) if down else (rows < y))] = 1
        if rng.random() < 0.5:
            foot = shape[0] * float(rng.uniform(0.7, 0.95))
            alpha[(abs(columns - x) < neck * rng.uniform(1.5, 3.5)) & (rows > foot)] = 1
    base = float(rng.uniform(10, 80) if rng.random() < 0.7 else rng.uniform(80, 220))
    turn = float(rng.uniform(0, 2 * np.pi))
    shade = ((columns - x) * np.cos(turn) + (rows - y) * np.sin(turn)) / radius
    level = base + shade.clip(-1.5, 1.5) * float(rng.uniform(0, 40))
    if rng.random() < 0.6:
        lx, ly = x + radius * float(rng.uniform(-0.5, 0.5)), y - radius * float(rng.uniform(0.1, 0.6))
        spread = radius * float(rng.uniform(0.12, 0.4))
        glint = np.exp(-((columns - lx) ** 2 + (rows - ly) ** 2) / (2 * spread**2))
        level = level + glint * float(rng.uniform(40, 200))
    return alpha, _rough(level, rng)


def _bar(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw a bar of a rack, a strap, a rope: across the whole plate, more or less upright."""
    alpha, lean = np.zeros(shape, np.float32), float(rng.normal(0, 0.25)) * shape[0]
    ends = (round(at[0] - lean), -5), (round(at[0] + lean), shape[0] + 5)
    cv2.line(alpha, ends[0], ends[1], 1.0, max(2, round(width)))
    slope = np.linspace(-1, 1, shape[1], dtype=np.float32)[None] * float(rng.uniform(-60, 60))
    return alpha, _rough(np.full(shape, float(rng.uniform(5, 230)), np.float32) + slope, rng)


def _leaf(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw a leaf, a torn paper, a clod of snow: an outline of no shape."""
    turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(6, 14))))
    reach = rng.uniform(0.5, 1.15, len(turns)) * width * 0.75
    tall = float(rng.uniform(0.9, 2.0))
    points = np.stack([at[0] + np.cos(turns) * reach, at[1] + np.sin(turns) * reach * tall], 1).astype(np.int32)
    alpha = np.zeros(shape, np.float32)
    cv2.fillPoly(alpha, [points], 1.0)
    level = np.full(shape, float(rng.uniform(20, 240)), np.float32)
    if rng.random() < 0.5:
        cv2.line(
            level, tuple(map(int, points[0])), tuple(map(int, points[len(points) // 2])), float(rng.uniform(0, 255)), 1
        )
    return alpha, _rough(level, rng)


def _dirt(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw mud or snow that sticks: thick in the middle, ragged at its edge."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    tall = float(rng.uniform(1.0, 2.4))
    away = np.hypot(columns - at[0], (rows - at[1]) / tall) / (width * float(rng.uniform(0.55, 0.85)))
    noise = rng.normal(0, 1, (shape[0] // 5, shape[1] // 5)).astype(np.float32)
    ragged = cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC) * float(rng.uniform(0.1, 0.4))
    alpha = (1 - away + ragged) * float(rng.uniform(2, 6))
    level = np.full(shape, float(rng.uniform(30, 170) if rng.random() < 0.7 else rng.uniform(170, 250)), np.float32)
    return np.asarray(alpha.clip(0, 1), np.float32), _rough(level, rng)


def _label(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw a piece of tape or a label stuck over it."""
    size = (width * float(rng.uniform(0.9, 1.3)), shape[0] * float(rng.uniform(0.25, 0.7)))
    corners = cv2.boxPoints((at, size, float(rng.normal(0, 12)))).astype(np.int32)
    alpha = np.zeros(shape, np.float32)
    cv2.fillPoly(alpha, [corners], 1.0)
    return alpha, _rough(np.full(shape, float(rng.uniform(10, 250)), np.float32), rng)


def _bolt(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw a bolt's head with its washer, or a cap."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    away = np.hypot(columns - at[0], rows - at[1]) / max(2.0, width * 0.55)
    inner = float(rng.uniform(0.4, 0.9))
    level = np.where(away < inner, float(rng.uniform(10, 240)), float(rng.uniform(10, 240))).astype(np.float32)
    return (away < 1).astype(np.float32), _rough(level, rng)


def _glare(shape: Shape, at: Point, width: float, rng: np.random.Generator) -> Thing:
    """Draw the sun or a lamp in the plate: blown out, soft at its edge."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    away = np.hypot(columns - at[0], (rows - at[1]) / float(rng.uniform(0.9, 1.8))) / (width * 0.75)
    alpha = ((1.35 - away) * float(rng.uniform(1.5, 4))).clip(0, 1)
    return np.asarray(alpha, np.float32), np.full(shape, float(rng.uniform(225, 255)), np.float32)


def _rough(level: npt.NDArray[np.floating], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Give a surface its grain and its patches."""
    height, width = level.shape
    coarse = rng.normal(0, float(rng.uniform(0, 20)), (height // 8, width // 8)).astype(np.float32)
    patches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.standard_normal(level.shape, np.float32) * float(rng.uniform(0, 8))
    return np.asarray(level + patches + grain, np.float32)


def _strokes(picture: Gray) -> npt.NDArray[np.float32]:
    page = picture.astype(np.float32)
    return np.asarray(np.abs(cv2.Sobel(page, cv2.CV_32F, 0, 1)) + np.abs(cv2.Sobel(page, cv2.CV_32F, 1, 0)), np.float32)


def _covered(strokes: npt.NDArray[np.float32], alpha: Alpha, cell: tuple[int, int]) -> float:
    """Return the share of a character's strokes under what covers."""
    height = len(strokes)
    part = (slice(round(height * _ROWS[0]), round(height * _ROWS[1])), slice(*cell))
    return float((strokes[part] * alpha[part]).sum() / max(float(strokes[part].sum()), 1.0))
