"""Characters as the dies of number-plate makers press them, drawn from strokes.

No type face has the shapes of North American plates: an open 4, an M and a W whose middle stops half-way, a 1 with a
flag, a Q with its tail inside, rounded rectangles for 0, O and D. Here every character is a few polylines in the unit
square (x to the right, y down) whose corners are rounded by a radius of the face; a face draws the variants of its
characters once and keeps them, as a real set of dies does.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.shapes import Stroke, strokes_of

Mask = npt.NDArray[np.uint8]
"""A character: 255 where there is ink, cropped to its ink."""
CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MASK_HEIGHT: Final = 96
_NARROW: Final = frozenset("1I")
_SERIFED: Final = frozenset("ABDEFHIKLMNPRTUVWXYZ")
_ARC: Final = 0.5523  # control-point distance of the cubic Bezier nearest to a quarter circle


@dataclass(frozen=True)
class DieStyle:
    """What the dies of one maker have in common."""

    aspect: float
    """Width of a character by its height."""
    weight: float
    """Stroke width by height."""
    radius: float
    """Corner radius by half of the width: 1 gives round bowls, 0.3 boxy ones."""
    slant: float
    """Shift of the top by height, to the right."""
    serif: float = 0.0
    """Half the length of the serifs of letters by width, as Virginia's have; 0: none."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "DieStyle":
        """Draw the style of a maker: narrow and light as on most North American plates, at times wide or bold."""
        aspect = float(np.clip(rng.normal(0.45, 0.07), 0.30, 0.70))
        return cls(
            aspect=aspect,
            weight=float(np.clip(rng.normal(0.125, 0.02), 0.075, 0.19)),
            radius=float(rng.uniform(0.45, 1.0)),
            slant=float(rng.normal(0, 0.02)) if rng.random() < 0.1 else 0.0,
            serif=float(rng.uniform(0.14, 0.28)) if rng.random() < 0.15 else 0.0,
        )


def _serifs(strokes: list[Stroke], length: float) -> list[Stroke]:
    """Short level strokes where an upright one meets the top or the bottom of the character."""
    added: list[Stroke] = []
    for stroke in strokes:
        for i, (x, y, radius) in enumerate(stroke):
            if radius or y not in (0, 1):
                continue
            neighbors = [stroke[j] for j in (i - 1, i + 1) if 0 <= j < len(stroke)]
            if any(abs(x - other[0]) < 0.6 * abs(y - other[1]) for other in neighbors):
                added.append([(x - length, y, 0), (x + length, y, 0)])
    return added


def _rounded(points: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Replace each inner corner of a polyline by a cubic arc that starts `radius` away from it."""
    out = [points[0]]
    for i in range(1, len(points) - 1):
        before, here, after = points[i - 1], points[i], points[i + 1]
        if radii[i] <= 0:
            out.append(here)
            continue
        to_before, to_after = before - here, after - here
        lengths = (np.hypot(*to_before) or 1.0, np.hypot(*to_after) or 1.0)
        # an end of the polyline may be used up whole, a segment between two corners by half
        reach = min(
            radii[i],
            lengths[0] * (1.0 if i == 1 else 0.5),
            lengths[1] * (1.0 if i == len(points) - 2 else 0.5),
        )
        start, end = here + to_before / lengths[0] * reach, here + to_after / lengths[1] * reach
        first, second = start + (here - start) * _ARC, end + (here - end) * _ARC
        t = np.linspace(0, 1, 9)[:, None]
        out.extend((1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end)
    out.append(points[-1])
    return np.asarray(out)


def draw_glyph(character: str, style: DieStyle, rng: np.random.Generator) -> Mask:
    """Draw one character of a maker's dies.

    Args:
        character: one of `CHARACTERS`.
        style: the maker's style.
        rng: draws the variant.

    Returns:
        The mask, `MASK_HEIGHT` high (a Q with a low tail may be shrunk to it), as wide as its ink.
    """
    height = MASK_HEIGHT * 2  # drawn twice as large, because OpenCV's thick lines have rough edges
    weight = min(style.weight, style.aspect * 0.34) * height  # bolder strokes close the counters of narrow characters
    width = style.aspect * height
    inner_width, inner_height = max(width - weight, 4.0), height - weight
    pad = int(weight * 2 + 8)
    canvas = np.zeros((height + 2 * pad, int(width * 1.6) + 2 * pad), np.uint8)
    scale_x = inner_width * (0.55 if character in _NARROW else 1.0)
    strokes = strokes_of(character, rng)
    if style.serif and character in _SERIFED:
        strokes += _serifs(strokes, style.serif)
    for stroke in strokes:
        points = np.array([(x * scale_x + pad + weight / 2, y * inner_height + pad + weight / 2) for x, y, _ in stroke])
        points[:, 0] += style.slant * (height / 2 + pad - points[:, 1])
        radii = np.array([r * style.radius * inner_width / 2 for _, _, r in stroke])
        line = np.round(_rounded(points, radii) * 16).astype(np.int32)
        cv2.polylines(canvas, [line], isClosed=False, color=255, thickness=max(2, round(weight)), shift=4)
    return trimmed(canvas)


def trimmed(mask: Mask) -> Mask:
    """Crop a mask to its ink and scale it to `MASK_HEIGHT`."""
    x, y, w, h = cv2.boundingRect(mask)
    width = max(4, round(w * MASK_HEIGHT / h))
    return np.asarray(
        cv2.resize(mask[y : y + h, x : x + w], (width, MASK_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8
    )
