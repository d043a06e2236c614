"""Colors, ink, stickers and screws."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates.designs import Color
from platepost.models.plates.fonts import line_of_text
from platepost.models.plates.glyphs import Mask

Picture = npt.NDArray[np.uint8]
"""Blue-green-red picture, H x W x 3."""
Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

BLACK_ON: Final[Color] = (25, 25, 25)
WHITE_ON: Final[Color] = (240, 240, 240)

_ON_STICKERS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "2025", "2024", "07", "19",
)  # fmt: skip


def any_color(rng: np.random.Generator) -> Color:
    """Draw any color at all."""
    b, g, r = (int(v) for v in rng.integers(0, 256, 3))
    return b, g, r


def near(color: Color, rng: np.random.Generator, spread: float = 10.0) -> Color:
    """Draw a color near another, as ageing and printing leave it."""
    b, g, r = (int(v) for v in np.clip(np.array(color) + rng.normal(0, spread, 3), 0, 255))
    return b, g, r


def mixed(one: Color, other: Color, share: float) -> Color:
    """Mix `share` of the other color into the one."""
    b, g, r = (round(a * (1 - share) + c * share) for a, c in zip(one, other, strict=True))
    return b, g, r


def luminance(color: Color) -> float:
    """How bright a color looks, 0 to 255 (ITU-R BT.601)."""
    return 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2]


def ink(picture: Picture, mask: Mask, *, left: int, top: int, color: Color, strength: float = 1.0) -> None:
    """Print a mask on the picture in place; what lies outside the picture is lost."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + mask.shape[1], width), min(top + mask.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    alpha = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) * (strength / 255)
    under = picture[y0:y1, x0:x1]
    under[:] = (under + (np.array(color, np.float32) - under) * alpha).astype(np.uint8)


def sticker(picture: Picture, box: Box, rng: np.random.Generator) -> None:
    """Stick a month or a year on the plate."""
    left, top, width, height = box
    color = any_color(rng)
    cv2.rectangle(picture, (left, top), (left + width, top + height), color, -1)
    text = line_of_text(_ON_STICKERS[int(rng.integers(len(_ON_STICKERS)))], height=max(4, int(height * 0.6)), rng=rng)
    dark = BLACK_ON if sum(color) > 380 else WHITE_ON
    ink(picture, text, left=left + (width - text.shape[1]) // 2, top=top + height // 5, color=dark)


def screws(picture: Picture, rng: np.random.Generator) -> None:
    """Bolt the plate: round heads or empty slots near the upper, at times the lower edge."""
    height, width = picture.shape[:2]
    inset = float(rng.uniform(0.13, 0.25))
    radius = max(1, int(height * rng.uniform(0.018, 0.04)))
    for y in (0.07, 0.93):
        for x in (inset, 1 - inset):
            if rng.random() < (0.75 if y < 0.5 else 0.45):
                level = int(rng.choice([25, 60, 120, 210]))
                centre = (int(x * width), int(y * height))
                cv2.ellipse(
                    picture, centre, (int(radius * rng.uniform(1, 2)), radius), 0, 0, 360, (level,) * 3, -1, cv2.LINE_AA
                )
