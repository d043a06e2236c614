"""Plates and lettering as the device would rectify them, drawn straight into its frame: thousands in minutes."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.models.lettering.words import render_lettering
from platepost.models.plates.surroundings import FRAMED_SHAPE, MARGIN, surroundings, to_gray
from platepost.models.scenes.distractors import render_sign

Picture = NDArray[np.uint8]


def framed_lettering(rng: np.random.Generator, fonts: Sequence[Path]) -> Picture:
    """Put lettering where `platepost.models.plates.framed` puts a plate: as far as its panel goes, tight, or partly."""
    height, width = FRAMED_SHAPE
    if rng.random() < 0.8:
        picture = render_lettering(rng, fonts)
    else:
        sign = render_sign(rng, fonts)
        picture = np.dstack([sign, np.full(sign.shape[:2], 255, np.uint8)])
    inner = np.array([width, height]) / (1 + 2 * MARGIN)
    size = inner * np.exp(rng.normal([0.05, 0.1], [0.12, 0.18]))
    if rng.random() < 0.15:
        size[0] *= rng.uniform(1.1, 1.8)  # longer than what was found of it
    size = np.maximum(np.round(size), 8).astype(int)
    flat = np.asarray(cv2.resize(picture, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA), np.uint8)
    gray, opaque = to_gray(flat[..., :3], rng).astype(np.float32), flat[..., 3].astype(np.float32) / 255
    page = surroundings(height, width, rng)
    left, top = np.round((np.array([width, height]) - size) / 2 + rng.normal(0, 0.03, 2) * inner).astype(int)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + size[0], width), min(top + size[1], height)
    part = page[y0:y1, x0:x1]
    mine, mask = (one[y0 - top : y1 - top, x0 - left : x1 - left] for one in (gray, opaque))
    part[:] = (part + (mine - part) * mask).astype(np.uint8)
    return page
