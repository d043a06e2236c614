"""Train the second answer on one core: minutes, for the issuer net's layers ran over every plate before."""

import logging
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.models.lettering.data import Proposals
from platepost.models.lettering.net import Lettering
from platepost.models.training import Guess, Run
from platepost.models.trunk import AnswerTraining, Trunk

logger = logging.getLogger(__name__)

RATE: Final = 2e-3
"""The learning rate at its highest."""

_SURE = 0.99
"""What the net is to say of plates, and the rest of lettering: some labels are wrong."""
_READ = 0.3
"""Confidence from which on a text would be told; such examples come four times as often as the rest."""


def train(training: AnswerTraining, examples: Proposals, values: npt.NDArray[np.int8], trunk: Trunk) -> nn.Module:
    """Train and return the averaged net; the held-out examples are reported on and choose nothing.

    Args:
        training: how long and how hard.
        examples: the held-out ones among them.
        values: what the issuer net says of each, see `platepost.models.lettering.data.values`.
        trunk: that says it.
    """
    torch.manual_seed(training.seed)
    run = Run(training, Lettering(), Lettering(), decay=0.1)
    run.resume()
    plates, held = examples.plates, examples.held_out

    def loss(guess: Guess, chosen: npt.NDArray[np.int64]) -> torch.Tensor:
        answers = torch.from_numpy(np.where(plates[chosen], _SURE, 1 - _SURE).astype(np.float32))
        return nn.functional.binary_cross_entropy_with_logits(guess(trunk.as_input(values[chosen])), answers)

    def check() -> None:
        guesses = logits_of(run.averaged, values[held], trunk)
        logger.info("step %d: held out %s", run.step, told_apart(guesses, plates[held]))

    return run.train(_batches(training, examples, run.step), loss, check=check)


def logits_of(net: nn.Module, values: npt.NDArray[np.int8], trunk: Trunk) -> npt.NDArray[np.float64]:
    """Logits of plates by what the issuer net says of them, N."""
    net.eval()
    with torch.no_grad():
        parts = [net(trunk.as_input(values[at : at + 256])) for at in range(0, len(values), 256)]
    return np.asarray(torch.cat(parts).double().numpy(), np.float64) if parts else np.zeros(0)


def told_apart(guesses: npt.NDArray[np.float64], plates: npt.NDArray[np.bool_], share: float = 0.01) -> str:
    """Say what share of lettering is above all but the lowest plates."""
    if not plates.any() or plates.all():
        return "nothing to tell apart"
    bound = float(np.quantile(guesses[plates], share))
    passing = float(np.mean(guesses[~plates] >= bound))
    return f"{passing:.1%} of lettering above {bound:.2f}, as {1 - share:.0%} of plates are"


def _batches(training: AnswerTraining, examples: Proposals, step: int) -> Iterator[npt.NDArray[np.int64]]:
    """Half plates, half lettering; what can be read most often."""
    plates, learned = examples.plates, ~examples.held_out
    weights = np.where(plates | (examples.confidence >= _READ), 1.0, 0.25)
    kinds = []
    for kind in (plates & learned, ~plates & learned):
        places = np.flatnonzero(kind)
        kinds.append((places, weights[places] / weights[places].sum()))
    half = training.batch // 2
    while True:
        rng = np.random.default_rng([training.seed, step])
        yield np.concatenate([rng.choice(places, half, p=shares) for places, shares in kinds])
        step += 1
