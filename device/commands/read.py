"""`platepost read`: the plates of photos and folders."""

import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console
from rich.progress import track
from rich.table import Table

from platepost.common.commands.options import Number
from platepost.common.errors import CameraError, PictureError
from platepost.common.signals import check
from platepost.common.text import printable, shown
from platepost.device.backends import CameraAddress
from platepost.device.commands.options import PathOrAddress, camera_login
from platepost.device.vision.detector import MINIMUM_SCORE, is_cut
from platepost.device.vision.draw import draw_plates
from platepost.device.vision.photos import load_photo, picture_errors
from platepost.device.vision.recognizer import LEGIBLE, Plate, Recognition, Recognizer
from platepost.device.vision.serials import COUNTRIES, Country

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""What is taken for a picture in a folder; a file named on the command line is tried whatever it is called."""


SETTLING_FRAMES = 5
"""Frames of a camera before the one that is read: it begins with an exposure for any weather."""


@dataclass(frozen=True, slots=True)
class _Result:
    path: Path | CameraAddress
    shape: tuple[int, ...] | None
    """Height and width of the picture; None of a crop, which shows the whole plate."""
    recognition: Recognition
    decode_milliseconds: float

    def is_cut(self, plate: Plate) -> bool:
        """Tell whether a side of the picture may have cut characters off."""
        return self.shape is not None and is_cut(plate.box, self.shape)


@click.command(
    epilog="""\b
Examples:
  platepost read photo.jpg
  platepost read --json photos/ > reads.jsonl
  platepost read --crop plate.png
  platepost read --draw annotated/ photos/
  platepost read --country EU photo.jpg
  platepost read /dev/video0
  platepost read --camera-user post --camera-password-file FILE rtsp://192.168.1.20/stream1
"""
)
@click.argument("images", nargs=-1, required=True, type=PathOrAddress())
@camera_login
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each image.")
@click.option("--crop", is_flag=True, help="The images are cropped license plates; read each as one plate.")
@click.option(
    "--draw", type=click.Path(path_type=Path, file_okay=False), help="Write annotated pictures into this folder."
)
@click.option("--detector", type=click.Path(path_type=Path, dir_okay=False), help="Use another detector.tflite.")
@click.option("--reader", type=click.Path(path_type=Path, dir_okay=False), help="Use another reader.tflite.")
@click.option("--region", type=click.Path(path_type=Path, dir_okay=False), help="Use another region.tflite.")
@click.option(
    "--country",
    type=click.Choice(list(COUNTRIES), case_sensitive=False),
    default="US",
    metavar="CODE",
    show_default=True,
    help=(
        "Where most of the vehicles are registered: US, BR, EU, or a code of one of its members, such as DE. Its "
        "formats break ties, and outside the US they decide between O and 0, I and 1."
    ),
)
@click.option(
    "--minimum-score",
    type=Number(0, 1),
    default=MINIMUM_SCORE,
    show_default=True,
    help="Lowest detection score of a plate.",
)
@click.option(
    "--minimum-confidence",
    type=Number(0, 1),
    help=(
        f"Lowest confidence of a reported plate; 0 also reports unreadable ones.  [default: {LEGIBLE}; a "
        "crop is always reported]"
    ),
)
def read(
    *,
    images: tuple[Path | CameraAddress, ...],
    login: Callable[[str], CameraAddress],
    as_json: bool,
    crop: bool,
    draw: Path | None,
    detector: Path | None,
    reader: Path | None,
    region: Path | None,
    country: Country,
    minimum_score: float,
    minimum_confidence: float | None,
) -> None:
    """Read the license plates in IMAGES: files, folders with everything in them, or one picture of a camera.

    A file that cannot be read or written, or a folder without pictures, prints an error; the rest are still read, and
    the exit code is 1.
    """
    recognizer = Recognizer.load(
        detector=detector,
        reader=reader,
        region=region,
        country=country,
        minimum_score=minimum_score,
        minimum_confidence=LEGIBLE if minimum_confidence is None else minimum_confidence,
    )
    table = _table()
    files, faults = _files([image for image in images if isinstance(image, Path)])
    addresses = [login(image.address) for image in images if isinstance(image, CameraAddress)]
    paths: list[Path | CameraAddress] = [*files, *addresses]
    for fault in faults:
        _complain(fault)
    failed = bool(faults)
    drawing = _Drawing(draw) if draw is not None else None
    with_bar = not as_json and len(paths) > 1 and sys.stderr.isatty()
    for path in track(paths, console=Console(stderr=True), description="Reading", disable=not with_bar):
        try:
            with picture_errors(_file(path)):
                start = perf_counter()
                picture = load_photo(path) if isinstance(path, Path) else _picture_of(path)
                decode = (perf_counter() - start) * 1000
                if crop:
                    recognition = _read_crop(recognizer, picture, minimum_confidence)
                else:
                    recognition = recognizer.recognize_still(picture)
        except (PictureError, CameraError) as error:
            failed = True
            _complain(str(error))
            continue
        try:
            if drawing is not None:
                with picture_errors(_file(path)):
                    drawing.write(_file(path), draw_plates(picture, recognition.plates))
        except PictureError as error:  # the reading stands all the same
            failed = True
            _complain(str(error))
        result = _Result(path, None if crop else picture.shape, recognition, decode)
        if as_json:
            click.echo(json.dumps(_as_json(result)))
        else:
            _add_rows(table, result)
    if not as_json and table.row_count:
        Console().print(table)
    if failed:
        raise SystemExit(1)


def _complain(message: str) -> None:
    click.echo(printable(f"platepost read: {message}"), err=True)


def _read_crop(recognizer: Recognizer, picture: NDArray[np.uint8], minimum_confidence: float | None) -> Recognition:
    """Read a plate that someone cut out, which is one: only a limit that was asked for leaves it out."""
    recognition = recognizer.recognize_crop(picture)
    least = minimum_confidence or 0.0
    return replace(
        recognition, plates=tuple(plate for plate in recognition.plates if plate.reading.confidence >= least)
    )


def _picture_of(address: CameraAddress) -> NDArray[np.uint8]:
    """Return a picture of a camera, H x W x 3 BGR.

    Raises:
        CameraError: it delivers none.

    """
    with address.camera() as camera:
        for frame in camera.frames():
            check()
            if frame.number >= SETTLING_FRAMES:
                return frame.color()
        raise CameraError(f"{camera.name}: the camera delivers no picture")


def _file(path: Path | CameraAddress) -> Path:
    """Return the path, or what a file with the picture of a camera is called."""
    return path if isinstance(path, Path) else Path(re.sub(r"[^A-Za-z0-9.]+", "-", path.address).strip("-"))


def _files(images: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the files to read, and what is amiss with the folders."""
    files: list[Path] = []
    faults: list[str] = []
    for path in images:
        if _kind(path) != stat.S_IFDIR:
            files.append(path)
            continue
        closed: list[OSError] = []
        pictures = sorted(file for file in _pictures_in(path, closed) if _kind(file) in {stat.S_IFREG, None})
        files += pictures
        faults += [f"{error.filename}: {error.strerror or error}" for error in closed]
        if not pictures and not closed:
            faults.append(f"{path}: no pictures in this folder")
    return files, faults


