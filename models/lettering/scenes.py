"""Photos with plates and lettering pasted in side by side, and what the device finds there."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import Detector
from platepost.device.vision.geometry import intersection_over_union, rectify
from platepost.device.vision.reader import HEIGHT, MARGIN, WIDTH, Reader
from platepost.models.lettering.words import render_lettering
from platepost.models.plates import PlateImage, render_plate
from platepost.models.plates.issuers import ISSUERS, draw_look
from platepost.models.scenes.distractors import render_sign
from platepost.models.scenes.paste import paste, project_corners, random_pose
from platepost.models.scenes.photometry import disturb, to_gray
from platepost.models.scenes.photos import Photo

Picture = NDArray[np.uint8]
LEAST_SCORE: Final = 0.12
"""Of the detector: less is never looked at."""
SAME: Final = 0.35
"""Overlap, intersection over union, from which on what is found is what was pasted or labeled."""
LEAST_TEXT: Final = 3
"""Characters that a reader must see for it to matter."""
_THINGS: Final = (7, 17)
"""How much is pasted into a photo: at least, and less than."""
_PLATES: Final = 0.22
"""Share of it that is plates."""


class Proposal(NamedTuple):
    """One place that the detector points at and the reader reads something at."""

    plate: Picture
    """64 x 160, as the device rectifies it."""
    kind: str
    """`real`, `drawn`: plates; `found`, `lettering`: none."""
    score: float
    text: str
    confidence: float


class Thing(NamedTuple):
    """What is in a picture, and where."""

    box: tuple[float, float, float, float]
    kind: str


def draw_plate(rng: np.random.Generator, *, height: int) -> PlateImage:
    """Draw a plate, as often of an issuer's own designs as of those that all share."""
    design = draw_look(str(rng.choice(ISSUERS)), rng) if rng.random() < 0.5 else None
    return render_plate(rng, design=design, height=height)


def build(photo: Photo, rng: np.random.Generator, fonts: Sequence[Path]) -> tuple[Picture, list[Thing], list[Thing]]:
    """Cut a piece of a photo and paste plates and lettering; gray, what is known, and what is not."""
    pixels, factor, origin = _cut(photo.pixels, rng)
    known, unknown = (
        [Thing(_moved(box, factor, origin), kind) for box in boxes.tolist()]
        for boxes, kind in ((photo.boxes, "real"), (photo.doubtful, "doubtful"))
    )
    for _ in range(int(rng.integers(*_THINGS))):
        kind = "drawn" if rng.random() < _PLATES else "lettering"
        thing = _put(pixels, kind, [*known, *unknown], rng, fonts)
        known += [thing] if thing else []
    return disturb(to_gray(pixels, rng), rng), known, unknown


def look(
    gray: Picture, known: Sequence[Thing], unknown: Sequence[Thing], detector: Detector, reader: Reader
) -> Iterator[Proposal]:
    """Yield what the device finds in a picture, with what it is."""
    for seen in detector.detect(gray, minimum_score=LEAST_SCORE):
        if any(_near(seen.box, thing.box) for thing in unknown):
            continue
        overlap, kind = max(
            ((intersection_over_union(seen.box, thing.box), thing.kind) for thing in known), default=(0.0, "found")
        )
        if overlap < SAME:
            inside = [thing.kind for thing in known if _near(seen.box, thing.box)]
            if any(kind != "lettering" for kind in inside):
                continue  # half a plate, or one with its frame
            kind = "lettering" if inside else "found"
        plate = rectify(gray, seen.corners, width=WIDTH, height=HEIGHT, margin=MARGIN)
        reading = reader.observe(plate).hypotheses[0]
        if len(reading.text) < LEAST_TEXT:
            continue
        yield Proposal(plate, kind, seen.score, reading.text, reading.probability)


def _cut(pixels: Picture, rng: np.random.Generator) -> tuple[Picture, float, tuple[int, int]]:
    height, width = pixels.shape[:2]
    share = float(rng.uniform(0.45, 1.0))
    wide, high = round(width * share), round(min(height * share, width * share * 0.75))
    left, top = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - high + 1))
    factor = float(rng.uniform(640, 1280)) / wide
    smooth = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    part = pixels[top : top + high, left : left + wide]
    return np.asarray(cv2.resize(part, None, fx=factor, fy=factor, interpolation=smooth), np.uint8), factor, (left, top)


def _moved(box: Sequence[float], factor: float, origin: tuple[int, int]) -> tuple[float, float, float, float]:
    (left, top), (x0, y0, x1, y1) = origin, box
    return (x0 - left) * factor, (y0 - top) * factor, (x1 - left) * factor, (y1 - top) * factor


def _put(
    pixels: Picture, kind: str, taken: Sequence[Thing], rng: np.random.Generator, fonts: Sequence[Path]
) -> Thing | None:
    height, width = pixels.shape[:2]
    across = float(np.exp(rng.uniform(np.log(34), np.log(260))))
    if kind == "drawn":
        plate = draw_plate(rng, height=128)
        picture = np.dstack([plate.image, plate.mask])
    elif rng.random() < 0.75:
        picture = render_lettering(rng, fonts)
        across *= float(rng.uniform(0.6, 2.0))
    else:
        sign = render_sign(rng, fonts)
        picture = np.dstack([sign, np.full(sign.shape[:2], 255, np.uint8)])
    aspect = picture.shape[1] / picture.shape[0]
    if across / aspect < 9:
        across = 9 * aspect
    centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
    pose = random_pose(rng)
    corners = project_corners(width=across, aspect=aspect, centre=centre, pose=pose)
    low, high = corners.min(0), corners.max(0)
    if low.min() < 2 or high[0] > width - 2 or high[1] > height - 2:
        return None
    spare = 0.3 * (high - low)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    wide = (box[0] - spare[0], box[1] - spare[1], box[2] + spare[0], box[3] + spare[1])
    if any(_near(wide, other.box) for other in taken):
        return None
    blur = float(rng.choice([0.0, rng.uniform(0.3, 0.9)]))
    if rng.random() < 0.35:  # a holder, a panel, a body's part
        grow = 1 + rng.uniform(0.03, 0.5, 2)
        shade = np.full((20, 40, 3), int(np.clip(rng.normal(90, 70), 0, 255)), np.uint8)
        outer = project_corners(width=across * grow[0], aspect=aspect * grow[0] / grow[1], centre=centre, pose=pose)
        paste(pixels, shade, outer, blur=blur)
    gain = float(np.exp(rng.normal(-0.2, 0.3)))
    picture[..., :3] = np.clip(picture[..., :3] * gain + rng.uniform(0, 25), 0, 255).astype(np.uint8)
    paste(pixels, picture, corners, blur=blur)
    return Thing(box, kind)


def _near(box: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes share anything."""
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
