"""`platepost models train hidden` and `platepost models convert hidden`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
from pathlib import Path

import click
import numpy as np

from platepost.models.outputs import FILE, FOLDER, NEW_FILE, NEW_FOLDER

_HELD_PLATES = 400
"""Drawn plates to check by."""


@click.command(name="hidden")
@click.argument("folder", type=NEW_FOLDER)
@click.option("--start", type=FILE, required=True, help="The .tflite reader to learn upon, without a second answer.")
@click.option("--photos", type=FOLDER, multiple=True, help="Real plates as well: a folder with manifest.json.")
@click.option("--pool", "pool_size", default=24_000, show_default=True, help="Plates to hide characters of.")
@click.option("--steps", default=1500, show_default=True, help="Batches of 64, over all resumptions.")
@click.option("--seed", default=1, show_default=True)
def train(*, folder: Path, start: Path, photos: tuple[Path, ...], pool_size: int, steps: int, seed: int) -> None:
    """Train the reader's second answer in FOLDER, which keeps plates and checkpoint; a second run goes on."""
    from platepost.device.vision.reader import Reader
    from platepost.models.hidden import data
    from platepost.models.hidden.train import RATE
    from platepost.models.hidden.train import train as run
    from platepost.models.plates import Severity, fonts
    from platepost.models.reader.real import LEAST_WIDTH
    from platepost.models.trunk import AnswerTraining, Trunk

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    fonts.fetch()
    reader = Reader(start)
    trunk = Trunk(start, data.TRUNK)
    rng = np.random.default_rng(seed + 1000)
    held = list(data.drawn_plates(reader, _HELD_PLATES, rng))
    held += [plate for place in photos for plate in data.real_plates(place, reader, held_out=True)]
    checks = data.examples(held, trunk, rng, Severity(smallest=LEAST_WIDTH))
    data.fill(folder / "pool", start, photos, chunks=-(-pool_size // data.CHUNK), seed=seed)
    run(
        AnswerTraining(folder=folder, rate=RATE, steps=steps, seed=seed),
        data.load(sorted((folder / "pool").glob("???.npz"))), checks, trunk,
    )  # fmt: skip


@click.command(name="hidden")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@click.option("--start", type=FILE, required=True, help="The .tflite reader that it learned upon.")
@click.option("--photos", type=FOLDER, help="Real plates whose activations count too: a folder with manifest.json.")
@click.option(
    "--bias",
    default=-4.0,
    show_default=True,
    help="Added to the second answer: far fewer characters are hidden on the road than in training.",
)
@click.option("--seed", default=5, show_default=True)
def convert(*, checkpoint: Path, output: Path, start: Path, photos: Path | None, bias: float, seed: int) -> None:
    """Put CHECKPOINT's answer upon the reader, quantize both to full int8 and write OUTPUT."""
    from platepost.device.vision.reader import Reader
    from platepost.models.hidden import data
    from platepost.models.hidden.net import convert as quantize
    from platepost.models.hidden.net import load
    from platepost.models.outputs import make_room, write
    from platepost.models.plates import Severity
    from platepost.models.reader.cli import drawn_samples
    from platepost.models.reader.real import load_photos
    from platepost.models.trunk import Trunk

    make_room(output)
    pictures = [picture for picture, _ in drawn_samples(400, seed)]
    if photos is not None:
        pictures += [plate.rectified() for plate in load_photos(photos)]
    rng = np.random.default_rng(seed)
    plates = list(data.drawn_plates(Reader(start), _HELD_PLATES, rng))  # or the second answer would have no upper end
    hidden = data.examples(plates, Trunk(start, data.TRUNK), rng, Severity()).pictures
    write(output, quantize(load(checkpoint), start, np.concatenate([np.stack(pictures), hidden]), bias=bias))
