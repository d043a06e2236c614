"""A plate as it leaves the maker: flat, clean, its outer edge the edge of the picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.models.plates import paint
from platepost.models.plates.designs import DESIGNS, Color, Design, draw_design
from platepost.models.plates.faces import draw_face
from platepost.models.plates.fonts import line_of_text
from platepost.models.plates.glyphs import CHARACTERS, Mask
from platepost.models.plates.grounds import paint_ground
from platepost.models.plates.logos import draw_logo
from platepost.models.plates.scenery import paint_layers
from platepost.models.plates.serial import arrange, write

_LEAST_CONTRAST: Final = 70.0
"""Least distance of the serial's luminance from the ground's."""


@dataclass(frozen=True)
class PlateImage:
    """A pristine plate."""

    image: npt.NDArray[np.uint8]
    """H x W x 3, blue-green-red."""
    mask: npt.NDArray[np.uint8]
    """H x W: 255 on the plate, 0 outside its rounded corners."""
    text: str
    """The serial: capital letters and digits only."""
    design: str
    retroreflective: bool
    """Whether the ground shines back into a lamp beside the lens."""


def render_plate(
    rng: np.random.Generator, *, text: str | None = None, design: str | Design | None = None, height: int = 160
) -> PlateImage:
    """Make one plate.

    Args:
        rng: draws all that is not given; the same state gives the same plate (with the same fonts installed).
        text: the serial, capital letters and digits; drawn after the design's habits when not given.
        design: one of `platepost.models.plates.DESIGNS` or a variation of one; drawn when not given.
        height: of the picture in pixels; its width follows from the design's aspect.

    Raises:
        KeyError: no such design.
        ValueError: the text is empty or holds something else than capital letters and digits.
    """
    look = draw_design(rng) if design is None else design if isinstance(design, Design) else DESIGNS[design]
    serial = look.writer(rng) if text is None else text
    if not serial or not set(serial) <= set(CHARACTERS):
        raise ValueError(f"a serial is made of A-Z and 0-9, not {text!r}")
    width = round(height * look.aspect)
    base, pen = _colors(look, rng)
    if look.layers:
        picture = paint_layers(look.layers, (height, width), base, rng)
    else:
        picture = paint_ground(look.grounds[int(rng.integers(len(look.grounds)))], (height, width), base, rng)
    band = look.band if look.place is None else look.place[1::2]
    upper, lower = (y + float(rng.normal(0, 0.015)) for y in band)
    upper = max(0.05, upper)
    lower = max(upper + 0.3, min(lower, 0.95))
    left, right = width * float(rng.uniform(0.02, 0.06)), width * float(rng.uniform(0.94, 0.98))
    if look.place is not None:
        left, right = (width * (x + float(rng.normal(0, 0.01))) for x in look.place[::2])
    if rng.random() < look.blue_band:
        left = _blue_band(picture, rng) + width * 0.015
    if rng.random() < look.picture:
        room = width * float(rng.uniform(0.14, 0.24))
        box = (round(left), round(upper * height), round(room), round((lower - upper) * height))
        draw_logo(picture, box, rng, look.logos)
        left += room
    if not look.layers:
        _bars(picture, look, (upper, lower))
        _head_and_foot(picture, look, (upper, lower), _other_ink(base, pen, rng), rng)
    area = (round(left), round(upper * height), round(right - left), round((lower - upper) * height))
    face = draw_face(rng, dies=look.dies)
    write(picture, arrange(serial, look, rng), area=area, face=face, color=pen, rng=rng)
    _stickers(picture, look.stickers, rng)
    if rng.random() < 0.7:
        paint.screws(picture, rng)
    if rng.random() < 0.5:
        inset = max(1, round(height * rng.uniform(0.015, 0.04)))
        shade = pen if rng.random() < 0.5 else paint.mixed(base, (90, 90, 90), 0.5)
        cv2.rectangle(picture, (inset, inset), (width - 1 - inset, height - 1 - inset), shade, max(1, height // 100))
    mask = _rounded_corners(height, width, float(rng.uniform(0.02, 0.1)))
    return PlateImage(picture, mask, serial, look.name, look.retroreflective)


def _colors(look: Design, rng: np.random.Generator) -> tuple[Color, Color]:
    """Ground and ink of one plate, far enough from each other to be read in gray."""
    base, pen = look.colors[int(rng.integers(len(look.colors)))]
    base, pen = paint.near(base, rng), paint.near(pen, rng, 18)
    difference = paint.luminance(base) - paint.luminance(pen)
    if abs(difference) < _LEAST_CONTRAST:
        pen = paint.mixed(pen, (0, 0, 0) if difference > 0 else (255, 255, 255), 0.5)
    return base, pen


def _other_ink(ground: Color, color: Color, rng: np.random.Generator) -> Color:
    """Color of the small print: the serial's, or another that shows on the ground."""
    if rng.random() < 0.45:
        return color
    bright = paint.luminance(ground) > 100
    return paint.mixed(paint.any_color(rng), (0, 0, 0) if bright else (255, 255, 255), 0.45)


