"""`platepost models calibrate`: make a reader's confidence mean what it says."""

from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track

from platepost.device.vision.calibration import Calibration
from platepost.device.vision.reader import Reader
from platepost.models.calibration.fit import degraded, fitted, tried, write
from platepost.models.evaluate.reliability import brier_score, draw, expected_calibration_error
from platepost.models.outputs import FILE, FOLDER, NEW_FILE, make_room
from platepost.models.plates import degrade, fonts, framed, render_plate
from platepost.models.reader.real import parted


@click.command(
    epilog="""\b
Examples:
  platepost models calibrate models/reader.tflite --photos data/open_images
  platepost models calibrate models/reader.tflite --photos data/open_images --texts transcribed.json --copies 20
  platepost models calibrate new/reader.tflite --plates 8000 --diagram reliability.png
"""
)
@click.argument("reader", type=FILE)
@click.option(
    "--photos",
    type=FOLDER,
    help="Folder of real plates with manifest.json. Only the one in seven that training leaves out is used.",
)
@click.option(
    "--texts",
    type=FILE,
    help="Transcriptions of plates without a text in the manifest, as for `train reader`.",
)
@click.option(
    "--copies",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Extra copies of each real plate, each shrunk, blurred and compressed differently.",
)
@click.option("--plates", default=6000, show_default=True, type=click.IntRange(100), help="Plates to draw.")
@click.option(
    "--weight",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Weight of a real plate relative to a drawn one.",
)
@click.option("--seed", default=31, show_default=True)
@click.option("--diagram", type=NEW_FILE, help="Write a reliability diagram of the other half (PNG).")
def calibrate(
    *,
    reader: Path,
    photos: Path | None,
    texts: Path | None,
    copies: int,
    plates: int,
    weight: float,
    seed: int,
    diagram: Path | None,
) -> None:
    """Calibrate the confidence of READER (a .tflite file), and write the two numbers to a .json file beside it.

    Half of the drawn and real plates are used for the fit; the other half measures how good it is. Never use pictures
    from a test set here.
    """
    path = reader.with_suffix(".json")
    for output in (path, diagram):
        if output is not None:
            make_room(output)
    real = parted(photos, texts)[1] if photos is not None else []
    fonts.fetch()
    plain = Reader(reader, calibration=Calibration())
    rng = np.random.default_rng(seed)
    drawn = []
    console = Console(stderr=True)
    for _ in track(range(plates), description="Drawing", console=console):
        plate = render_plate(rng, height=96)
        drawn.append((degrade(framed(plate, rng), rng), plate.text))
    half = plates // 2
    trials = tried(plain, track(drawn[:half], description="Reading", console=console))
    sources = [f"{half} drawn plates, seed {seed}"]
    if real:
        trials += tried(plain, [(plate.rectified(), plate.text) for plate in real], weight=weight)
        sources.append(f"{len(real)} real plates held out from training, each counted {weight:g} times")
        if copies:
            worse, count = degraded(real, copies=copies, seed=seed), copies * len(real)
            trials += tried(plain, track(worse, total=count, description="Reading copies", console=console))
            sources.append(f"{copies} copies of each, made worse")
    try:
        calibration = fitted(trials)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    fresh = tried(plain, track(drawn[half:], description="Reading others", console=console))
    calibrations = [calibration(claim) for claim in fresh.claims]
    right = [bool(value) for value in fresh.right]
    write(path, calibration, digest=plain.model.digest, fitted_to=sources)
    click.echo(f"{path}: slope {calibration.slope:.3f}, intercept {calibration.intercept:.3f}")
    for name, values in (("before", list(fresh.claims)), ("after", calibrations)):
        figures = f"ECE {expected_calibration_error(values, right):.4f}, Brier {brier_score(values, right):.4f}"
        click.echo(f"{name}, {len(right)} other drawn plates: {figures}")
    if diagram is not None:
        draw(diagram, {"before": (list(fresh.claims), right), "after": (calibrations, right)})
