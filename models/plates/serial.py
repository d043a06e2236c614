"""The serial on its plate: parts in a row, each character in a cell of one width."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from platepost.models.plates import paint, texts
from platepost.models.plates.designs import Color, Design
from platepost.models.plates.faces import Face
from platepost.models.plates.glyphs import Mask
from platepost.models.plates.logos import draw_logo, draw_symbol, draw_well

_ROOM: Final = {"character": 1.0, "-": 0.55, ".": 0.45, " ": 0.5, "*": 1.0, "o": 0.9, "y": 0.8, "k": 1.0, "stack": 0.75}
"""Width of each kind of part, by a character's cell."""
_PICTURES: Final = {"*": (0.45, 1.1), "o": (0.8, 1.35), "y": (0.6, 1.2), "k": (0.75, 1.05)}
"""Least and largest height of each kind of picture, by the serial's."""
_UNREAD: Final = (
    "DP", "DV", "NG", "TRK", "RT", "CU", "WT", "ES", "FD", "PR", "DIS", "VET", "CC", "LS", "BB", "IB", "ME",
)  # fmt: skip
"""Small stacked letters that name a class of plates and do not belong to the serial."""


@dataclass(frozen=True)
class Segment:
    """One thing in the row: a character, a separator of `Design.separators`, or small stacked letters."""

    kind: str
    text: str = ""
    logos: tuple[str, ...] = ()
    """What a picture may show; none: anything."""


def arrange(text: str, design: Design, rng: np.random.Generator) -> list[Segment]:
    """Part a text after a design's habits."""
    parts = [Segment("character", c) for c in text]
    splits = [s for s in design.splits if s < len(text)]
    changes = [i for i in range(1, len(text)) if text[i].isdigit() != text[i - 1].isdigit()]
    if splits:
        at = splits[int(rng.integers(len(splits)))]
        if changes and rng.random() < 0.5:  # most formats part letters from digits
            at = changes[int(rng.integers(len(changes)))]
        separator = design.separators[int(rng.integers(len(design.separators)))]
        if separator:
            parts.insert(at, Segment(separator, logos=design.logos))
        if rng.random() < design.second and at < len(text) - 2:
            dotted = design.name == "asian_long"
            further = len(text) - 2 if dotted else int(rng.integers(at + 1, len(text) - 1))
            parts.insert(further + bool(separator), Segment("." if dotted else separator or " "))
    if rng.random() < design.stacked:
        small = _UNREAD[int(rng.integers(len(_UNREAD)))] if rng.random() < 0.6 else texts.anything(rng, 2, 3)
        parts.insert(int(rng.choice([0, 0, len(parts)])), Segment("stack", small))
    return parts


def write(
    picture: paint.Picture,
    parts: list[Segment],
    *,
    area: paint.Box,
    face: Face,
    color: Color,
    rng: np.random.Generator,
) -> None:
    """Set parts into an area of the plate, in place: logos painted, characters pressed and inked."""
    left, top, width, height = area
    room = {
        kind: share * (float(rng.uniform(0.6, 1.25)) if kind != "character" else 1.0) for kind, share in _ROOM.items()
    }
    room["_"] = room["o"]
    room["stack"] = _ROOM["stack"] * float(rng.uniform(0.5, 1.6))
    units = sum(room[part.kind] for part in parts)
    natural = face.mean_aspect() * height
    fill = float(rng.uniform(0.70, 0.88))
    cell = min(width / units, natural / fill * float(rng.uniform(0.95, 1.25)))
    setting = _Setting(face, top, height, cell, float(np.clip(cell * fill / natural, 0.55, 1.35)))
    x = left + (width - cell * units) * (float(rng.uniform(0, 1)) if rng.random() < 0.3 else 0.5)
    letters = np.zeros(picture.shape[:2], np.uint8)
    for part in parts:
        wide = cell * room[part.kind]
        if part.kind in _PICTURES:
            _picture_between(picture, part, setting, left=x, room=wide, rng=rng)
        elif part.kind == "stack":
            _stack(letters, part.text, setting, centre=x + wide / 2, room=wide, rng=rng)
        elif part.kind == "character":
            _character(letters, part.text, setting, x + wide / 2)
        else:
            _mark(letters, part.kind, setting, centre=x + wide / 2, room=wide, rng=rng)
        x += wide
    if rng.random() < 0.6:
        _emboss(picture, letters, float(rng.uniform(0.03, 0.2)))
    paint.ink(picture, letters, left=0, top=0, color=color, strength=float(rng.uniform(0.85, 1.0)))


