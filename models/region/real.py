"""Real plates whose issuer is known, and what is made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from platepost.device.vision.reader import Reader
from platepost.models.evaluate.manifest import ManifestError
from platepost.models.plates import Severity, degrade
from platepost.models.reader.real import RealPlate, is_held_out, load_photos
from platepost.models.reader.shuffle import shuffled_plates
from platepost.wire.records.regions import OTHER, REGIONS

UNKNOWN: Final = "US"
"""Some state, no one knows which."""

Kind = list[tuple[npt.NDArray[np.uint8], float]]
"""Framed plates of one kind, each with its width in its photograph."""


def known(folder: Path, texts: Path | None = None, *, held_out: bool) -> dict[int, list[RealPlate]]:
    """Load the plates of a folder that are held out, or those that are not, by class.

    Classes are places in `platepost.wire.records.regions.REGIONS`. Plates whose issuer neither the manifest nor the
    transcriptions tell are left out. See
    `platepost.models.reader.real.load_photos`.

    Raises:
        ManifestError: as `load_photos`, or no plate is left.
    """
    by_state: dict[int, list[RealPlate]] = {}
    for plate in load_photos(folder, texts):
        if plate.region not in (None, UNKNOWN) and is_held_out(plate) == held_out:
            region = plate.region if plate.region in REGIONS else OTHER
            by_state.setdefault(REGIONS.index(region), []).append(plate)
    if not by_state:
        kind = "held out" if held_out else "to learn from"
        raise ManifestError(f"{folder}: no plate {kind} has a region that names its state or country")
    return by_state


def with_shuffled(plates: Sequence[RealPlate], reader: Reader | None, *, copies: int, seed: int) -> Kind:
    """Give plates framed, and, with a reader to find their characters, as many copies with these in other places.

    A copy's serial is of no format: what is learnt of it is the look.
    """
    own = [(plate.framed(), plate.width) for plate in plates]
    if reader is None:
        return own
    shown = track(plates, description="Shuffling characters", console=Console(stderr=True))
    changed = shuffled_plates(shown, reader, copies=copies, seed=seed)
    return own + [(picture, width) for picture, width, _ in changed]


def worsened(picture: npt.NDArray[np.uint8], width: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Degrade a framed real plate: one that is small in its photograph is made smaller only a little."""
    own = Severity(smallest=max(44.0, min(0.65 * width, 110.0)), largest=max(260.0, width), crops=0.6)
    return degrade(picture, rng, own)