def _pictures_in(folder: Path, closed: list[OSError]) -> Iterator[Path]:
    """Yield what is called a picture in a folder and those below; which of them cannot be listed goes into `closed`."""
    for parent, _, names in os.walk(folder, onerror=closed.append):
        yield from (path for path in (Path(parent, name) for name in names) if path.suffix.lower() in SUFFIXES)


def _kind(path: Path) -> int | None:
    """Say what a path is, by the names of `stat`; None where no one knows: reading it says then what is amiss."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return None


class _Drawing:
    """The folder of annotated pictures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()

    def write(self, image: Path, picture: NDArray[np.uint8]) -> None:
        """Write the annotated picture of an image.

        Raises:
            PictureError: it cannot be written.

        """
        path = self._folder / self._name(image)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            coded, content = cv2.imencode(".jpg", picture)
            if not coded:
                raise PictureError(f"{path}: cannot be written")
            path.write_bytes(content.tobytes())
        except OSError as error:
            raise PictureError(f"{path}: {error.strerror or error}") from error

    def _name(self, image: Path) -> str:
        # Images of the same name, in other folders or of other formats, must not overwrite each other's pictures; nor
        # where a file system takes capitals for small letters.
        stem = f"{image.parent.name}-{image.stem}" if image.parent.name else image.stem
        name, number = f"{stem}.jpg", 1
        while name.lower() in self._names:
            number += 1
            name = f"{stem}-{number}.jpg"
        self._names.add(name.lower())
        return name


def _as_json(result: _Result) -> dict[str, Any]:
    milliseconds = result.recognition.milliseconds
    return {
        "image": str(result.path),
        "plates": [
            {
                "text": plate.text,
                "confidence": round(plate.reading.confidence, 4),
                "score": round(plate.score, 4),
                "box": [round(value, 1) for value in plate.box],
                "corners": [[round(float(x), 1), round(float(y), 1)] for x, y in plate.corners],
                "characters": [
                    {"character": character.character, "confidence": round(character.confidence, 4)}
                    for character in plate.reading.characters
                ],
                "alternatives": [
                    {"text": other.text, "confidence": round(other.probability, 4)}
                    for other in plate.reading.alternatives
                ],
                "cut": result.is_cut(plate),
                "region": plate.issuer.region if plate.issuer else None,
                "region_confidence": round(plate.issuer.confidence, 4) if plate.issuer else None,
                "vehicle": plate.vehicle.as_json(),
            }
            for plate in result.recognition.plates
        ],
        "milliseconds": {
            "decode": round(result.decode_milliseconds, 2),
            "detect": round(milliseconds.detect, 2),
            "read": round(milliseconds.read, 2),
            "total": round(milliseconds.total, 2),
        },
    }


def _table() -> Table:
    """Return the table of what was read: a narrow terminal folds the names of files, and never shortens a plate."""
    table = Table()
    table.add_column("image", overflow="fold", ratio=1)
    for column in ("plate", "confidence"):
        table.add_column(column, no_wrap=True, min_width=len(column))
    table.add_column("box", overflow="fold")
    table.add_column("ms", no_wrap=True)
    return table


def _add_rows(table: Table, result: _Result) -> None:
    total = f"{result.recognition.milliseconds.total:.1f}"
    image = shown(click.format_filename(str(result.path)))  # a name may hold bytes that no output can be written in
    if not result.recognition.plates:
        table.add_row(image, "[dim]no plate[/dim]", "", "", total)
    for number, plate in enumerate(result.recognition.plates):
        box = " ".join(f"{value:.0f}" for value in plate.box)
        first = number == 0
        label = f"{shown(plate.text)}{' (cut)' if result.is_cut(plate) else ''}"
        plates = table.columns[1]
        plates.min_width = max(plates.min_width or 0, cell_len(label))
        table.add_row(
            image if first else "",
            f"[bold]{label}[/bold]",
            f"{plate.reading.confidence:.2f}",
            box,
            total if first else "",
        )
