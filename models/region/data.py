"""Batches: as many Californian plates as others, drawn and real ones, degraded anew each time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.plates import degrade
from models.region.drawn import Drawn
from models.region.real import Kind, worsened

Batch = tuple[torch.Tensor, torch.Tensor]
"""Pictures, uint8 N x 1 x 64 x 160, and whether each is Californian, float N."""


@dataclass(frozen=True)
class Sources:
    """What batches are made of."""

    drawn: Drawn
    californian: Kind
    other: Kind
    real_share: float = 0.5


def batches(sources: Sources, *, size: int, seed: int, step: int = 0) -> Iterator[Batch]:
    """Draw batches for ever, others from each step on that a training goes on from."""
    rng = np.random.default_rng([seed, step])
    pictures, labels = sources.drawn
    places = {True: np.flatnonzero(labels), False: np.flatnonzero(~labels)}
    while True:
        samples: list[npt.NDArray[np.uint8]] = []
        answers = rng.random(size) < 0.5
        for answer in answers:
            real = sources.californian if answer else sources.other
            if real and rng.random() < sources.real_share:
                picture, width = real[int(rng.integers(len(real)))]
                samples.append(worsened(picture, width, rng))
            else:
                chosen = places[bool(answer)]
                samples.append(degrade(pictures[chosen[int(rng.integers(len(chosen)))]], rng))
        yield torch.from_numpy(np.stack(samples)[:, None]), torch.from_numpy(answers.astype(np.float32))
