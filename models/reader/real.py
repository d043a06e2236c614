"""Real plates: photographs with boxes and texts, and crops with texts, described by a manifest."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from models.plates.degrade import READER_MARGIN, READER_SHAPE
from models.plates.surroundings import FRAMED_SHAPE, MARGIN

_HELD_OUT: Final = 7

Framed = tuple[npt.NDArray[np.uint8], float, str]
"""A real plate as `RealPlate.framed` gives it, its width in its photograph, and its text."""


@dataclass(frozen=True)
class RealPlate:
    """One plate of a photograph."""

    picture: npt.NDArray[np.uint8]
    """The whole photograph or crop, grey."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of it."""
    text: str
    region: str | None = None
    """Who issued it, such as US-CA, where the manifest says it."""

    @property
    def width(self) -> float:
        """Width of the plate in pixels."""
        return self.box[2] - self.box[0]

    def cut(self, margin: float, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """Cut the plate with a margin (by its size), scaled to a shape; the photo's edges are repeated beyond it."""
        left, top, right, bottom = self.box
        dx, dy = (right - left) * margin, (bottom - top) * margin
        low, high = (left - dx, top - dy), (right + dx, bottom + dy)
        factor = float(min(1.0, 2 * shape[1] / (high[0] - low[0])))
        picture = self.picture
        if factor < 1:
            picture = np.asarray(
                cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
            )
        source = np.array([[low[0], low[1]], [high[0], low[1]], [low[0], high[1]]], np.float32) * factor
        target = np.array([[0, 0], [shape[1], 0], [0, shape[0]]], np.float32)
        cut = cv2.warpAffine(
            picture,
            cv2.getAffineTransform(source, target),
            (shape[1], shape[0]),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(cut, np.uint8)

    def framed(self) -> npt.NDArray[np.uint8]:
        """As `models.plates.framed` gives drawn plates."""
        return self.cut(MARGIN, FRAMED_SHAPE)

    def rectified(self) -> npt.NDArray[np.uint8]:
        """As the device cuts it out for the reader."""
        return self.cut(READER_MARGIN / (1 - 2 * READER_MARGIN), READER_SHAPE)


def load_photos(folder: Path, texts: Path | None = None) -> list[RealPlate]:
    """All plates with a text of a set with boxes (train/open_images, evaluate/us_photos).

    Args:
        folder: the photographs and their manifest.json.
        texts: transcriptions of plates that the manifest leaves without a text, if there are any:
            `{"texts": [{"file": ..., "box": [left, top, right, bottom], "text": ...}, ...]}`, file and box as there;
            each with a "region" where it is known.
    """
    more: dict[str, list[dict[str, Any]]] = {}
    for plate in json.loads(texts.read_text())["texts"] if texts is not None else ():
        more.setdefault(plate["file"], []).append(plate)
    found = []
    for image in json.loads((folder / "manifest.json").read_text())["images"]:
        plates = [plate for plate in image["plates"] if plate.get("text")] + more.get(image["file"], [])
        if not plates:
            continue
        picture = _grey(folder / image["file"])
        for plate in plates:
            left, top, right, bottom = plate["box"]
            found.append(RealPlate(picture, (left, top, right, bottom), plate["text"], plate.get("region")))
    return found


def load_crops(folder: Path) -> list[tuple[npt.NDArray[np.uint8], str]]:
    """Crops resized whole to the reader's input, and their texts (evaluate/us_crops)."""
    height, width = READER_SHAPE
    crops = []
    for image in json.loads((folder / "manifest.json").read_text())["images"]:
        picture = cv2.resize(_grey(folder / image["file"]), (width, height), interpolation=cv2.INTER_AREA)
        crops.append((np.asarray(picture, np.uint8), image["text"]))
    return crops


def is_held_out(plate: RealPlate) -> bool:
    """Whether a training plate is left for choosing checkpoints: one in seven, by its text."""
    return zlib.crc32(plate.text.encode()) % _HELD_OUT == 0


def _grey(path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        message = f"no picture: {path}"
        raise FileNotFoundError(message)
    return np.asarray(picture, np.uint8)
