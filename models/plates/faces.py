"""Faces: a set of 36 characters that one plate is made with, from dies or from a font."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from platepost.models.plates.fonts import font_masks, installed
from platepost.models.plates.glyphs import CHARACTERS, DieStyle, Mask, draw_glyph

_DIES = 800
"""How many makers' dies there are; each is drawn from its own number, so that a plate repeats from its seed."""


@dataclass(frozen=True)
class Face:
    """Masks of all characters, of one height, and how they sit in their cells."""

    name: str
    masks: dict[str, Mask]

    def mean_aspect(self) -> float:
        """Width by height of the H, after which cells are sized."""
        mask = self.masks["H"]
        return float(mask.shape[1] / mask.shape[0])


@lru_cache(maxsize=_DIES)
def die_face(number: int) -> Face:
    """Make the dies of maker `number`: the same number always gives the same face."""
    rng = np.random.default_rng([9, number])
    style = DieStyle.draw(rng)
    return Face(f"die{number}", {c: draw_glyph(c, style, rng) for c in CHARACTERS})


@lru_cache(maxsize=256)
def font_face(index: int, bolder: int) -> Face:
    """Take a font's characters, `bolder` pixels thicker (or thinner when negative) than designed."""
    masks = font_masks(installed()[index])
    if bolder:
        kernel = np.ones((abs(bolder) + 1, abs(bolder) + 1), np.uint8)
        change = cv2.dilate if bolder > 0 else cv2.erode
        masks = {c: np.asarray(change(m, kernel), np.uint8) for c, m in masks.items()}
    return Face(f"{installed()[index].stem}{bolder:+d}", masks)


def draw_face(rng: np.random.Generator, *, dies: float = 0.65) -> Face:
    """Draw a face: dies with the given probability, else a font (dies again when none is installed)."""
    number, choice, bolder = int(rng.integers(_DIES)), int(rng.integers(1 << 30)), int(rng.integers(-2, 3))
    if rng.random() < dies or not installed():
        return die_face(number)
    return font_face(choice % len(installed()), bolder)
