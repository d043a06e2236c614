"""`platepost models train reader` and `platepost models convert reader`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
import multiprocessing
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from platepost.models.outputs import FILE, NEW_FILE, NEW_FOLDER

_FIRST = 2000
"""Plates that must lie in a pool before training starts."""


def drawn_samples(count: int, seed: int) -> list[tuple[npt.NDArray[np.uint8], str]]:
    """Degraded drawn plates with their texts, for checks and for the range of activations."""
    from platepost.models.plates import degrade, framed, render_plate

    rng = np.random.default_rng(seed)
    shown = track(range(count), description="Drawing plates to check by", console=Console(stderr=True))
    plates = [render_plate(rng, height=96) for _ in shown]
    return [(degrade(framed(plate, rng), rng), plate.text) for plate in plates]


def _fill(folder: Path, size: int, seed: int) -> None:
    from platepost.models.reader.pool import Pool

    Pool(folder, size=size).fill(seed)


def _filling(folder: Path, size: int, seed: int) -> BaseProcess:
    from platepost.models.reader.pool import Pool, reserve

    reserve(folder, size=size, seed=seed)
    filler = multiprocessing.get_context("spawn").Process(target=_fill, args=(folder, size, seed), daemon=True)
    filler.start()
    with Console(stderr=True).status(f"Drawing the first {_FIRST} plates"):
        while filler.is_alive() and (not (folder / "texts.npy").exists() or len(Pool(folder)) < _FIRST):
            time.sleep(1)
    return filler


@click.command(name="reader")
@click.argument("folder", type=NEW_FOLDER)
@click.option(
    "--photos",
    type=NEW_FOLDER,
    multiple=True,
    help="Folder of real plates to mix in, with manifest.json (one in seven is held out); repeat for more, the one"
    " with texts first.",
)
@click.option("--texts", type=FILE, help="Transcriptions of plates without a text in the first manifest.")
@click.option("--real-share", default=0.05, show_default=True, help="Share of real plates in a batch.")
@click.option(
    "--shuffles",
    default=20,
    show_default=True,
    help="Shuffled copies of each real plate's characters; needs --start, which locates them.",
)
@click.option(
    "--start",
    type=FILE,
    help="Start from the weights of this .tflite reader, of the same shape or shallower. What it is sure of counts as"
    " transcribed, unless there are --texts.",
)
@click.option("--rate", default=2.5e-3, show_default=True, help="Initial learning rate.")
@click.option(
    "--centering",
    default=0.02,
    show_default=True,
    help="Weight of how far beside their places characters are told; a fresh net may tell them late.",
)
@click.option("--check-photos", type=NEW_FOLDER, multiple=True, help="Photos with boxes and texts, for reports only.")
@click.option("--check-crops", type=NEW_FOLDER, multiple=True, help="Crops with texts, for reports only.")
@click.option("--pool", "pool_size", default=120_000, show_default=True, help="Plates to draw.")
@click.option("--minutes", default=90.0, show_default=True, help="Minutes to train in this run.")
@click.option("--steps", type=int, help="Batches of 64 instead of minutes, over all runs.")
@click.option("--seed", default=1, show_default=True)
def train(
    *, folder: Path, photos: tuple[Path, ...], texts: Path | None, real_share: float, shuffles: int, start: Path | None,
    rate: float, centering: float, check_photos: tuple[Path, ...], check_crops: tuple[Path, ...],
    pool_size: int, minutes: float, steps: int | None, seed: int,
) -> None:  # fmt: skip
    """Train the reader in FOLDER, which holds drawn plates and checkpoints; run it again to continue.

    When continued, the learning rate resumes at the share of the total time already trained.
    """
    from platepost.device.vision.reader import Reader
    from platepost.models.plates import fonts
    from platepost.models.reader.data import Mixture
    from platepost.models.reader.real import is_held_out, load_crops, load_photos, parted, read_plates
    from platepost.models.reader.shuffle import shuffled_plates
    from platepost.models.reader.train import ReaderTraining
    from platepost.models.reader.train import train as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    learnt, held = parted(photos[0], texts) if photos else ([], [])
    finder = Reader(start) if start else None
    if finder and texts is None:
        learnt = [plate for place in photos for plate in read_plates(place, finder) if not is_held_out(plate)]
    checks: dict[str, list[tuple[npt.NDArray[np.uint8], str]]] = {}
    if held:
        checks["held_out"] = [(plate.rectified(), plate.text) for plate in held]
    for place in check_photos:
        checks[place.name] = [(plate.rectified(), plate.text) for plate in load_photos(place)]
    for place in check_crops:
        checks[place.name] = load_crops(place)
    for name, samples in checks.items():
        if not samples:
            raise click.ClickException(f"{name}: no plate has a text")
    fonts.fetch()
    filler = _filling(folder / "pool", pool_size, seed)
    checks["drawn"] = drawn_samples(400, seed + 1000)
    mixture = Mixture(pools=(folder / "pool",), seed=seed, real_share=real_share, easy=0 if start else 400)
    training = ReaderTraining(
        folder=folder, until=time.time() + minutes * 60, steps=steps, rate=rate, centering=centering,
        start=start,
    )  # fmt: skip
    shown = track(learnt, description="Shuffling characters", console=Console(stderr=True))
    shuffled = shuffled_plates(shown, finder, copies=shuffles, seed=seed) if finder else []
    run(training, mixture, learnt, checks, shuffled=shuffled)
    filler.terminate()


@click.command(name="reader")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@click.option("--photos", type=NEW_FOLDER, help="Folder of real plates with manifest.json, also used for calibration.")
@click.option("--seed", default=5, show_default=True)
def convert(*, checkpoint: Path, output: Path, photos: Path | None, seed: int) -> None:
    """Quantize CHECKPOINT (best.pt or last.pt) to full int8 and write OUTPUT."""
    from platepost.models.outputs import make_room, write
    from platepost.models.reader.convert import convert as quantize
    from platepost.models.reader.convert import load
    from platepost.models.reader.real import load_photos

    make_room(output)
    pictures: list[npt.NDArray[np.uint8]] = [picture for picture, _ in drawn_samples(400, seed)]
    if photos is not None:
        pictures += [plate.rectified() for plate in load_photos(photos)]
    write(output, quantize(load(checkpoint), np.stack(pictures)))
