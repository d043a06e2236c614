"""Plates with hidden characters, drawn and real, and what a trained reader makes of them half way through."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platepost.device.vision.reader import Reader
from platepost.models.plates import Severity, degrade, framed, render_plate
from platepost.models.plates.occluders import Cells, obscured
from platepost.models.reader.real import LEAST_WIDTH, LONGEST, RealPlate, is_held_out, read_plates
from platepost.models.reader.shuffle import FRAMED_PLATE, find_cells
from platepost.models.trunk import Trunk

logger = logging.getLogger(__name__)

TRUNK: Final = 8
"""Layers of the reader that the second answer stands on: 8 x 40 columns of 96 values."""
CHUNK: Final = 400
_CHARACTERS: Final = ((0, 1, 2), (0.3, 0.55, 0.15))
"""How many characters are hidden, and how often."""
_UNTOUCHED: Final = 0.35
"""Share of plates that nothing stands before."""


class Examples(NamedTuple):
    """Plates in a row."""

    pictures: npt.NDArray[np.uint8]
    """N x 64 x 160."""
    values: npt.NDArray[np.int8]
    """N x 8 x 40 x 96: what layer `TRUNK` says, as quantized."""
    columns: npt.NDArray[np.float16]
    """N x 40 x 37: the reader's own probabilities."""
    texts: npt.NDArray[np.str_]
    """With `?` for what is hidden."""


class PartedPlate(NamedTuple):
    """A framed plate, its text, where its characters stand, and its width in its photograph (drawn ones: None)."""

    picture: npt.NDArray[np.uint8]
    text: str
    cells: Cells
    width: float | None


def real_plates(folder: Path, reader: Reader, *, held_out: bool) -> list[PartedPlate]:
    """Real plates whose characters a reader can part; without a transcription, those it is sure of."""
    plates: list[PartedPlate] = []
    for one in read_plates(folder, reader):
        if one.width >= LEAST_WIDTH and is_held_out(one) == held_out:
            cells = find_cells(one, reader)
            if cells is not None:
                plates.append(PartedPlate(one.framed(), one.text, cells, one.width))
    return plates


def drawn_plates(reader: Reader, count: int, rng: np.random.Generator) -> Iterator[PartedPlate]:
    """Draw plates whose characters a reader can part."""
    while count:
        plate = render_plate(rng, height=96)
        picture = framed(plate, rng)
        cells = find_cells(RealPlate(picture, FRAMED_PLATE, plate.text), reader)
        if cells is not None and len(plate.text) <= LONGEST:
            count -= 1
            yield PartedPlate(picture, plate.text, cells, None)


def examples(plates: Sequence[PartedPlate], trunk: Trunk, rng: np.random.Generator, severity: Severity) -> Examples:
    """Hide characters of plates, or none, and send them through the camera."""
    hidden_plates = []
    for plate in plates:
        picture, text = plate.picture, plate.text
        if rng.random() >= _UNTOUCHED:
            characters = min(int(rng.choice(_CHARACTERS[0], p=_CHARACTERS[1])), len(text) - 1)
            picture, text = obscured(picture, text, plate.cells, rng, characters=characters) or (picture, text)
        own = severity
        if plate.width is not None:
            least = max(severity.smallest, min(0.65 * plate.width, 110.0))
            own = Severity(smallest=least, largest=max(260.0, plate.width), crops=1.0)
        hidden_plates.append((degrade(picture, rng, own), text))
    seen = [trunk(picture) for picture, _ in hidden_plates]
    return Examples(
        np.stack([picture for picture, _ in hidden_plates]),
        np.stack([values for values, _ in seen]),
        np.stack([columns for _, columns in seen]).astype(np.float16),
        np.array([text for _, text in hidden_plates], f"U{LONGEST}"),
    )


def fill(folder: Path, reader: Path, photos: Sequence[Path], *, chunks: int, seed: int, copies: int = 3) -> None:
    """Write so many files of examples, half of the plates real ones if there are photos; those that are there stay."""
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    trunk, finder = Trunk(reader, TRUNK), Reader(reader)
    real = [plate for place in photos for plate in real_plates(place, finder, held_out=False)]
    logger.info("%d real plates", len(real))
    for number in range(chunks):
        path = folder / f"{number:03}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        count = CHUNK // copies
        mine = list(drawn_plates(finder, count // 2 if real else count, rng))
        if real:
            mine += [real[int(rng.integers(len(real)))] for _ in range(count - len(mine))]
        hidden_examples = examples([plate for plate in mine for _ in range(copies)], trunk, rng, Severity())
        np.savez(path.with_suffix(".part.npz"), **hidden_examples._asdict())
        path.with_suffix(".part.npz").replace(path)


def load(paths: Sequence[Path]) -> Examples:
    """Read files of examples."""
    parts = []
    for path in paths:
        with np.load(path) as arrays:
            parts.append([arrays[name] for name in Examples._fields])
    return Examples(*(np.concatenate(part) for part in zip(*parts, strict=True)))
