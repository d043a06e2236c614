"""Plates and lettering to learn from, and what the issuer net makes of them half way through."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import Detector
from platepost.device.vision.modelfiles import shipped
from platepost.device.vision.reader import Reader
from platepost.device.vision.region import leveled
from platepost.models.lettering.direct import framed_lettering
from platepost.models.lettering.net import TRUNK
from platepost.models.lettering.scenes import LEAST_TEXT, build, draw_plate, look
from platepost.models.lettering.words import all_faces
from platepost.models.plates import Severity, degrade, framed
from platepost.models.reader.real import RealPlate
from platepost.models.region.real import worsened
from platepost.models.scenes.photos import PhotoStore, split
from platepost.models.trunk import Trunk

logger = logging.getLogger(__name__)

SCENES: Final = 100
"""Pictures of a file of scenes."""
ROWS: Final = 900
"""Rows of a file of plates and lettering without a scene."""
_HELD_OUT: Final = 7
"""One photo in so many is left to check by."""
_SEVERITY: Final = Severity(smallest=44.0)
_LEAST_WIDTH: Final = 34
_FAINT: Final = 0.02
"""What a reader claims at least of most lettering that is learned from: what it cannot read is no read anyway."""
_UNREAD: Final = 0.3
"""Share of the rest that is learned from all the same."""
PLATES: Final = ("real", "drawn")


class Proposals(NamedTuple):
    """Places that a detector points at, in a row."""

    plate: NDArray[np.uint8]
    """N x 64 x 160, as the device rectifies them."""
    kind: NDArray[np.str_]
    """`real` or `drawn`: plates; `found` in photos or `lettering`, drawn: none."""
    text: NDArray[np.str_]
    confidence: NDArray[np.float64]
    """The reader's, of that text."""
    score: NDArray[np.float64]
    """The detector's; NaN where there was no scene."""
    photo: NDArray[np.int64]
    """Its number among all, below 0 where there was none."""

    @property
    def plates(self) -> NDArray[np.bool_]:
        """Which are plates."""
        return np.isin(self.kind, PLATES)

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which are not learned from: those of some of the photos."""
        return np.asarray((self.photo >= 0) & (self.photo * 2_654_435_761 % _HELD_OUT == 0))


def fill(folder: Path, photos: Sequence[Path], reader: Path, *, scenes: int, direct: int, seed: int) -> None:
    """Write so many files of each kind; those that are there stay.

    The detector that ships points at what is in the scenes; of photos, it must not have learned to tell lettering in
    the held-out ones (`platepost.models.scenes.photos.split`), and neither does this.
    """
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    store = PhotoStore(photos, cache=folder / "photos.bin")
    fonts = all_faces()
    finder = Reader(reader)
    learned = split(store.names)[0]
    missing = [number for number in range(scenes) if not _file(folder, "scenes", number).exists()]
    detector = Detector(shipped("detector.tflite"))
    for number in missing:
        rng = np.random.default_rng([seed, number])
        rows: list[tuple[object, ...]] = []
        for place in rng.choice(learned, SCENES):
            gray, known, unknown = build(store[int(place)], rng, fonts)
            rows += [
                (seen.plate, seen.kind, seen.text, seen.confidence, seen.score, int(place))
                for seen in look(gray, known, unknown, detector, finder)
                if seen.kind in PLATES or seen.confidence >= _FAINT or rng.random() < _UNREAD
            ]
        _write(_file(folder, "scenes", number), rows)
    missing = [number for number in range(direct) if not _file(folder, "direct", number).exists()]
    real = list(_real_plates(store, learned)) if missing else []
    for number in missing:
        rng = np.random.default_rng([seed + 1, number])
        _write(_file(folder, "direct", number), list(_direct(rng, real, fonts, finder)))


def load(folder: Path) -> Proposals:
    """Read all files of a folder."""
    parts = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            parts.append([arrays[name] for name in Proposals._fields])
    return Proposals(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def values(plates: Iterable[NDArray[np.uint8]], trunk: Trunk) -> NDArray[np.int8]:
    """Return what layer `TRUNK` of the issuer net says of plates, as quantized: N x 8 x 20 x 128."""
    return np.stack([trunk(leveled(plate))[0] for plate in plates])


def trunk_of(region: Path) -> Trunk:
    """Load the first layers of an issuer net."""
    return Trunk(region, TRUNK)


def _file(folder: Path, kind: str, number: int) -> Path:
    return folder / f"{kind}-{number:03}.npz"


def _write(path: Path, rows: Sequence[tuple[object, ...]]) -> None:
    part = path.with_suffix(".part")
    columns = Proposals(*(np.array(column) for column in zip(*rows, strict=True)))
    with part.open("wb") as out:
        np.savez(out, **columns._asdict())
    part.replace(path)
    logger.info("%s: %d", path.name, len(rows))


def _real_plates(store: PhotoStore, learned: Sequence[int]) -> Iterator[tuple[NDArray[np.uint8], float, int]]:
    for number in learned:
        photo, gray = store[number], None
        for box in photo.boxes.tolist():
            width = box[2] - box[0]
            if width >= _LEAST_WIDTH:
                if gray is None:
                    gray = np.asarray(cv2.cvtColor(np.ascontiguousarray(photo.pixels), cv2.COLOR_BGR2GRAY), np.uint8)
                yield RealPlate(gray, tuple(box), "").framed(), width, number


def _direct(
    rng: np.random.Generator,
    real: Sequence[tuple[NDArray[np.uint8], float, int]],
    fonts: Sequence[Path],
    reader: Reader,
) -> Iterator[tuple[object, ...]]:
    """Degrade lettering, drawn plates and real ones as if a detector had pointed at them."""
    count = 0
    while count < ROWS:
        kind, photo = str(rng.choice(["lettering", "real", "drawn"], p=[0.6, 0.2, 0.2])), -1
        if kind == "lettering":
            picture = degrade(framed_lettering(rng, fonts), rng, _SEVERITY)
        elif kind == "real" and real:
            plate, width, photo = real[int(rng.integers(len(real)))]
            picture = worsened(plate, width, rng)
        else:
            picture = degrade(framed(draw_plate(rng, height=96), rng), rng, _SEVERITY)
        seen = reader.observe(picture).hypotheses[0]
        unread = kind == "lettering" and seen.probability < _FAINT
        if len(seen.text) >= LEAST_TEXT and not (unread and rng.random() >= _UNREAD):
            count += 1
            yield picture, kind, seen.text, seen.probability, np.nan, photo
