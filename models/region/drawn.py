"""Drawn plates for learning who issued them."""

from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from platepost.models.plates import framed, render_plate
from platepost.models.plates.issuers import ISSUERS, SHARES, draw_look
from platepost.models.plates.surroundings import FRAMED_SHAPE

_HEIGHT: Final = 96

Drawn = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Framed plates, N x 96 x 240, and the class of each, see `platepost.wire.records.regions.REGIONS`."""


def draw(count: int, seed: int) -> Drawn:
    """Draw framed plates of all issuers; plate i depends on the seed and i alone."""
    pictures = np.empty((count, *FRAMED_SHAPE), np.uint8)
    issuers = np.empty(count, np.int64)
    for index in track(range(count), description="Drawing plates", console=Console(stderr=True)):
        rng = np.random.default_rng([seed, index])
        issuers[index] = rng.choice(len(SHARES), p=SHARES)
        look = draw_look(ISSUERS[issuers[index]], rng)
        pictures[index] = framed(render_plate(rng, design=look, height=_HEIGHT), rng)
    return pictures, issuers
