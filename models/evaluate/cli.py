"""`platepost models evaluate`: the recognizer's figures on labelled pictures."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import click
import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from platepost.common.errors import PictureError
from platepost.device.vision.detector import MINIMUM_SCORE
from platepost.device.vision.recognizer import LEGIBLE, Recognizer
from platepost.device.vision.serials import COUNTRIES, Country
from platepost.models.evaluate.corrections import correction_of
from platepost.models.evaluate.manifest import Dataset, ManifestError, read_manifest
from platepost.models.evaluate.metrics import PictureResult, compare, summarise
from platepost.models.evaluate.page import write_page
from platepost.models.evaluate.report import write_report
from platepost.models.evaluate.tables import terminal
from platepost.models.outputs import NEW_FILE, NEW_FOLDER, make_room


def evaluate_manifest(manifest: Dataset, recognizer: Recognizer, *, crop: bool = False) -> Iterator[PictureResult]:
    """Recognize every picture, one after the other; plates cut out are read whole, with `crop` all pictures.

    Raises:
        PictureError: a picture of the manifest is missing or cannot be decoded.

    """
    for picture in manifest.pictures:
        content = picture.path.read_bytes() if picture.path.is_file() else b""
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
        if pixels is None:
            raise PictureError(f"{picture.path}: is missing or no picture (named by {manifest.path})")
        image = np.asarray(pixels, np.uint8)
        start = process_time()
        recognition = recognizer.recognize_crop(image) if crop or picture.cut_out else recognizer.recognize_still(image)
        result = compare(picture, recognition, cpu_milliseconds=(process_time() - start) * 1000)
        correction = correction_of(content)
        yield result if correction is None else replace(result, corrected=correction.accepts(content, result.read))


@click.command(
    epilog="""\b
Examples:
  platepost models evaluate data/us_photos
  platepost models evaluate --reader new/reader.tflite --write build/evaluation data/us_photos data/us_crops
  platepost models evaluate --crop --page failures.html data/cut_out/manifest.json
"""
)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--crop", is_flag=True, help="Treat all pictures as cropped plates, even those with boxes.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per manifest.")
@click.option("--page", type=NEW_FILE, help="Write the failures as an HTML page.")
@click.option(
    "--write",
    "folder",
    type=NEW_FOLDER,
    help="Write figures (JSON, Markdown), failures (HTML) and the reliability diagram (PNG) to this folder.",
)
@click.option(
    "--without", multiple=True, metavar="NAME", help="Leave out a picture, for example one with a disputed text."
)
@click.option("--detector", type=NEW_FILE, help="Use another detector.tflite.")
@click.option("--reader", type=NEW_FILE, help="Use another reader.tflite.")
@click.option("--region", type=NEW_FILE, help="Use another region.tflite.")
@click.option(
    "--country",
    type=click.Choice(sorted(COUNTRIES)),
    default="US",
    show_default=True,
    help="Country whose plate formats to expect.",
)
@click.option("--minimum-score", type=click.FloatRange(0, 1), default=MINIMUM_SCORE, show_default=True)
@click.option("--minimum-confidence", type=click.FloatRange(0, 1), default=LEGIBLE, show_default=True)
def evaluate(
    *,
    manifests: tuple[Path, ...],
    crop: bool,
    as_json: bool,
    page: Path | None,
    folder: Path | None,
    without: tuple[str, ...],
    detector: Path | None,
    reader: Path | None,
    region: Path | None,
    country: Country,
    minimum_score: float,
    minimum_confidence: float,
) -> None:
    """Read the pictures of MANIFESTS (files, or folders with manifest.json) and compare with the truth.

    Pictures whose plates have no box are read whole, as cropped plates. In a picture without plates ("plates": []),
    every read counts as extra. If only some of a picture's plates have a text, reads at the others count as neither
    right nor wrong. Stopped early, by Ctrl-C or a broken picture, the command reports what it has; in JSON, "of" is the
    planned number of "pictures".
    """
    chosen = _chosen(manifests, without)
    for output in (page, folder and folder / "figures.json"):
        if output is not None:
            make_room(output)
    recognizer = Recognizer.load(
        detector=detector,
        reader=reader,
        region=region,
        country=country,
        minimum_score=minimum_score,
        minimum_confidence=minimum_confidence,
    )
    sets: dict[str, list[PictureResult]] = {}
    try:
        for path, (name, manifest) in zip(manifests, chosen.items(), strict=True):
            results = sets[name] = []
            try:
                for result in track(
                    evaluate_manifest(manifest, recognizer, crop=crop),
                    total=len(manifest.pictures),
                    description=name,
                    console=Console(stderr=True),
                    disable=as_json or not sys.stderr.isatty(),
                ):
                    results.append(result)  # noqa: PERF402 - what was seen before an error or Ctrl-C stays
            finally:
                if as_json and results:
                    report = {"manifest": str(path), "of": len(manifest.pictures)}
                    click.echo(json.dumps(report | dataclasses.asdict(summarise(results))))
    finally:
        done = _done(sets, chosen)
        if done and not as_json:
            Console().print(terminal({name: summarise(results) for name, results in done.items()}))
        if done:
            _write(page, folder, done)


def _chosen(paths: Sequence[Path], without: Sequence[str]) -> dict[str, Dataset]:
    """Read the manifests, each by the name of its folder; equal names are numbered.

    Raises:
        ManifestError: one is wrong, or a name of `without` is in none.
        PictureError: a picture is missing.

    """
    manifests = [read_manifest(path) for path in paths]
    names = {picture.path.name for manifest in manifests for picture in manifest.pictures}
    unknown = sorted(set(without) - names)
    if unknown:
        raise ManifestError(f"--without: no manifest has a picture named {', '.join(unknown)}")
    chosen: dict[str, Dataset] = {}
    for manifest in manifests:
        left_out = {picture.path.name for picture in manifest.pictures}.intersection(without)
        left = manifest.without(left_out) if left_out else manifest
        fewer = len(manifest.pictures) - len(left.pictures)
        for picture in left.pictures:
            if not picture.path.is_file():
                raise PictureError(f"{picture.path}: is missing (named by {manifest.path})")
        folder = manifest.path.resolve().parent.name
        name = own = folder + (f" without {fewer}" if fewer else "")
        number = 1
        while name in chosen:
            number += 1
            name = f"{own} ({number})"
        chosen[name] = left
    return chosen


def _done(sets: Mapping[str, list[PictureResult]], chosen: Mapping[str, Dataset]) -> dict[str, list[PictureResult]]:
    """Return the sets of which any picture was seen; the name of one that was broken off says how many."""
    done = {}
    for name, results in sets.items():
        total = len(chosen[name].pictures)
        if results:
            done[name if len(results) == total else f"{name}, first {len(results)} of {total}"] = results
    return done


def _write(page: Path | None, folder: Path | None, sets: dict[str, list[PictureResult]]) -> None:
    try:
        if page is not None:
            everything = [result for results in sets.values() for result in results]
            count = write_page(page, "What the recognizer got wrong", everything)
            click.echo(f"{count} failures in {page}", err=True)
        if folder is not None:
            click.echo("\n".join(map(str, write_report(folder, sets))), err=True)
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
