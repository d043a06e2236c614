"""`platepost read`: the plates of photos and folders."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from device.errors import PictureError
from device.vision.detector import MINIMUM_SCORE
from device.vision.draw import draw_plates
from device.vision.recogniser import Recogniser, Recognition

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""What is taken for a picture in a folder; a file named on the command line is tried whatever it is called."""


@dataclass(frozen=True, slots=True)
class _Result:
    path: Path
    recognition: Recognition
    decode_milliseconds: float


@click.command(
    epilog="""\b
Examples:
  platepost read photo.jpg
  platepost read --json photos/ > reads.jsonl
  platepost read --crop plate.png
  platepost read --draw annotated/ photos/
"""
)
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON an image.")
@click.option("--crop", is_flag=True, help="The images are plates cut out already: read them whole.")
@click.option(
    "--draw", type=click.Path(path_type=Path, file_okay=False), help="Write annotated pictures into a folder."
)
@click.option("--detector", type=click.Path(path_type=Path, dir_okay=False), help="Another detector.tflite.")
@click.option("--reader", type=click.Path(path_type=Path, dir_okay=False), help="Another reader.tflite.")
@click.option(
    "--minimum-score",
    type=click.FloatRange(0, 1),
    default=MINIMUM_SCORE,
    show_default=True,
    help="Least score at which something counts as a plate.",
)
def read(
    *,
    images: tuple[Path, ...],
    as_json: bool,
    crop: bool,
    draw: Path | None,
    detector: Path | None,
    reader: Path | None,
    minimum_score: float,
) -> None:
    """Read the plates of IMAGES: files, and folders with all that is in them.

    A file that cannot be read gives an error line, the others go on, and the exit code is 1.
    """
    recogniser = Recogniser.load(detector=detector, reader=reader, minimum_score=minimum_score)
    table = Table("image", "plate", "confidence", "box", "ms", title=None)
    failed = False
    paths = list(_files(images))
    with_bar = not as_json and len(paths) > 1 and sys.stderr.isatty()
    for path in track(paths, console=Console(stderr=True), description="Reading", disable=not with_bar):
        try:
            picture, decode = _decode(path)
            recognition = recogniser.recognise_crop(picture) if crop else recogniser.recognise(picture)
        except PictureError as error:
            failed = True
            click.echo(f"platepost read: {error}", err=True)
            continue
        if draw is not None:
            _write(draw / _drawn_name(path), draw_plates(picture, recognition.plates))
        result = _Result(path, recognition, decode)
        if as_json:
            click.echo(json.dumps(_as_json(result)))
        else:
            _add_rows(table, result)
    if not as_json and table.row_count:
        Console().print(table)
    if failed:
        raise SystemExit(1)


def _files(images: tuple[Path, ...]) -> Iterator[Path]:
    for path in images:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        else:
            yield path


def _decode(path: Path) -> tuple[NDArray[np.uint8], float]:
    start = perf_counter()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        raise PictureError(f"{path}: not a picture that can be decoded")
    return picture, (perf_counter() - start) * 1000  # type: ignore[return-value]


def _drawn_name(path: Path) -> str:
    # Folders of the same file names must not overwrite each other's pictures.
    parent = path.parent.name
    return f"{parent}-{path.stem}.jpg" if parent else f"{path.stem}.jpg"


def _write(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture):
        raise PictureError(f"{path}: cannot be written")


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


def _add_rows(table: Table, result: _Result) -> None:
    total = f"{result.recognition.milliseconds.total:.1f}"
    if not result.recognition.plates:
        table.add_row(str(result.path), "[dim]no plate[/dim]", "", "", total)
    for number, plate in enumerate(result.recognition.plates):
        box = " ".join(f"{value:.0f}" for value in plate.box)
        first = number == 0
        table.add_row(
            str(result.path) if first else "",
            f"[bold]{plate.text}[/bold]",
            f"{plate.reading.confidence:.2f}",
            box,
            total if first else "",
        )