def _blue_band(picture: paint.Picture, rng: np.random.Generator) -> float:
    """Paint a European band with the country's letters, which no one reads as the serial; returns its right edge."""
    height, width = picture.shape[:2]
    band = round(width * rng.uniform(0.07, 0.11))
    picture[:, :band] = paint.near((150, 50, 10), rng, 15)
    country = "".join("ABDEFGHILNPRS"[int(i)] for i in rng.integers(0, 13, int(rng.integers(1, 4))))
    mask = line_of_text(country, height=round(height * 0.25), rng=rng)[:, :band]
    paint.ink(picture, mask, left=(band - mask.shape[1]) // 2, top=round(height * 0.62), color=paint.WHITE_ON)
    ring = max(2, band // 4)
    cv2.circle(picture, (band // 2, round(height * 0.3)), ring, (40, 200, 240), max(1, band // 14))
    return float(band)


def _bars(picture: paint.Picture, look: Design, band: tuple[float, float]) -> None:
    """Paint the bars behind heading and footing, each up to near the serial."""
    height = len(picture)
    for bar, part in zip(
        look.bars,
        (slice(0, round(height * band[0] * 0.92)), slice(round(height * (1 + band[1] * 6) / 7), height)),
        strict=True,
    ):
        if bar is not None:
            picture[part] = bar


def _head_and_foot(
    picture: paint.Picture, look: Design, band: tuple[float, float], color: Color, rng: np.random.Generator
) -> None:
    """Print the state's name above the serial and a slogan below it."""
    height = len(picture)
    upper, lower = band
    if look.headings and rng.random() < 0.93:
        heading = look.headings[int(rng.integers(len(look.headings)))]
        tall, family = round(height * rng.uniform(0.11, 0.19)), _one_of(look.faces[0], rng)
        mask = _small_print(heading, tall, picture.shape[1], rng, family=family)
        own = (50, 40, 190) if heading == "California" else color
        if look.inks:
            own = paint.near(look.inks[int(rng.integers(len(look.inks)))], rng)
        _centred(picture, mask, upper * height * 0.52, own)
    footing = look.footings[int(rng.integers(len(look.footings)))] if look.footings else ""
    if footing:
        tall, family = round(height * (1 - lower) * rng.uniform(0.45, 0.75)), _one_of(look.faces[1], rng)
        mask = _small_print(footing, tall, picture.shape[1], rng, family=family)
        if look.bars[1] is not None:
            color = paint.BLACK_ON if paint.luminance(look.bars[1]) > 110 else paint.WHITE_ON
        _centred(picture, mask, height * (1 + lower) / 2, color)


def _one_of(families: tuple[str, ...], rng: np.random.Generator) -> str:
    return families[int(rng.integers(len(families)))] if families else ""


def _small_print(text: str, height: int, width: int, rng: np.random.Generator, *, family: str) -> Mask:
    mask = line_of_text(text, height=max(5, height), rng=rng, family=family)
    longest = int(width * rng.uniform(0.45, 0.8))
    if mask.shape[1] > longest:
        mask = np.asarray(cv2.resize(mask, (longest, mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
    return mask


def _centred(picture: paint.Picture, mask: Mask, y: float, color: Color) -> None:
    left = (picture.shape[1] - mask.shape[1]) // 2
    paint.ink(picture, mask, left=left, top=round(y - mask.shape[0] / 2), color=color)


def _stickers(picture: paint.Picture, likely: float, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for corner in (0.03, 0.80):
        x = round(width * (corner + rng.uniform(0, 0.05)))
        if rng.random() < likely:
            size = round(width * rng.uniform(0.10, 0.17)), round(height * rng.uniform(0.11, 0.19))
            paint.sticker(picture, (x, round(height * rng.uniform(0.03, 0.08)), *size), rng)
        elif rng.random() < likely * 0.15:
            size = round(width * rng.uniform(0.08, 0.12)), round(height * rng.uniform(0.09, 0.13))
            paint.sticker(picture, (x, round(height * 0.86), *size), rng)


def _rounded_corners(height: int, width: int, share: float) -> Mask:
    radius = max(1, round(height * share))
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - 1 - radius, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - 1 - radius), 255, -1)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask
