"""Grounds, pictures, stickers and everything else on a plate that is not its serial."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.plates.designs import Colour
from models.plates.fonts import line_of_text
from models.plates.glyphs import Mask

Picture = npt.NDArray[np.uint8]
"""Blue-green-red picture, H x W x 3."""
Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

BLACK_ON: Final[Colour] = (25, 25, 25)
WHITE_ON: Final[Colour] = (240, 240, 240)
LOGOS: Final = 11
WELL: Final = 6
"""The kind of `logo` that is a year's sticker in a well between the characters."""


def any_colour(rng: np.random.Generator) -> Colour:
    """Any colour at all."""
    b, g, r = (int(v) for v in rng.integers(0, 256, 3))
    return b, g, r


def near(colour: Colour, rng: np.random.Generator, spread: float = 10.0) -> Colour:
    """A colour near another, as ageing and printing leave it."""
    b, g, r = (int(v) for v in np.clip(np.array(colour) + rng.normal(0, spread, 3), 0, 255))
    return b, g, r


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour in the one."""
    b, g, r = (round(a * (1 - share) + c * share) for a, c in zip(one, other, strict=True))
    return b, g, r


def ink(picture: Picture, mask: Mask, *, left: int, top: int, colour: Colour, strength: float = 1.0) -> None:
    """Print a mask on the picture in place; what lies outside the picture is lost."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + mask.shape[1], width), min(top + mask.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    alpha = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) * (strength / 255)
    under = picture[y0:y1, x0:x1]
    under[:] = (under + (np.array(colour, np.float32) - under) * alpha).astype(np.uint8)


def ground(kind: str, shape: tuple[int, int], colour: Colour, rng: np.random.Generator) -> Picture:
    """Paint a plate's ground.

    Args:
        kind: plain, wash (vertical gradient), sky (bright middle), hills, bands, blobs or ghost (a pale picture).
        shape: height and width in pixels.
        colour: its main colour.
        rng: draws the rest.
    """
    height, width = shape
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    if kind in {"wash", "sky", "hills"}:
        other = mixed(colour, any_colour(rng), float(rng.uniform(0.2, 0.7)))
        third = mixed(colour, any_colour(rng), float(rng.uniform(0.0, 0.6)))
        stops = np.array([other, colour, third if rng.random() < 0.5 else colour], np.float32)
        if kind == "wash" and rng.random() < 0.5:
            stops = stops[::-1]
        middle = float(rng.uniform(0.15, 0.6))
        at = np.interp(np.linspace(0, 1, height), [0, middle, 1], [0, 1, 2])
        rows = np.stack([np.interp(at, [0, 1, 2], stops[:, c]) for c in range(3)], 1)
        picture[:] = rows[:, None].astype(np.uint8)
    if kind == "hills":
        for level in sorted(rng.uniform(0.45, 1.0, int(rng.integers(1, 4)))):
            steps = int(rng.integers(4, 14))
            ys = height * (level + rng.uniform(-0.15, 0.15, steps))
            points = np.stack([np.linspace(-5, width + 5, steps), ys], 1)
            outline = np.vstack([points, [[width + 5, height + 5], [-5, height + 5]]]).astype(np.int32)
            cv2.fillPoly(picture, [outline], mixed(colour, any_colour(rng), float(rng.uniform(0.15, 0.6))), cv2.LINE_AA)
    elif kind == "ghost":
        _ghost(picture, rng)
    elif kind == "bands":
        for top in (True, False):
            if rng.random() < 0.75:
                deep = int(height * rng.uniform(0.12, 0.26))
                part = picture[:deep] if top else picture[height - deep :]
                part[:] = any_colour(rng)
    elif kind == "blobs":
        for _ in range(int(rng.integers(2, 9))):
            centre = (int(rng.integers(width)), int(rng.integers(height)))
            axes = (int(rng.uniform(0.03, 0.3) * width), int(rng.uniform(0.05, 0.4) * height))
            shade = mixed(colour, any_colour(rng), float(rng.uniform(0.1, 0.5)))
            cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(1, 6))), np.uint8)
    return picture