@dataclass(frozen=True)
class _Setting:
    face: Face
    top: int
    height: int
    cell: float
    stretch: float


def _character(letters: Mask, character: str, setting: _Setting, centre: float) -> None:
    mask = setting.face.masks[character]
    natural = mask.shape[1] / mask.shape[0] * setting.height * setting.stretch
    wide = max(2, round(min(natural, setting.cell * 0.97)))
    glyph = np.asarray(cv2.resize(mask, (wide, setting.height), interpolation=cv2.INTER_AREA), np.uint8)
    _stamp(letters, glyph, round(centre - wide / 2), setting.top)


def _stack(
    letters: Mask, text: str, setting: _Setting, *, centre: float, room: float, rng: np.random.Generator
) -> None:
    """Set letters one above the other: some narrow, some as wide as the serial's, some lower than its band."""
    tall = setting.height * float(rng.uniform(0.85, 1.15))
    top = setting.top + float(rng.uniform(-0.1, 0.2)) * (tall - setting.height)
    step = tall / len(text)
    small, broad = max(3, round(step * rng.uniform(0.72, 0.94))), float(rng.uniform(0.9, 1.8))
    for row, character in enumerate(text):
        mask = setting.face.masks[character]
        wide = max(2, round(min(mask.shape[1] / mask.shape[0] * small * broad, room * 0.92)))
        glyph = np.asarray(cv2.resize(mask, (wide, small), interpolation=cv2.INTER_AREA), np.uint8)
        _stamp(letters, glyph, round(centre - wide / 2), round(top + row * step))


def _mark(letters: Mask, kind: str, setting: _Setting, *, centre: float, room: float, rng: np.random.Generator) -> None:
    height = setting.height
    if kind == "-":
        thick, half = max(1, round(height * rng.uniform(0.05, 0.11))), room * float(rng.uniform(0.22, 0.42))
        y = setting.top + height // 2
        cv2.rectangle(letters, (round(centre - half), y), (round(centre + half), y + thick), 255, -1)
    elif kind == ".":
        at = (round(centre), setting.top + round(height * rng.uniform(0.45, 0.95)))
        cv2.circle(letters, at, max(1, round(height * 0.06)), 255, -1)


def _picture_between(
    picture: paint.Picture, part: Segment, setting: _Setting, *, left: float, room: float, rng: np.random.Generator
) -> None:
    tall = round(setting.height * rng.uniform(*_PICTURES[part.kind]))
    wide = room * float(rng.uniform(1.2, 2.2)) if part.kind == "o" else room
    box = (round(left + (room - wide) / 2), setting.top + (setting.height - tall) // 2, max(4, round(wide)), tall)
    if part.kind == "y":
        draw_well(picture, box, rng)
    elif part.kind == "k":
        draw_symbol(picture, box, rng)
    else:
        draw_logo(picture, box, rng, part.logos)


def _emboss(picture: paint.Picture, letters: Mask, depth: float) -> None:
    """Light the upper edges of pressed characters and shade the lower ones."""
    slope = letters.astype(np.float32)
    slope = np.roll(slope, 1, 0) - np.roll(slope, -1, 0)
    picture[:] = np.clip(picture - slope[..., None] * depth, 0, 255).astype(np.uint8)


def _stamp(page: Mask, glyph: Mask, left: int, top: int) -> None:
    x0, x1 = max(left, 0), min(left + glyph.shape[1], page.shape[1])
    y0, y1 = max(top, 0), min(top + glyph.shape[0], page.shape[0])
    if x0 < x1 and y0 < y1:
        part = page[y0:y1, x0:x1]
        np.maximum(part, glyph[y0 - top : y1 - top, x0 - left : x1 - left], out=part)
