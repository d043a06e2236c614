"""Train the second answer on one core: minutes, for the reader's layers ran over every plate before."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.hidden.data import Examples, Trunk
from models.hidden.net import Hider
from models.reader.labels import ALPHABET
from models.training import Run, TimedTraining

logger = logging.getLogger(__name__)

_LETTERS = ALPHABET + "?"


@dataclass(frozen=True, kw_only=True)
class HiderTraining(TimedTraining):
    """How long and how hard to train."""

    rate: float = 3e-3
    floor: float = 1e-5
    warm_up: int = 50
    save_every: int = 500
    average: float = 0.995
    batch: int = 64
    seed: int = 1


def train(training: HiderTraining, examples: Examples, held: Examples, trunk: Trunk) -> nn.Module:
    """Train by CTC over the reader's columns with hidden ones between; return the averaged net."""
    torch.set_num_threads(1)
    torch.manual_seed(training.seed)
    run = Run(training, Hider(), Hider(), decay=0.1)
    if not run.resume():
        run.averaged.load_state_dict(run.net.state_dict())
    smoothed = float("nan")
    for chosen, due in run.timed(_batches(training, len(examples.texts), run.step)):
        run.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = run.net(as_input(examples.values[chosen], trunk))
        loss = run.learn(_loss(logits.float(), examples.columns[chosen], examples.texts[chosen]))
        smoothed = loss if smoothed != smoothed else 0.98 * smoothed + 0.02 * loss  # noqa: PLR0124 - not a number yet
        if run.step % 100 == 0:
            logger.info("step %d: loss %.4f", run.step, smoothed)
        if due:
            with torch.no_grad():
                run.averaged.eval()
                logits = torch.cat([run.averaged(as_input(part, trunk)) for part in np.array_split(held.values, 20)])
                logger.info("step %d: held out %.4f", run.step, float(_loss(logits, held.columns, held.texts)))
            run.save()
    return run.averaged


def as_input(values: npt.NDArray[np.int8], trunk: Trunk) -> torch.Tensor:
    """Bring what layer `TRUNK` says, N x 8 x 40 x 96 as quantized, to the net's input."""
    return torch.from_numpy(trunk.floats(values).transpose(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)


def _loss(logits: torch.Tensor, columns: npt.NDArray[np.float16], texts: npt.NDArray[np.str_]) -> torch.Tensor:
    """CTC over 38 classes: the last with the net's probability, the reader's own with what it leaves."""
    own = torch.from_numpy(np.log(np.maximum(columns.astype(np.float32), 1e-6)))
    left = nn.functional.logsigmoid(-logits)[..., None]
    scores = torch.cat([own + left, nn.functional.logsigmoid(logits)[..., None]], 2).transpose(0, 1)
    labels = torch.tensor([_LETTERS.index(c) + 1 for text in texts for c in text])
    lengths = torch.tensor([len(text) for text in texts])
    steps = torch.full((len(texts),), scores.shape[0])
    loss: torch.Tensor = nn.functional.ctc_loss(scores, labels, steps, lengths, zero_infinity=True)
    return loss


def _batches(training: HiderTraining, count: int, step: int) -> Iterator[npt.NDArray[np.int64]]:
    while True:
        yield np.random.default_rng([training.seed, step]).integers(count, size=training.batch)
        step += 1