def _ghost(picture: Picture, rng: np.random.Generator) -> None:
    """A portrait, a mountain, a rainbow, printed pale behind the serial."""
    height, width = picture.shape[:2]
    drawn = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.3:
            centre = (int(rng.uniform(0.2, 0.8) * width), int(rng.uniform(0.6, 1.4) * height))
            reach = int(rng.uniform(0.3, 1.0) * height)
            for ring in range(int(rng.integers(1, 6))):
                deep = max(1, height // 20)
                cv2.circle(drawn, centre, max(2, reach - ring * deep), any_colour(rng), deep, cv2.LINE_AA)
        else:
            size = (int(rng.uniform(0.12, 0.4) * width), int(rng.uniform(0.4, 1.0) * height))
            logo(drawn, (int(rng.uniform(0, 0.8) * width), int(rng.uniform(0, 0.5) * height), *size), rng)
    if rng.random() < 0.6:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.5, 3))), np.uint8)
    share = float(rng.uniform(0.12, 0.5))
    picture[:] = cv2.addWeighted(drawn, share, picture, 1 - share, 0)


def logo(picture: Picture, box: Box, rng: np.random.Generator, kind: int | None = None) -> None:  # noqa: C901, PLR0912
    """Draw a small picture, as stands between characters: it must not be read as one."""
    left, top, width, height = box
    colour, second = any_colour(rng), any_colour(rng)
    middle = (left + width // 2, top + height // 2)
    small = max(3, min(width, height) // 2)
    line = max(1, small // 5)
    kind = int(rng.integers(LOGOS)) if kind is None else kind
    if kind == 0:  # a tree
        for level in range(int(rng.integers(2, 5))):
            y, half = top + height * level // 6, width * (level + 2) // 12
            shape = np.array([[middle[0], y], [middle[0] - half, y + height // 3], [middle[0] + half, y + height // 3]])
            cv2.fillPoly(picture, [shape.astype(np.int32)], colour, cv2.LINE_AA)
        cv2.line(picture, middle, (middle[0], top + height), colour, line)
    elif kind == 1:  # a cactus
        cv2.line(picture, (middle[0], top), (middle[0], top + height), colour, line + 1, cv2.LINE_AA)
        for side in (-1, 1):
            y, x = top + int(height * rng.uniform(0.3, 0.6)), middle[0] + side * width // 4
            arm = np.array([[middle[0], y], [x, y], [x, y - height // 4]], np.int32)
            cv2.polylines(picture, [arm], isClosed=False, color=colour, thickness=line, lineType=cv2.LINE_AA)
    elif kind == 2:  # a wheelchair  # noqa: PLR2004
        wheel = (middle[0], top + height * 2 // 3)
        cv2.ellipse(picture, wheel, (small // 2 + 1, small // 2 + 1), 0, 0, 290, colour, line, cv2.LINE_AA)
        cv2.circle(picture, (middle[0] - small // 5, top + small // 5), max(1, small // 5), colour, -1, cv2.LINE_AA)
        body = np.array([[middle[0] - small // 5, top + small // 3], [middle[0] - small // 5, wheel[1] - small // 6],
                         [middle[0] + small // 2, wheel[1] - small // 6], [middle[0] + small, wheel[1] + small // 2]])  # fmt: skip
        cv2.polylines(picture, [body.astype(np.int32)], isClosed=False, color=colour, thickness=line, lineType=cv2.LINE_AA)
    elif kind == 3:  # an outline of a state, or any other blot  # noqa: PLR2004
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 12))))
        reach = rng.uniform(0.3, 1.0, len(angles))
        blot = np.stack([middle[0] + np.cos(angles) * reach * width / 2, middle[1] + np.sin(angles) * reach * small], 1)
        cv2.fillPoly(picture, [blot.astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 4:  # a star  # noqa: PLR2004
        angles = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.4, 1.0) * small
        star = np.stack([middle[0] + np.cos(angles) * reach, middle[1] + np.sin(angles) * reach], 1)
        cv2.fillPoly(picture, [star.astype(np.int32)], colour, cv2.LINE_AA)
    elif kind == 5:  # a seal  # noqa: PLR2004
        cv2.circle(picture, middle, small, colour, -1, cv2.LINE_AA)
        cv2.circle(picture, middle, small * 2 // 3, second, line, cv2.LINE_AA)
        cv2.line(picture, (middle[0] - small // 2, middle[1]), (middle[0] + small // 2, middle[1]), second, line)
    elif kind == WELL:
        half = (max(2, int(width * 0.36)), max(3, int(height * 0.3)))
        corners = (middle[0] - half[0], middle[1] - half[1]), (middle[0] + half[0], middle[1] + half[1])
        cv2.rectangle(picture, *corners, colour, -1)
        cv2.rectangle(picture, *corners, second, 1)
        figure = line_of_text(f"{int(rng.integers(100)):02d}", height=max(3, half[1]), rng=rng)
        ink(picture, figure, left=middle[0] - figure.shape[1] // 2, top=middle[1] - half[1] // 2, colour=second)
    elif kind == 7:  # bars of a flag  # noqa: PLR2004
        for row in range(int(rng.integers(2, 4))):
            y = middle[1] + (row - 1) * small // 2
            cv2.rectangle(picture, (left + width // 8, y), (left + width * 7 // 8, y + max(1, small // 4)), colour, -1)
    elif kind == 8:  # fruit  # noqa: PLR2004
        for side in (-1, 1):
            centre = (middle[0] + side * small // 2, middle[1] + int(rng.integers(-small // 2, small // 2 + 1)))
            cv2.circle(picture, centre, small * 2 // 3, (30, int(rng.integers(80, 180)), 250), -1, cv2.LINE_AA)
        cv2.ellipse(picture, (middle[0], middle[1] - small // 2), (small, small // 3), 20, 0, 360, (50, 130, 30), -1)
    elif kind == 9:  # a shield  # noqa: PLR2004
        shield = np.array([[-1, -1], [1, -1], [1, 0.2], [0, 1.2], [-1, 0.2]]) * small * 0.8 + middle
        cv2.fillPoly(picture, [shield.astype(np.int32)], colour, cv2.LINE_AA)
        cv2.line(picture, (middle[0], middle[1] - small // 2), (middle[0], middle[1] + small // 2), second, line)
    else:  # an animal, roughly
        cv2.ellipse(picture, middle, (max(2, width // 3), max(2, small // 2)), float(rng.uniform(-20, 20)), 0, 360, colour, -1)
        cv2.circle(picture, (middle[0] + width // 4, middle[1] - small // 2), max(1, small // 3), colour, -1, cv2.LINE_AA)
        for x in (-width // 5, width // 6):
            cv2.line(picture, (middle[0] + x, middle[1]), (middle[0] + x, middle[1] + small), colour, line)


def sticker(picture: Picture, box: Box, rng: np.random.Generator) -> None:
    """Stick a month or a year on the plate."""
    left, top, width, height = box
    colour = any_colour(rng)
    cv2.rectangle(picture, (left, top), (left + width, top + height), colour, -1)
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "2025", "2024", "07", "19")
    text = line_of_text(months[int(rng.integers(len(months)))], height=max(4, int(height * 0.6)), rng=rng)
    dark = BLACK_ON if sum(colour) > 380 else WHITE_ON  # noqa: PLR2004
    ink(picture, text, left=left + (width - text.shape[1]) // 2, top=top + height // 5, colour=dark)


def screws(picture: Picture, rng: np.random.Generator) -> None:
    """Bolt the plate: round heads or empty slots near the upper, at times the lower edge."""
    height, width = picture.shape[:2]
    inset = float(rng.uniform(0.13, 0.25))
    radius = max(1, int(height * rng.uniform(0.018, 0.04)))
    for y in (0.07, 0.93):
        for x in (inset, 1 - inset):
            if rng.random() < (0.75 if y < 0.5 else 0.45):  # noqa: PLR2004
                level = int(rng.choice([25, 60, 120, 210]))
                centre = (int(x * width), int(y * height))
                cv2.ellipse(picture, centre, (int(radius * rng.uniform(1, 2)), radius), 0, 0, 360, (level,) * 3, -1, cv2.LINE_AA)
