"""`platepost models train lettering` and `platepost models convert lettering`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
from pathlib import Path

import click

from platepost.models.outputs import FILE, FOLDER, NEW_FILE, NEW_FOLDER

_REPRESENTATIVE = 600
"""Examples whose activations set the second answer's scales."""


@click.command(name="lettering")
@click.argument("folder", type=NEW_FOLDER)
@click.option(
    "--start", type=FILE, required=True, help="The .tflite issuer net to learn upon, without a second answer."
)
@click.option("--reader", type=FILE, required=True, help="A reader.tflite that says what can be read.")
@click.option("--photos", type=FOLDER, multiple=True, required=True, help="Real photos: a folder with manifest.json.")
@click.option("--scenes", default=40, show_default=True, help="Hundreds of photos to paste plates and lettering into.")
@click.option("--direct", default=46, show_default=True, help="Files of 900 plates and letterings without a photo.")
@click.option("--steps", default=3500, show_default=True, help="Batches of 64, over all resumptions.")
@click.option("--seed", default=1, show_default=True)
def train(
    *,
    folder: Path,
    start: Path,
    reader: Path,
    photos: tuple[Path, ...],
    scenes: int,
    direct: int,
    steps: int,
    seed: int,
) -> None:
    """Train the issuer net's second answer in FOLDER, which keeps examples and checkpoint; a second run goes on."""
    from platepost.models.lettering import data
    from platepost.models.lettering.train import RATE
    from platepost.models.lettering.train import train as run
    from platepost.models.plates import fonts
    from platepost.models.trunk import AnswerTraining

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    fonts.fetch()
    data.fill(folder / "pool", photos, reader, scenes=scenes, direct=direct, seed=seed)
    examples, trunk = data.load(folder / "pool"), data.trunk_of(start)
    values = data.values(examples.plate, trunk)
    run(AnswerTraining(folder=folder, rate=RATE, steps=steps, seed=seed), examples, values, trunk)


@click.command(name="lettering")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@click.option("--start", type=FILE, required=True, help="The .tflite issuer net that it learned upon.")
def convert(*, checkpoint: Path, output: Path, start: Path) -> None:
    """Put CHECKPOINT's answer upon the issuer net, quantize it to full int8 and write OUTPUT.

    The examples that CHECKPOINT learned from must still lie beside it.
    """
    import numpy as np

    from platepost.device.vision.region import leveled
    from platepost.models.lettering import data
    from platepost.models.lettering.net import convert as quantize
    from platepost.models.lettering.net import load
    from platepost.models.outputs import make_room, write

    make_room(output)
    plates = data.load(checkpoint.parent / "pool").plate
    chosen = np.random.default_rng(5).permutation(len(plates))[:_REPRESENTATIVE]
    write(output, quantize(load(checkpoint), start, np.stack([leveled(plate) for plate in plates[chosen]])))
