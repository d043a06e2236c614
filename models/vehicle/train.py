"""Train the net of vehicles on one core, until a moment in time; a stopped run goes on."""

import logging
import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.device.vision.ctc import softmax
from platepost.device.vision.vehicle import ANSWERS
from platepost.models.training import Guess, Run, TimedTraining, floats
from platepost.models.vehicle.data import batches
from platepost.models.vehicle.net import VehicleClassifier
from platepost.models.vehicle.photos import OPEN, UNCOLORED, Answers, Labeled, Pictures

logger = logging.getLogger(__name__)

PARTS = ("kind", "color", "side")
_WEIGHTS = (1.0, 1.0, 0.5)
_SURE = (0.92, 0.9, 0.95)
"""Probabilities from which on a report counts an answer as told, part by part."""


@dataclass(frozen=True, kw_only=True)
class VehicleTraining(TimedTraining):
    """How long and how hard to train."""

    rate: float = 3e-3
    floor: float = 3e-5
    warm_up: int = 100
    save_every: int = 500
    average: float = 0.998
    batch: int = 64
    seed: int = 1


def logits(net: nn.Module, pictures: Pictures) -> npt.NDArray[np.float64]:
    """Logits of vehicles, N x 64 x 80 x 3, N x 18."""
    net.eval()
    inputs = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    with torch.no_grad():
        return np.asarray(torch.cat([net(floats(part)) for part in inputs.split(128)]).double().numpy(), np.float64)


def parts(guesses: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float32]]:
    """Shares of the classes of each part, from logits N x 18."""
    return [softmax(part.astype(np.float32)) for part in np.split(guesses, np.cumsum(ANSWERS)[:-1], axis=1)]


def train(training: VehicleTraining, known: Labeled, check: Labeled) -> nn.Module:
    """Train and return the averaged net; the check is reported on at each checkpoint and chooses nothing."""
    cv2.setNumThreads(1)
    torch.manual_seed(training.seed)
    run = Run(training, VehicleClassifier(), VehicleClassifier(), decay=0.05)
    run.resume()
    drawn = batches(known, size=training.batch, seed=training.seed, step=run.step)
    return run.train(drawn, _loss, check=lambda: _report(run, check.pictures, check.answers))


def _loss(guess: Guess, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    pictures, answers = batch
    guesses = guess(floats(pictures))
    losses = [
        weight * nn.functional.cross_entropy(part, answers[:, place], ignore_index=OPEN, label_smoothing=0.03)
        for place, (part, weight) in enumerate(zip(guesses.split(ANSWERS, 1), _WEIGHTS, strict=True))
    ]
    return torch.stack(losses).nansum()


def _report(run: Run, pictures: Pictures, answers: Answers) -> None:
    for place, shares in enumerate(parts(logits(run.averaged, pictures))):
        known = (answers[:, place] != OPEN) & ((place != 1) | (answers[:, 1] != UNCOLORED))
        best, sure = shares.argmax(1), shares.max(1) >= _SURE[place]
        sure &= (place != 1) | (best != UNCOLORED)
        right, confident = (best == answers[:, place])[known], sure[known]
        precision = right[confident].mean() if confident.any() else math.nan
        shown = PARTS[place], right.mean(), confident.mean(), precision
        logger.info("step %d: %s right %.3f; told %.3f, of these right %.3f", run.step, *shown)
