"""Drawn plates for learning whether California issued them.

What stands on a plate must not decide: personalised serials are of no format, and states share many. So Californian
designs and all others get their serials from one mixture of what stands on either; what is left to tell them apart is
the look.
"""

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from models.plates import DESIGNS, Design, framed, render_plate
from models.plates.surroundings import FRAMED_SHAPE

CALIFORNIAN: Final = "california_"
"""How the names of California's designs begin."""
_OTHER: Final = "us_"
"""Those of the other states; European and Asian ones look like no Californian plate, real ones are enough of them."""
_SCRIPT: Final = {"california_passenger": 0.8, "california_commercial": 0.8, "california_trailer": 0.8,
                  "california_apportioned": 0.8, "california_personalised": 0.75, "california_picture": 0.6,
                  "california_kids": 0.6, "california_motorcycle": 0.5}  # fmt: skip
_OTHERS_SCRIPT: Final = 0.15
"""Louisiana, Kentucky and a few others have such a name too: not any script is California's."""
_HEIGHT: Final = 96

Drawn = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]
"""Framed plates, N x 96 x 240, and whether each is Californian."""


def draw(count: int, seed: int) -> Drawn:
    """Draw framed plates, half of them Californian in the mean; plate i depends on the seed and i alone."""
    pictures = np.empty((count, *FRAMED_SHAPE), np.uint8)
    californian = np.empty(count, np.bool_)
    for index in track(range(count), description="Drawing plates", console=Console(stderr=True)):
        rng = np.random.default_rng([seed, index])
        californian[index] = rng.random() < 0.5
        pictures[index] = framed(render_plate(rng, design=_design(rng, bool(californian[index])), text=_serial(rng),
                                              height=_HEIGHT), rng)  # fmt: skip
    return pictures, californian


def _design(rng: np.random.Generator, californian: bool) -> Design:  # noqa: FBT001 - two kinds
    looks = _looks(CALIFORNIAN if californian else _OTHER)
    weights = np.array([look.weight for look in looks])
    return looks[int(rng.choice(len(looks), p=weights / weights.sum()))]


@cache
def _looks(begins: str) -> tuple[Design, ...]:
    found = [look for name, look in DESIGNS.items() if name.startswith(begins)]
    script = _SCRIPT if begins == CALIFORNIAN else {look.name: _OTHERS_SCRIPT for look in found}
    return tuple(replace(look, script=script.get(look.name, 0.0)) for look in found)


def _serial(rng: np.random.Generator) -> str:
    """Write a serial as some design would, whichever: half as a Californian one, half as another."""
    return _design(rng, bool(rng.random() < 0.5)).writer(rng)
