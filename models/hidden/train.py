"""Train the second answer on one core: minutes, for the reader's layers ran over every plate before."""

import logging
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.models.hidden.data import Examples
from platepost.models.hidden.net import Hider
from platepost.models.reader.labels import ALPHABET
from platepost.models.training import Guess, Run
from platepost.models.trunk import AnswerTraining, Trunk

logger = logging.getLogger(__name__)

RATE: Final = 3e-3
"""The learning rate at its highest."""

_LETTERS = ALPHABET + "?"


def train(training: AnswerTraining, examples: Examples, held: Examples, trunk: Trunk) -> nn.Module:
    """Train by CTC over the reader's columns with hidden ones between; return the averaged net."""
    torch.manual_seed(training.seed)
    run = Run(training, Hider(), Hider(), decay=0.1)
    run.resume()

    def loss(guess: Guess, chosen: npt.NDArray[np.int64]) -> torch.Tensor:
        return _loss(guess(trunk.as_input(examples.values[chosen])), examples.columns[chosen], examples.texts[chosen])

    def check() -> None:
        run.averaged.eval()
        with torch.no_grad():
            logits = torch.cat([run.averaged(trunk.as_input(part)) for part in np.array_split(held.values, 20)])
        logger.info("step %d: held out %.4f", run.step, float(_loss(logits, held.columns, held.texts)))

    return run.train(_batches(training, len(examples.texts), run.step), loss, check=check)


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


def _batches(training: AnswerTraining, count: int, step: int) -> Iterator[npt.NDArray[np.int64]]:
    while True:
        yield np.random.default_rng([training.seed, step]).integers(count, size=training.batch)
        step += 1
