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
from platepost.models.training import Run
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
    torch.set_num_threads(1)
    torch.manual_seed(training.seed)
    run = Run(training, Lettering(), Lettering(), decay=0.1)
    if not run.resume():
        run.averaged.load_state_dict(run.net.state_dict())
    plates, held, smoothed = examples.plates, examples.held_out, float("nan")
    for chosen, due in run.timed(_batches(training, examples, run.step)):
        run.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = run.net(trunk.as_input(values[chosen]))
        answers = torch.from_numpy(np.where(plates[chosen], _SURE, 1 - _SURE).astype(np.float32))
        loss = run.learn(nn.functional.binary_cross_entropy_with_logits(logits.float(), answers))
        smoothed = loss if smoothed != smoothed else 0.98 * smoothed + 0.02 * loss  # noqa: PLR0124 - not a number yet
        if run.step % 100 == 0:
            logger.info("step %d: loss %.4f", run.step, smoothed)
        if due:
            guesses = logits_of(run.averaged, values[held], trunk)
            logger.info("step %d: held out %s", run.step, told_apart(guesses, plates[held]))
            run.save()
    return run.averaged


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
