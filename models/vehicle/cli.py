"""`platepost models train vehicle` and `platepost models convert vehicle`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
import time
from pathlib import Path

import click

from platepost.models.outputs import FILE, FOLDER, NEW_FILE, NEW_FOLDER

logger = logging.getLogger(__name__)


@click.command(name="vehicle")
@click.argument("folder", type=NEW_FOLDER)
@click.option("--photos", type=FOLDER, multiple=True, required=True, help="Photos whose vehicles are labeled.")
@click.option("--minutes", default=30.0, show_default=True, help="How long to train, from now on.")
@click.option("--steps", type=int, help="Batches of 64 instead, over all resumptions.")
@click.option("--seed", default=1, show_default=True)
def train(*, folder: Path, photos: tuple[Path, ...], minutes: float, steps: int | None, seed: int) -> None:
    """Train the net of vehicles in FOLDER, which keeps the checkpoint; a second run goes on."""
    from platepost.models.vehicle.photos import labeled
    from platepost.models.vehicle.train import VehicleTraining
    from platepost.models.vehicle.train import train as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    known, check = labeled(photos, held_out=False), labeled(photos, held_out=True)
    logger.info("%d vehicles, %d held out", len(known.answers), len(check.answers))
    training = VehicleTraining(folder=folder, until=time.time() + minutes * 60, steps=steps, seed=seed)
    run(training, known, check)


@click.command(name="vehicle")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@click.option("--photos", type=FOLDER, multiple=True, required=True, help="Photos whose vehicles are labeled.")
@click.option("--seed", default=5, show_default=True)
def convert(*, checkpoint: Path, output: Path, photos: tuple[Path, ...], seed: int) -> None:
    """Calibrate CHECKPOINT on vehicles that it did not learn from, quantize it to full int8 and write OUTPUT."""
    import numpy as np

    from platepost.models.outputs import make_room, write
    from platepost.models.vehicle.convert import calibrate, load
    from platepost.models.vehicle.convert import convert as quantize
    from platepost.models.vehicle.data import varied
    from platepost.models.vehicle.photos import labeled

    make_room(output)
    held, rng = labeled(photos, held_out=True), np.random.default_rng(seed)
    net = load(checkpoint)
    worse = [varied(room, answer, rng) for room, answer in zip(held.rooms, held.answers, strict=True)]
    pictures = np.concatenate([held.pictures, np.stack([picture for picture, _ in worse])])
    answers = np.concatenate([held.answers, np.stack([answer for _, answer in worse])])
    by = calibrate(net, pictures, answers)
    click.echo(f"calibration: logits divided by {', '.join(f'{divisor:.3f}' for divisor in by)}")
    write(output, quantize(net, pictures))
