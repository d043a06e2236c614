"""A plate as it leaves the maker: flat, clean, its outer edge the edge of the picture."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.plates import paint, texts
from models.plates.designs import DESIGNS, Colour, Design, draw_design
from models.plates.faces import Face, draw_face
from models.plates.fonts import line_of_text

_WIDEST = {"chars": 1.0, "-": 0.55, ".": 0.45, " ": 0.5, "*": 1.0, "o": 0.9, "y": 0.8, "stack": 0.6, "": 0.0}
_DARK = 300
_LEAST_CONTRAST = 70.0
_UNREAD = ("DP", "DV", "NG", "TRK", "RT", "CU", "WT", "ES", "FD", "PR", "DIS", "VET", "CC", "LS", "BB", "IB", "ME")


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


@dataclass(frozen=True)
class _Part:
    kind: str  # a key of _WIDEST
    text: str = ""


def _separated(text: str, design: Design, rng: np.random.Generator) -> list[_Part]:
    """Text as parts: characters, separators and small stacked letters."""
    parts = [_Part("chars", c) for c in text]
    splits = [s for s in design.splits if s < len(text)]
    changes = [i for i in range(1, len(text)) if text[i].isdigit() != text[i - 1].isdigit()]
    if splits:
        at = splits[int(rng.integers(len(splits)))]
        if changes and rng.random() < 0.5:  # most formats part letters from digits
            at = changes[int(rng.integers(len(changes)))]
        separator = design.separators[int(rng.integers(len(design.separators)))]
        if separator:
            parts.insert(at, _Part(separator))
        if rng.random() < design.second and at < len(text) - 2:
            further = len(text) - 2 if design.name == "asian_long" else int(rng.integers(at + 1, len(text) - 1))
            parts.insert(further + bool(separator), _Part("." if design.name == "asian_long" else separator or " "))
    if rng.random() < design.stacked:
        small = _UNREAD[int(rng.integers(len(_UNREAD)))] if rng.random() < 0.6 else texts.anything(rng, 2, 3)
        where = int(rng.choice([0, 0, len(parts)]))
        parts.insert(where, _Part("stack", small))
    return parts


def _emboss(picture: npt.NDArray[np.uint8], letters: npt.NDArray[np.uint8], depth: float) -> None:
    """Light the upper edges of pressed characters and shade the lower ones."""
    slope = letters.astype(np.float32)
    slope = np.roll(slope, 1, 0) - np.roll(slope, -1, 0)
    picture[:] = np.clip(picture - slope[..., None] * depth, 0, 255).astype(np.uint8)


def _write(
    picture: npt.NDArray[np.uint8], parts: list[_Part], area: paint.Box, face: Face, colour: Colour, rng: np.random.Generator
) -> None:
    """Set the serial into an area of the plate, each character in a cell of one width."""
    left, top, width, height = area
    share = {kind: size * (float(rng.uniform(0.6, 1.25)) if kind not in {"chars", ""} else 1.0) for kind, size in _WIDEST.items()}
    units = sum(share[part.kind] for part in parts)
    natural = face.mean_aspect() * height
    fill = float(rng.uniform(0.70, 0.88))
    cell = min(width / units, natural / fill * float(rng.uniform(0.95, 1.25)))
    stretch = float(np.clip(cell * fill / natural, 0.55, 1.35))
    spread = float(rng.uniform(0, 1)) if rng.random() < 0.3 else 0.5
    x = left + (width - cell * units) * spread
    letters = np.zeros(picture.shape[:2], np.uint8)
    for part in parts:
        room = cell * share[part.kind]
        centre = x + room / 2
        if part.kind == "chars":
            mask = face.masks[part.text]
            glyph_width = max(2, round(min(mask.shape[1] / mask.shape[0] * height * stretch, cell * 0.97)))
            glyph = np.asarray(cv2.resize(mask, (glyph_width, height), interpolation=cv2.INTER_AREA), np.uint8)
            _stamp(letters, glyph, round(centre - glyph_width / 2), top)
        elif part.kind == "-":
            thick = max(1, round(height * rng.uniform(0.05, 0.11)))
            half = room * float(rng.uniform(0.22, 0.42))
            y = top + height // 2
            cv2.rectangle(letters, (round(centre - half), y), (round(centre + half), y + thick), 255, -1)
        elif part.kind == ".":
            cv2.circle(letters, (round(centre), top + round(height * rng.uniform(0.45, 0.95))), max(1, round(height * 0.06)), 255, -1)
        elif part.kind == "*":
            tall = round(height * rng.uniform(0.45, 1.1))
            paint.logo(picture, (round(x), top + (height - tall) // 2, max(4, round(room)), tall), rng)
        elif part.kind == "o":
            wide, tall = room * float(rng.uniform(1.2, 2.2)), round(height * rng.uniform(0.8, 1.35))
            paint.logo(picture, (round(centre - wide / 2), top + (height - tall) // 2, round(wide), tall), rng)
        elif part.kind == "y":
            tall = round(height * rng.uniform(0.6, 1.2))
            paint.logo(picture, (round(x), top + (height - tall) // 2, max(4, round(room)), tall), rng, paint.WELL)
        elif part.kind == "stack":
            step = height / len(part.text)
            for row, character in enumerate(part.text):
                mask = face.masks[character]
                small = max(3, round(step * 0.84))
                wide = max(2, round(min(mask.shape[1] / mask.shape[0] * small * 1.15, room * 0.9)))
                glyph = np.asarray(cv2.resize(mask, (wide, small), interpolation=cv2.INTER_AREA), np.uint8)
                _stamp(letters, glyph, round(centre - wide / 2), round(top + row * step))
        x += room
    if rng.random() < 0.6:
        _emboss(picture, letters, float(rng.uniform(0.03, 0.2)))
    paint.ink(picture, letters, left=0, top=0, colour=colour, strength=float(rng.uniform(0.85, 1.0)))


def _stamp(page: npt.NDArray[np.uint8], glyph: npt.NDArray[np.uint8], left: int, top: int) -> None:
    x0, x1 = max(left, 0), min(left + glyph.shape[1], page.shape[1])
    y0, y1 = max(top, 0), min(top + glyph.shape[0], page.shape[0])
    if x0 < x1 and y0 < y1:
        part = page[y0:y1, x0:x1]
        np.maximum(part, glyph[y0 - top : y1 - top, x0 - left : x1 - left], out=part)


def _small_print(picture: npt.NDArray[np.uint8], text: str, centre: float, height: int, colour: Colour, rng: np.random.Generator) -> None:
    if not text:
        return
    mask = line_of_text(text, height=max(5, height), rng=rng)
    longest = int(picture.shape[1] * rng.uniform(0.45, 0.8))
    if mask.shape[1] > longest:
        mask = np.asarray(cv2.resize(mask, (longest, mask.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)
    left = (picture.shape[1] - mask.shape[1]) // 2
    paint.ink(picture, mask, left=left, top=round(centre - mask.shape[0] / 2), colour=colour)


def _luminance(colour: Colour) -> float:
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def _contrasting(ground: Colour, colour: Colour, rng: np.random.Generator) -> Colour:
    """Another colour for the small print, that shows on the ground."""
    kind = rng.random()
    if kind < 0.45:
        return colour
    other = paint.any_colour(rng)
    return paint.mixed(other, (0, 0, 0), 0.4) if sum(ground) > _DARK else paint.mixed(other, (255, 255, 255), 0.5)


def render_plate(
    rng: np.random.Generator, *, text: str | None = None, design: str | None = None, height: int = 160
) -> PlateImage:
    """Make one plate.

    Args:
        rng: draws all that is not given; the same state gives the same plate (with the same fonts installed).
        text: the serial, capital letters and digits; drawn after the design's habits when not given.
        design: one of `models.plates.DESIGNS`; drawn when not given.
        height: of the picture in pixels; its width follows from the design's aspect.

    Raises:
        KeyError: no such design.
        ValueError: the text is empty or holds something else than capital letters and digits.
    """
    look = DESIGNS[design] if design is not None else draw_design(rng)
    serial = look.writer(rng) if text is None else text
    if not serial or not all(c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" for c in serial):
        message = f"a serial is made of A-Z and 0-9, not {text!r}"
        raise ValueError(message)
    width = round(height * look.aspect)
    base, pen = look.colours[int(rng.integers(len(look.colours)))]
    base, pen = paint.near(base, rng), paint.near(pen, rng, 18)
    if abs(_luminance(base) - _luminance(pen)) < _LEAST_CONTRAST:
        pen = paint.mixed(pen, (0, 0, 0) if _luminance(base) > _luminance(pen) else (255, 255, 255), 0.5)
    picture = paint.ground(look.grounds[int(rng.integers(len(look.grounds)))], (height, width), base, rng)
    top, bottom = (y + float(rng.normal(0, 0.015)) for y in look.band)
    bottom = max(top + 0.3, min(bottom, 0.95)) * height
    top = max(0.05, top) * height

    left, right = width * float(rng.uniform(0.02, 0.06)), width * float(rng.uniform(0.94, 0.98))
    if rng.random() < look.blue_band:
        band = round(width * rng.uniform(0.07, 0.11))
        picture[:, :band] = paint.near((150, 50, 10), rng, 15)
        country = "".join("ABDEFGHILNPRS"[int(i)] for i in rng.integers(0, 13, int(rng.integers(1, 4))))
        mask = line_of_text(country, height=round(height * 0.25), rng=rng)[:, :band]
        paint.ink(picture, mask, left=(band - mask.shape[1]) // 2, top=round(height * 0.62), colour=paint.WHITE_ON)
        cv2.circle(picture, (band // 2, round(height * 0.3)), max(2, band // 4), (40, 200, 240), max(1, band // 14))
        left = band + width * 0.015
    if rng.random() < look.picture:
        room = width * float(rng.uniform(0.14, 0.24))
        paint.logo(picture, (round(left), round(top), round(room), round(bottom - top)), rng)
        left += room
    if look.headings or look.footings:
        small = _contrasting(base, pen, rng)
        if look.headings and rng.random() < 0.93:
            heading = look.headings[int(rng.integers(len(look.headings)))]
            tall = round(height * rng.uniform(0.11, 0.19))
            _small_print(picture, heading, top * 0.52, tall, (50, 40, 190) if heading == "California" else small, rng)
        if look.footings:
            footing = look.footings[int(rng.integers(len(look.footings)))]
            _small_print(picture, footing, (height + bottom) / 2, round((height - bottom) * rng.uniform(0.45, 0.75)), small, rng)
    face = draw_face(rng, dies=look.dies)
    _write(picture, _separated(serial, look, rng), (round(left), round(top), round(right - left), round(bottom - top)), face, pen, rng)

    for x in (0.03, 0.80):
        if rng.random() < look.stickers:
            wide, tall = round(width * rng.uniform(0.10, 0.17)), round(height * rng.uniform(0.11, 0.19))
            paint.sticker(picture, (round(width * (x + rng.uniform(0, 0.03))), round(height * rng.uniform(0.03, 0.08)), wide, tall), rng)
        elif rng.random() < look.stickers * 0.12:
            wide, tall = round(width * rng.uniform(0.08, 0.12)), round(height * rng.uniform(0.09, 0.13))
            paint.sticker(picture, (round(width * (x + rng.uniform(0, 0.06))), round(height * 0.86), wide, tall), rng)
    if rng.random() < 0.7:
        paint.screws(picture, rng)
    if rng.random() < 0.5:
        inset = max(1, round(height * rng.uniform(0.015, 0.04)))
        shade = pen if rng.random() < 0.5 else paint.mixed(base, (90, 90, 90), 0.5)
        cv2.rectangle(picture, (inset, inset), (width - 1 - inset, height - 1 - inset), shade, max(1, height // 100))
    return PlateImage(picture, _rounded_corners(height, width, float(rng.uniform(0.02, 0.1))), serial, look.name, look.retroreflective)


def _rounded_corners(height: int, width: int, share: float) -> npt.NDArray[np.uint8]:
    radius = max(1, round(height * share))
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - 1 - radius, height - 1), 255, -1)
    cv2.rectangle(mask, (0, radius), (width - 1, height - 1 - radius), 255, -1)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask
