"""`platepost models train region` and `platepost models convert region`."""

# ruff: noqa: PLC0415 - torch and the rest load where they are needed, so that help works without them

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from platepost.models.outputs import FILE, NEW_FILE, NEW_FOLDER

if TYPE_CHECKING:
    from platepost.models.region.drawn import Drawn
    from platepost.models.region.train import Check

logger = logging.getLogger(__name__)

_COPIES = 12
"""Worse copies of each real plate that is held out."""


def checked(photos: Path | None, texts: Path | None, *, plates: int, seed: int) -> "dict[str, Check]":
    """Plates that were not learnt from: drawn ones, the real ones held out as they are, and worse copies of these."""
    from platepost.device.vision.region import leveled
    from platepost.models.plates import Severity, degrade
    from platepost.models.region.drawn import draw
    from platepost.models.region.real import known, worsened

    rng = np.random.default_rng(seed)
    pictures, issuers = draw(plates, seed)
    large = Severity(smallest=110.0)
    checks = {
        "drawn": (np.stack([leveled(degrade(picture, rng)) for picture in pictures]), issuers),
        "legible": (np.stack([leveled(degrade(picture, rng, large)) for picture in pictures]), issuers),
    }
    if photos is None:
        return checks
    real = [(plate, issuer) for issuer, kind in known(photos, texts, held_out=True).items() for plate in kind]
    truths = np.array([issuer for _, issuer in real])
    checks["held_out"] = np.stack([leveled(plate.rectified()) for plate, _ in real]), truths
    worse = [leveled(worsened(plate.framed(), plate.width, rng)) for plate, _ in real for _ in range(_COPIES)]
    checks["worse"] = np.stack(worse), np.repeat(truths, _COPIES)
    return checks


def _pool(folder: Path, size: int, seed: int) -> "Drawn":
    """Return the folder's drawn plates; draw them when there are none of this size and seed."""
    from platepost.models.region.drawn import draw

    path, made_of = folder / "drawn.npz", np.array([size, seed])
    if path.exists():
        with np.load(path) as arrays:
            if "made_of" in arrays and np.array_equal(arrays["made_of"], made_of):
                return arrays["pictures"], arrays["issuers"]
    folder.mkdir(parents=True, exist_ok=True)
    pictures, issuers = draw(size, seed)
    part = path.with_suffix(".part.npz")
    np.savez(part, pictures=pictures, issuers=issuers, made_of=made_of)
    part.replace(path)
    return pictures, issuers


@click.command(name="region")
@click.argument("folder", type=NEW_FOLDER)
@click.option("--photos", type=NEW_FOLDER, help="Folder of real plates with regions and a manifest.json.")
@click.option("--texts", type=FILE, help="More plates from --photos, with their regions.")
@click.option(
    "--reader",
    type=FILE,
    help="A reader.tflite that provides the first layers and shuffles real plates.",
)
@click.option("--start", type=FILE, help="An earlier region.tflite to go on from; its first layers stay as they are.")
@click.option(
    "--shuffles", default=600, show_default=True, help="Pictures per issuer, made by shuffling its real plates."
)
@click.option(
    "--real-share", default=0.4, show_default=True, help="Share of real plates in a batch, for issuers with enough."
)
@click.option("--pool", "pool_size", default=20000, show_default=True, help="Plates to draw.")
@click.option("--rate", default=2.5e-3, show_default=True, help="Learning rate at its highest.")
@click.option("--minutes", default=40.0, show_default=True, help="Minutes to train in this run.")
@click.option("--steps", type=int, help="Batches of 64 instead of minutes, over all runs.")
@click.option("--seed", default=1, show_default=True)
def train(
    *, folder: Path, photos: Path | None, texts: Path | None, reader: Path | None, start: Path | None, shuffles: int,
    real_share: float, pool_size: int, rate: float, minutes: float, steps: int | None, seed: int,
) -> None:  # fmt: skip
    """Train the issuing-state network in FOLDER, which holds drawn plates and a checkpoint; run it again to continue.

    When continued, the learning rate resumes at the share of the total time already trained.
    """
    from platepost.device.vision.reader import Reader
    from platepost.models.plates import fonts
    from platepost.models.region.data import Sources
    from platepost.models.region.real import known, with_shuffled
    from platepost.models.region.train import RegionTraining
    from platepost.models.region.train import train as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)  # TensorFlow sets its own
    fonts.fetch()
    real = {}
    if photos is not None:
        finder = Reader(reader) if reader else None
        for issuer, plates in known(photos, texts, held_out=False).items():
            real[issuer] = with_shuffled(plates, finder, copies=max(1, min(20, shuffles // len(plates))), seed=seed)
    checks = checked(photos, texts, plates=600, seed=seed + 1000)
    sources = Sources(_pool(folder, pool_size, seed), real, real_share)
    logger.info("%d pictures of real plates", sum(map(len, real.values())))
    until = time.time() + minutes * 60
    training = RegionTraining(
        folder=folder, until=until, steps=steps, rate=rate, seed=seed, start=reader, further=start
    )
    run(training, sources, checks)


@click.command(name="region")
@click.argument("checkpoint", type=FILE)
@click.argument("output", type=NEW_FILE)
@click.option("--photos", type=NEW_FOLDER, help="Folder of real plates with regions and a manifest.json.")
@click.option("--texts", type=FILE, help="More plates from --photos, with their regions.")
@click.option(
    "--start", type=FILE, help="The region.tflite that it went on from: what that knows of lettering stays as it is."
)
@click.option("--plates", default=1000, show_default=True, help="Plates to draw for calibration.")
@click.option("--seed", default=5, show_default=True)
def convert(
    *, checkpoint: Path, output: Path, photos: Path | None, texts: Path | None, start: Path | None, plates: int,
    seed: int,
) -> None:  # fmt: skip
    """Calibrate CHECKPOINT on plates left out of training, quantize it to full int8 and write OUTPUT."""
    from platepost.models.outputs import make_room, write
    from platepost.models.region.convert import calibrate, load
    from platepost.models.region.convert import convert as quantize

    make_room(output)
    checks = checked(photos, texts, plates=plates, seed=seed)
    net = load(checkpoint)
    try:
        temperature = calibrate(net, checks)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"calibration: logits divided by {temperature:.3f}")
    pictures = np.concatenate([pictures[:400] for pictures, _ in checks.values()])
    content = quantize(net, pictures)
    if start is not None:
        from platepost.models.graft import exchanged
        from platepost.models.region.net import SHARED

        try:
            content = exchanged(start.read_bytes(), content, trunk=SHARED)
        except ValueError as error:
            raise click.ClickException(f"{start}: {error}") from error
    write(output, content)
