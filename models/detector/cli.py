"""`platepost models train detector` and `platepost models convert detector`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, track

from platepost.device.vision.detector import beside
from platepost.models.outputs import FILE, NEW_FILE, NEW_FOLDER

STEPS = 7_000
SEED = 20_260
RATE = 2e-3
"""Those of `platepost.models.detector.train.Training`, which help must not import."""
_WINDOWS = 25
"""Frames by which an averaged net's batch norms are set; they leave its weights as they are."""
_PHOTOS = click.option(
    "--photos",
    type=NEW_FOLDER,
    multiple=True,
    required=True,
    help="Folder of real photos with plate boxes and a manifest.json; repeat for more.",
)


@click.command(name="detector")
@click.argument("folder", type=NEW_FOLDER)
@_PHOTOS
@click.option("--steps", default=STEPS, show_default=True, help="Batches of 32, over all runs.")
@click.option("--start", type=FILE, help="Start from the weights of this .tflite detector.")
@click.option("--rate", default=RATE, show_default=True, help="Initial learning rate.")
@click.option("--plates", default=4000, show_default=True, help="Synthetic plates to draw and paste.")
@click.option("--seed", default=SEED, show_default=True)
def train(
    *, folder: Path, photos: Sequence[Path], steps: int, start: Path | None, rate: float, plates: int, seed: int
) -> None:
    """Train the detector in FOLDER, which holds decoded photos and checkpoints; run it again to continue.

    For validation, 100 photos of a folder `open_images` are held out, or else a tenth of all photos.
    """
    import numpy as np

    from platepost.models.detector.train import Training, TrainingProgress
    from platepost.models.detector.train import train as run
    from platepost.models.plates import fonts, render_plate
    from platepost.models.scenes.distractors import find_fonts, render_distractor
    from platepost.models.scenes.photos import PhotoStore

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    store = PhotoStore(photos, cache=folder / "photos.bin")
    fonts.fetch()
    rng = np.random.default_rng(seed)
    lettering = find_fonts()
    console = Console(stderr=True)
    drawn = (render_plate(rng, height=128) for _ in track(range(plates), description="Drawing plates", console=console))
    pool = [np.dstack([plate.image, plate.mask]) for plate in drawn]
    signs = track(range(3000), description="Drawing what is no plate", console=console)
    others = [render_distractor(rng, lettering) for _ in signs]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=steps)

        def report(progress: TrainingProgress) -> None:
            parts = [f"{name} {value:.3f}" for name, value in progress.losses.items()]
            text = progress.validation or f"{', '.join(parts)}, {progress.samples_per_second:.0f} windows/s"
            bar.update(task, completed=progress.step, description=f"step {progress.step}: {text}")
            if progress.validation:
                bar.console.log(text)

        training = Training(folder, steps=steps, learning_rate=rate, seed=seed, start=start)
        best = run(training, store=store, plates=pool, distractors=others, report=report)
    click.echo(str(best))


@click.command(name="detector")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@_PHOTOS
@click.option("--seed", default=1, show_default=True)
def convert(*, checkpoint: Path, output: Path, photos: Sequence[Path], seed: int) -> None:
    """Quantize CHECKPOINT (best.pt or last.pt) to full int8, calibrated on photos, and write OUTPUT.

    A version with a smaller input, for second looks, is written beside it as NAME-near.tflite.
    """
    from platepost.models.detector.convert import calibration_frames, load_weights, near
    from platepost.models.detector.convert import convert as quantize
    from platepost.models.outputs import make_room, write

    make_room(output)
    frames = calibration_frames(photos, folder=checkpoint.parent, seed=seed)
    content = quantize(load_weights(checkpoint), frames)
    write(output, content)
    write(beside(output), near(content))


@click.command(name="detector")
@click.argument("detectors", nargs=-1, required=True, type=FILE, metavar="FILES...")
@click.argument("output", type=NEW_FILE)
@_PHOTOS
@click.option("--cache", type=NEW_FOLDER, required=True, help="Folder with decoded photos, for example a training's.")
@click.option("--seed", default=1, show_default=True)
def average(*, detectors: Sequence[Path], output: Path, photos: Sequence[Path], cache: Path, seed: int) -> None:
    """Average the weights of .tflite detectors (FILES), each trained from another's weights, and write OUTPUT.

    Two stages of one training often find more plates together than either alone, because their errors differ.
    NAME-near.tflite is written beside it, as by `convert`.
    """
    import numpy as np
    import torch

    from platepost.models.detector.convert import calibration_frames, near
    from platepost.models.detector.convert import convert as quantize
    from platepost.models.detector.net import new_detector
    from platepost.models.detector.warm_start import warm_start
    from platepost.models.outputs import make_room, write

    make_room(output)
    frames = calibration_frames(photos, folder=cache, seed=seed)
    net = new_detector(seed=seed)
    try:
        warm_start(net, detectors, torch.from_numpy(np.stack(frames[:_WINDOWS])[:, None]).float() / 255)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    content = quantize(net, frames)
    write(output, content)
    write(beside(output), near(content))
