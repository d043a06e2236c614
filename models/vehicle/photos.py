"""Vehicles of photographs with plate boxes, labeled by eye: `labels.csv` beside this, a code for each box.

A row says the folder's name, the photograph's, the number of the plate in the manifest, and the code: three letters for
kind, color and side. `0` as a color says that none can be told by this light, and `-` that the label is left open.
"""

import csv
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.common.errors import PictureError
from platepost.device.vision.geometry import upright
from platepost.device.vision.vehicle import EMPTY, around, plate_width
from platepost.models.evaluate.manifest import ManifestError, read_photos
from platepost.wire.records.vehicles import COLORS, KINDS

LABELS: Final = Path(__file__).with_name("labels.csv")
OPEN: Final = -1
"""Class of what is left open: nothing is learned of it."""
UNCOLORED: Final = len(COLORS)
"""Class of colors that cannot be told by this light."""
ROOM: Final = (154, 112)
"""Pixels of a kept picture: the net's field by 14 pixels a plate, with room around it to move."""
SCALE: Final = 14.0
MIDDLE: Final = (77.0, 76.0)
"""The plate's middle in it."""

_HELD_OUT: Final = 5
_KINDS: Final = {letter: KINDS.index(kind) for letter, kind in zip("cvptbm", KINDS, strict=True)} | {"-": OPEN}
_COLORS: Final = {letter: place for place, letter in enumerate("wkyruglon0")} | {"-": OPEN}
_SIDES: Final = {"f": 0, "r": 1, "-": OPEN}

Pictures = npt.NDArray[np.uint8]
Answers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Labeled:
    """Vehicles and their classes, N x 3."""

    rooms: Pictures
    """With room around them, N x 112 x 154 x 3 BGR, the plate's middle at `MIDDLE`."""
    pictures: Pictures
    """As the device cuts them out, N x 64 x 80 x 3."""
    answers: Answers


def labeled(folders: tuple[Path, ...], *, held_out: bool, labels: Path = LABELS) -> Labeled:
    """Load the labeled vehicles of folders of photographs: those held out, by their photograph's name, or the others.

    Raises:
        ManifestError: a manifest or the labels are wrong, or nothing is left.
        PictureError: a picture is missing or cannot be decoded.

    """
    known = read_labels(labels)
    photos = [one for folder in folders for one in _of(folder, known, held_out=held_out)]
    if not photos:
        raise ManifestError(f"{', '.join(map(str, folders))}: no labeled vehicle")
    rooms, pictures, answers = zip(*photos, strict=True)
    return Labeled(np.stack(rooms), np.stack(pictures), np.array(answers, np.int64))


def read_labels(path: Path = LABELS) -> Mapping[tuple[str, str], list[tuple[int, str]]]:
    """Read which plates of a photograph have which code, by its folder's name and its own."""
    known = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            known[row["photos"], row["name"]].append((int(row["plate"]), row["code"]))
    return known


def is_held_out(name: str) -> bool:
    """Whether the vehicles of a photograph are left for calibration and figures: one in five, by its name."""
    return zlib.crc32(name.encode()) % _HELD_OUT == 0


def parse(code: str) -> tuple[int, int, int]:
    """Return the classes of kind, color and side that a code says, `OPEN` where it leaves them open."""
    kind, color, side = tuple(code)
    return _KINDS[kind], _COLORS[color], _SIDES[side]


def _of(
    folder: Path, known: Mapping[tuple[str, str], list[tuple[int, str]]], *, held_out: bool
) -> Iterator[tuple[Pictures, Pictures, tuple[int, int, int]]]:
    for photo in read_photos(folder).pictures:
        codes = known.get((folder.name, photo.path.stem))
        if not codes or is_held_out(photo.path.stem) != held_out:
            continue
        picture = cv2.imread(str(photo.path))
        if picture is None:
            raise PictureError(f"{photo.path}: is missing or no picture")
        for number, code in codes:
            box = photo.plates[number].box
            if box is None:
                raise ManifestError(f"{photo.path}: plate {number} has no box")
            photograph, corners = np.asarray(picture, np.uint8), upright(np.array(box, np.float32).reshape(2, 2))
            yield _room(photograph, box), around(photograph, corners), parse(code)


def _room(picture: Pictures, box: tuple[float, float, float, float]) -> Pictures:
    """Cut a plate's wide surroundings out of a photograph."""
    left, top, right, bottom = box
    plate = plate_width(right - left, bottom - top)
    scale = SCALE / plate
    shrunk = min(1.0, 2 * scale)
    small = picture if shrunk == 1 else cv2.resize(picture, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
    scale /= shrunk
    x, y = (left + right) / 2 * shrunk, (top + bottom) / 2 * shrunk
    way = np.array([[scale, 0, MIDDLE[0] - x * scale], [0, scale, MIDDLE[1] - y * scale]], np.float32)
    return np.asarray(cv2.warpAffine(small, way, ROOM, flags=cv2.INTER_LINEAR, borderValue=(EMPTY,) * 3), np.uint8)
