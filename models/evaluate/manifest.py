"""manifest.json of a folder of pictures: where they are, and which plates they show."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from platepost.common.errors import PlatepostError
from platepost.device.frame import Box

FARTHEST: Final = 1_000_000
"""Pixels: no picture is so large, and a box that reaches beyond is a mistake that could not be drawn."""


class ManifestError(PlatepostError, ValueError):
    """A manifest is missing, is no JSON, or lacks what every manifest has; the message names file and place."""


@dataclass(frozen=True, slots=True)
class TruePlate:
    """A plate that a picture shows; `box` in pixels, None when the picture is the plate; `text` None when unknown."""

    text: str | None
    box: Box | None
    region: str | None = None
    """Who issued it, such as US-CA; None when unknown."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and the plates in it; no plates: it shows none, and what is found there is a false alarm."""

    path: Path
    plates: tuple[TruePlate, ...]

    @property
    def cut_out(self) -> bool:
        """Whether the picture is a plate cut out, rather than a photo with or without plates."""
        return bool(self.plates) and all(plate.box is None for plate in self.plates)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of pictures."""

    name: str
    path: Path
    pictures: tuple[LabelledPicture, ...]

    def without(self, names: Collection[str]) -> Self:
        """Leave out pictures by their file's name, as those whose text is disputed.

        Raises:
            ManifestError: a name is in no picture, or no picture is left.

        """
        unknown = sorted(set(names) - {picture.path.name for picture in self.pictures})
        if unknown:
            raise ManifestError(f"{self.path}: has no picture named {', '.join(unknown)}")
        left = tuple(picture for picture in self.pictures if picture.path.name not in names)
        if not left:
            raise ManifestError(f"{self.path}: nothing is left without {', '.join(sorted(names))}")
        return replace(self, pictures=left)


def read_manifest(path: Path) -> Dataset:
    """Read manifest.json, given itself or by its folder.

    An image has "file" (relative to the manifest) and either "plates", each with "box" and perhaps "text" and "region",
    or "text" and perhaps "state" (as CA) when it is the crop of one plate.

    Raises:
        ManifestError: naming the file and the image that is wrong.

    """
    path = path / "manifest.json" if path.is_dir() else path
    content, images = _listed(path, "images")
    pictures = tuple(_picture(image, path, number) for number, image in enumerate(images))
    return Dataset(str(content.get("name", path.parent.name)), path, pictures)


def read_photos(folder: Path) -> Dataset:
    """Read the manifest of photos with boxes.

    Raises:
        ManifestError: as `read_manifest`, or a picture is a plate cut out.

    """
    manifest = read_manifest(folder)
    for picture in manifest.pictures:
        if picture.cut_out:
            raise ManifestError(f"{manifest.path}: {picture.path.name} is a plate cut out, and photos are wanted here")
    return manifest


def read_transcriptions(path: Path) -> dict[str, list[TruePlate]]:
    """Read the texts of plates that a manifest leaves without one; by the "file" that the manifest names, the plates.

    `{"texts": [{"file": ..., "box": [left, top, right, bottom], "text": ...}, ...]}`, each perhaps with a "region".

    Raises:
        ManifestError: naming the file and the entry that is wrong.

    """
    by_picture: dict[str, list[TruePlate]] = {}
    for number, entry in enumerate(_listed(path, "texts")[1]):
        where = f"{path}: texts[{number}]"
        plate = _plate(entry, where)
        if not isinstance(entry.get("file"), str) or not plate.text:
            raise ManifestError(f'{where}: expected "file", "box" and "text"')
        by_picture.setdefault(entry["file"], []).append(plate)
    return by_picture


def _listed(path: Path, key: str) -> tuple[dict[str, Any], list[Any]]:
    """Return what a JSON file holds, and the list `key` in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ManifestError(f"{path}: is no JSON: {error}") from error
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ManifestError(f'{path}: expected an object with a list "{key}" that is not empty')
    return content, entries


def _picture(image: Any, path: Path, number: int) -> LabelledPicture:
    where = f"{path}: images[{number}]"
    if not isinstance(image, dict) or not isinstance(image.get("file"), str):
        raise ManifestError(f'{where}: expected an object with "file"')
    plates = image.get("plates")
    if plates is None:
        if not isinstance(image.get("text"), str):
            raise ManifestError(f'{where}: expected "plates", or "text" for a crop')
        state = image.get("state")
        region = f"US-{state}" if isinstance(state, str) and state else None
        return LabelledPicture(path.parent / image["file"], (TruePlate(image["text"], None, region),))
    if not isinstance(plates, list):
        raise ManifestError(f'{where}: "plates" is no list')
    return LabelledPicture(path.parent / image["file"], tuple(_plate(plate, where) for plate in plates))


def _plate(plate: Any, where: str) -> TruePlate:
    box = plate.get("box") if isinstance(plate, dict) else None
    if (
        not isinstance(box, list)
        or len(box) != 4
        or not all(isinstance(side, int | float) and abs(side) <= FARTHEST for side in box)
        or not (box[0] < box[2] and box[1] < box[3])
    ):
        raise ManifestError(f"{where}: expected a box [left, top, right, bottom] in pixels, found {box!r}")
    text = plate.get("text")
    if not (text is None or isinstance(text, str)):
        raise ManifestError(f"{where}: expected a text, found {text!r}")
    region = plate.get("region")
    if not (region is None or isinstance(region, str)):
        raise ManifestError(f"{where}: expected a region, found {region!r}")
    left, top, right, bottom = map(float, box)
    return TruePlate(text, (left, top, right, bottom), region)
