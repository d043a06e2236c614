"""Real photos with plate boxes, decoded once into one memory-mapped file."""

import hashlib
import json
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from platepost.models.evaluate.manifest import Dataset, read_photos

LONGEST_SIDE: Final = 1280
DOUBTFUL: Final = Path(__file__).with_name("doubtful.json")
"""By photo, boxes in pixels of the stored photo: found by an early detector and by bare panels, gone through by eye."""
VALIDATION_PHOTOS: Final = 100
HELD_OUT: Final = 10
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """A photo: pixels BGR [H, W, 3], and boxes [N, 4] left, top, right, bottom in its pixels.

    `doubtful` are places that are neither plate nor background: most are plates that the labelers passed over, some
    are labeled plates whose text was painted over before publication.
    """

    name: str
    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    doubtful: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))


class PhotoStore(Sequence[Photo]):
    """Photos of several data folders, each with manifest.json; the pixels lie in `cache`.

    The cache is built when it is missing, or was made of other folders or manifests. Photos longer than 1280 pixels are
    scaled down to that. Raises ManifestError when a manifest is missing or wrong, or its pictures are plates cut out.
    """

    def __init__(self, folders: Sequence[Path], *, cache: Path) -> None:
        manifests = [read_photos(folder) for folder in folders]
        made_of = [
            [manifest.path.parent.name, hashlib.sha256(manifest.path.read_bytes()).hexdigest()]
            for manifest in manifests
        ]
        index = _read_index(cache)
        if index.get("made_of") != made_of:
            index = {"made_of": made_of, "photos": _build(manifests, cache=cache)}
            cache.with_suffix(".json").write_text(json.dumps(index), encoding="utf-8")
        self._index: list[dict[str, Any]] = index["photos"]
        self._doubtful = json.loads(DOUBTFUL.read_text(encoding="utf-8"))
        self._pixels = np.memmap(cache, np.uint8, mode="r")

    def __len__(self) -> int:
        return len(self._index)

    @property
    def names(self) -> list[str]:
        """Folder and file of each photo, such as open_images/0002a5b67e5f0909."""
        return [entry["name"] for entry in self._index]

    def __getitem__(self, number: int) -> Photo:  # type: ignore[override]
        """Return one photo; its pixels are a read-only view of the memory map."""
        entry = self._index[number]
        height, width, offset = entry["height"], entry["width"], entry["offset"]
        pixels = self._pixels[offset : offset + height * width * 3].reshape(height, width, 3)
        doubtful = self._doubtful.get(entry["name"], [])
        boxes = [box for box in entry["boxes"] if not any(_same(box, other) for other in doubtful)]
        return Photo(entry["name"], pixels, _boxes(boxes), _boxes(doubtful))


def split(names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the numbers of the photos that the detector learns from and of those kept for validation.

    Where there are Open Images photos, 100 of them, the same as ever: the figures of the model card are theirs. Else
    one photo in ten of all folders, by a hash of its file's name.
    """
    street = [number for number, name in enumerate(names) if name.startswith("open_images")]
    if street:
        size = min(VALIDATION_PHOTOS, len(street) // 4)
        held = set(np.random.default_rng(7).choice(street, size=size, replace=False).tolist())
    else:
        held = {number for number, name in enumerate(names) if _is_held_out(name)}
    return [number for number in range(len(names)) if number not in held], sorted(held)


def _is_held_out(name: str) -> bool:
    return zlib.crc32(name.rpartition("/")[2].encode()) % HELD_OUT == 0


def _same(box: list[float], other: list[float]) -> bool:
    """Whether two boxes are equal but for rounding."""
    return all(abs(first - second) <= 1 for first, second in zip(box, other, strict=True))


def _boxes(sides: list[list[float]]) -> NDArray[np.float32]:
    return np.array(sides, np.float32).reshape(-1, 4)


def _read_index(cache: Path) -> dict[str, Any]:
    """Return what the cache holds; empty if there is none, or one that does not say what it was made of."""
    path = cache.with_suffix(".json")
    index = json.loads(path.read_text(encoding="utf-8")) if cache.is_file() and path.is_file() else {}
    return index if isinstance(index, dict) else {}


def _build(manifests: Sequence[Dataset], *, cache: Path) -> list[dict[str, Any]]:
    """Decode the photos into a new file that takes the old one's place, which others may still have mapped."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    index, offset = [], 0
    part = cache.with_suffix(".part")
    photos = [(manifest.path.parent.name, photo) for manifest in manifests for photo in manifest.pictures]
    with part.open("wb") as out:
        for folder, photo in track(photos, description="Decoding photos", console=Console(stderr=True)):
            pixels = cv2.imread(str(photo.path), cv2.IMREAD_COLOR)
            if pixels is None:
                logger.warning("cannot decode %s", photo.path)
                continue
            scale = min(1.0, LONGEST_SIDE / max(pixels.shape[:2]))
            if scale < 1.0:
                pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            height, width = pixels.shape[:2]
            boxes = [[value * scale for value in plate.box] for plate in photo.plates if plate.box is not None]
            name = f"{folder}/{photo.path.stem}"
            index.append({"name": name, "height": height, "width": width, "offset": offset, "boxes": boxes})
            out.write(np.ascontiguousarray(pixels).tobytes())
            offset += height * width * 3
    cache.with_suffix(".json").unlink(missing_ok=True)
    part.replace(cache)
    return index
