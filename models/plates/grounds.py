"""What the serial stands on: the ground of a plate."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from platepost.models.plates.designs import Color
from platepost.models.plates.logos import draw_ghost
from platepost.models.plates.paint import Picture, any_color, mixed


def _plain(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Leave the ground as it is."""


def _wash(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Run from one color over the ground's to a third, from top to bottom or the other way."""
    height = len(picture)
    other = mixed(color, any_color(rng), float(rng.uniform(0.2, 0.7)))
    third = mixed(color, any_color(rng), float(rng.uniform(0.0, 0.6))) if rng.random() < 0.5 else color
    stops = np.array([other, color, third], np.float32)
    if rng.random() < 0.3:
        stops = stops[::-1]
    at = np.interp(np.linspace(0, 1, height), [0, float(rng.uniform(0.15, 0.6)), 1], [0, 1, 2])
    rows = np.stack([np.interp(at, [0, 1, 2], stops[:, channel]) for channel in range(3)], 1)
    picture[:] = rows[:, None].astype(np.uint8)


def _hills(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Put silhouettes of mountains or a city under a sky."""
    _wash(picture, color, rng)
    height, width = picture.shape[:2]
    for level in sorted(rng.uniform(0.45, 1.0, int(rng.integers(1, 4)))):
        steps = int(rng.integers(4, 14))
        ys = height * (level + rng.uniform(-0.15, 0.15, steps))
        points = np.stack([np.linspace(-5, width + 5, steps), ys], 1)
        outline = np.vstack([points, [[width + 5, height + 5], [-5, height + 5]]]).astype(np.int32)
        shade = mixed(color, any_color(rng), float(rng.uniform(0.15, 0.6)))
        cv2.fillPoly(picture, [outline], shade, cv2.LINE_AA)


def _bands(picture: Picture, color: Color, rng: np.random.Generator) -> None:  # noqa: ARG001 - as the others
    """Color a band at the top, the bottom or both."""
    height = len(picture)
    for top in (True, False):
        if rng.random() < 0.75:
            deep = int(height * rng.uniform(0.12, 0.26))
            part = picture[:deep] if top else picture[height - deep :]
            part[:] = any_color(rng)


def _blobs(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Print large soft shapes over the ground."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(2, 9))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.uniform(0.03, 0.3) * width), int(rng.uniform(0.05, 0.4) * height))
        shade = mixed(color, any_color(rng), float(rng.uniform(0.1, 0.5)))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        picture[:] = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(1, 6)))


def _ghost(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Print a pale picture."""
    if rng.random() < 0.5:
        _wash(picture, color, rng)
    draw_ghost(picture, rng)


def _peaks(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Put white mountains under a dark sky, and leave the rest of the ground its color."""
    height, width = picture.shape[:2]
    sky = float(rng.uniform(0.24, 0.34))
    picture[: round(height * (sky + 0.12))] = mixed(any_color(rng), (70, 40, 10), 0.75)
    steps = int(rng.integers(9, 22))
    points = np.stack([np.linspace(-5, width + 5, steps), height * (sky + rng.uniform(-0.05, 0.1, steps))], 1)
    outline = np.vstack([points, [[width + 5, height * 0.6], [-5, height * 0.6]]]).astype(np.int32)
    cv2.fillPoly(picture, [outline], color, cv2.LINE_AA)


def _rainbow(picture: Picture, color: Color, rng: np.random.Generator) -> None:
    """Span a pale rainbow over the whole ground."""
    height, width = picture.shape[:2]
    centre, reach = (width // 2, round(height * rng.uniform(1.0, 1.5))), height * float(rng.uniform(0.8, 1.2))
    deep = max(1, round(height * rng.uniform(0.02, 0.035)))
    for ring, shade in enumerate(((60, 60, 220), (60, 150, 240), (80, 220, 240), (90, 180, 90), (200, 120, 70))):
        axes = (round(width * 0.5 - ring * deep), max(1, round(reach - ring * deep)))
        cv2.ellipse(picture, centre, axes, 0, 180, 360, mixed(shade, color, 0.55), deep, cv2.LINE_AA)


_PAINTERS: Final[dict[str, Callable[[Picture, Color, np.random.Generator], None]]] = {
    "plain": _plain, "wash": _wash, "hills": _hills, "bands": _bands, "blobs": _blobs, "ghost": _ghost,
    "peaks": _peaks, "rainbow": _rainbow,
}  # fmt: skip


def paint_ground(kind: str, shape: tuple[int, int], color: Color, rng: np.random.Generator) -> Picture:
    """Paint a plate's ground.

    Args:
        kind: plain, wash, hills, bands, blobs, ghost, peaks or rainbow.
        shape: height and width in pixels.
        color: its main color.
        rng: draws the rest.

    Raises:
        KeyError: no such kind.
    """
    picture = np.empty((*shape, 3), np.uint8)
    picture[:] = color
    _PAINTERS[kind](picture, color, rng)
    return picture
