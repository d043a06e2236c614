"""Real plates: photographs with boxes and texts, and crops with texts, described by a manifest."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from platepost.common.errors import PictureError
from platepost.device.vision.reader import Reader
from platepost.models.evaluate.manifest import ManifestError, TruePlate, read_manifest, read_photos, read_transcriptions
from platepost.models.evaluate.spelling import normalize
from platepost.models.plates.degrade import READER_MARGIN, READER_SHAPE
from platepost.models.plates.surroundings import FRAMED_SHAPE, MARGIN
from platepost.models.reader.labels import ALPHABET

LEAST_WIDTH: Final = 60.0
"""Pixels from which on a plate that no one transcribed is worth asking a reader."""
LONGEST: Final = 10
_SURE: Final = 0.97
"""What the reader must claim of its text to be believed."""
_HELD_OUT: Final = 7

Framed = tuple[npt.NDArray[np.uint8], float, str]
"""A real plate as `RealPlate.framed` gives it, its width in its photograph, and its text."""


@dataclass(frozen=True)
class RealPlate:
    """One plate of a photograph."""

    picture: npt.NDArray[np.uint8]
    """The whole photograph or crop, gray."""
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
        """As `platepost.models.plates.framed` gives drawn plates."""
        return self.cut(MARGIN, FRAMED_SHAPE)

    def rectified(self) -> npt.NDArray[np.uint8]:
        """As the device cuts it out for the reader."""
        return self.cut(READER_MARGIN / (1 - 2 * READER_MARGIN), READER_SHAPE)


def load_photos(folder: Path, texts: Path | None = None) -> list[RealPlate]:
    """All plates with a text of a set with boxes (train/open_images, evaluate/us_photos).

    Args:
        folder: the photographs and their manifest.json, see `platepost.models.evaluate.manifest.read_photos`.
        texts: transcriptions of plates that the manifest leaves without a text, see `read_transcriptions` there.

    Raises:
        ManifestError: a file is wrong, pictures are plates cut out, or a text has other characters than A-Z, 0-9.
        PictureError: a picture is missing or cannot be decoded.
    """
    manifest = read_photos(folder)
    more = {} if texts is None else read_transcriptions(texts)
    further = {manifest.path.parent / file: plates for file, plates in more.items()}
    photos = []
    for photo in manifest.pictures:
        plates = [plate for plate in photo.plates if plate.text] + further.get(photo.path, [])
        if not plates:
            continue
        picture = gray(photo.path)
        photos += [
            RealPlate(picture, plate.box, _label(plate, photo.path), plate.region)
            for plate in plates
            if plate.box is not None
        ]
    return photos


def read_plates(folder: Path, reader: Reader) -> Iterator[RealPlate]:
    """Give the plates of a set with boxes that have a text, and those whose text a reader is sure of.

    Raises:
        ManifestError: as `load_photos`.
        PictureError: as `load_photos`.
    """
    for photo in read_photos(folder).pictures:
        whole = None
        for plate in photo.plates:
            if plate.box is None or not (plate.text or plate.box[2] - plate.box[0] >= LEAST_WIDTH):
                continue
            whole = gray(photo.path) if whole is None else whole
            if plate.text:
                yield RealPlate(whole, plate.box, _label(plate, photo.path), plate.region)
                continue
            one = RealPlate(whole, plate.box, "", plate.region)
            best = reader.observe(one.rectified()).hypotheses[0]
            if best.probability >= _SURE and 4 <= len(best.text) <= LONGEST and set(best.text) <= set(ALPHABET):
                yield replace(one, text=best.text)


def load_crops(folder: Path) -> list[tuple[npt.NDArray[np.uint8], str]]:
    """Crops resized whole to the reader's input, and their texts (evaluate/us_crops).

    Raises:
        ManifestError: the manifest is wrong, a picture is no crop, or a text has other characters than A-Z, 0-9.
        PictureError: a picture is missing or cannot be decoded.
    """
    height, width = READER_SHAPE
    manifest = read_manifest(folder)
    crops = []
    for crop in manifest.pictures:
        if not crop.cut_out:
            message = f"{manifest.path}: {crop.path.name} is a photo, and plates cut out are wanted here"
            raise ManifestError(message)
        picture = cv2.resize(gray(crop.path), (width, height), interpolation=cv2.INTER_AREA)
        crops.append((np.asarray(picture, np.uint8), _label(crop.plates[0], crop.path)))
    return crops


def parted(folder: Path, texts: Path | None = None) -> tuple[list[RealPlate], list[RealPlate]]:
    """Load the plates of a set with boxes: those to learn from, and those held out.

    Raises:
        ManifestError: as `load_photos`, or one of the two is empty.
        PictureError: as `load_photos`.
    """
    plates = load_photos(folder, texts)
    learnt, held = ([plate for plate in plates if is_held_out(plate) == side] for side in (False, True))
    if not learnt or not held:
        message = f"{folder}: {len(learnt)} plates with a text to learn from and {len(held)} held out: too few"
        raise ManifestError(message)
    return learnt, held


def is_held_out(plate: RealPlate) -> bool:
    """Whether a training plate is left for choosing checkpoints: one in seven, by its text.

    Texts that differ by O and 0 or I and 1 alone count as two; folding them now would put plates that the shipped
    files learned from among the held-out ones.
    """
    return zlib.crc32(plate.text.encode()) % _HELD_OUT == 0


def _label(plate: TruePlate, path: Path) -> str:
    """Write a text as the network does, without spaces and hyphens; refuse what it has no class for."""
    text = normalize(plate.text or "")
    if not text or not set(text) <= set(ALPHABET):
        message = f"{path}: text {plate.text!r}: expected letters A-Z and digits"
        raise ManifestError(message)
    return text


def gray(path: Path) -> npt.NDArray[np.uint8]:
    """Read a photograph in gray; PictureError if it is none."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        message = f"{path}: is missing or no picture"
        raise PictureError(message)
    return np.asarray(picture, np.uint8)
