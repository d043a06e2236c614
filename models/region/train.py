"""Train the net of the issuing state on one core, until a moment in time; a stopped run goes on."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.device.vision.ctc import softmax
from platepost.models.region.data import Sources, batches
from platepost.models.region.net import FROZEN, SHARED, Region
from platepost.models.training import Guess, Run, TimedTraining, floats, outputs
from platepost.models.warm_start import adopt, convolutions


def warm_start(net: Region, path: Path, pictures: torch.Tensor, *, layers: int = SHARED) -> None:
    """Give a net's first layers the weights of a .tflite reader's, or all layers those of an earlier issuer net.

    Args:
        net: changed in place.
        path: the .tflite file.
        pictures: inputs like those that training begins with, N x 1 x 64 x 160 uint8; a few hundred.
        layers: how many layers take weights; if all of them do, so does the answer.

    Raises:
        ValueError: the file's first layers are not of this net's shape.
    """
    at = floats(pictures)
    given = convolutions(path)
    with torch.no_grad():
        for block, weights in zip(net.blocks[:layers], given, strict=False):
            pad, conv, norm, relu = block
            if weights.kernel.shape != tuple(conv.weight.shape):
                raise ValueError(f"{path.name} is not of this net's shape")
            at = pad(at)
            adopt(
                conv, torch.from_numpy(weights.kernel.copy()), torch.from_numpy(weights.bias.copy()), norm=norm, at=at
            )
            at = relu(norm.eval()(conv(at)))
        if layers == len(net.blocks):
            answer = given[layers]
            net.head.weight.copy_(torch.from_numpy(answer.kernel))
            if net.head.bias is not None:
                net.head.bias.copy_(torch.from_numpy(answer.bias))


logger = logging.getLogger(__name__)

_TOLD = 0.95
"""Probability from which on a report counts an answer as told."""

Check = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Plates as the device rectifies them, N x 64 x 160, and the class of each."""


@dataclass(frozen=True, kw_only=True)
class RegionTraining(TimedTraining):
    """How long and how hard to train."""

    rate: float = 2.5e-3
    floor: float = 3e-5
    warm_up: int = 50
    save_every: int = 200
    average: float = 0.998
    batch: int = 64
    seed: int = 1
    start: Path | None = None
    """A trained .tflite reader, whose first layers the net begins with and keeps; see `platepost.models.region.net`."""
    further: Path | None = None
    """A trained .tflite issuer net to go on from instead; its first `SHARED` layers stay as they are."""


def logits(net: nn.Module, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Logits of plates, N x 64 x 160, for each class, N x 52."""
    return np.asarray(outputs(net, pictures).double().numpy(), np.float64)


def train(training: RegionTraining, sources: Sources, checks: Mapping[str, Check]) -> nn.Module:
    """Train and return the averaged net; the checks are reported on at each checkpoint and choose nothing."""
    cv2.setNumThreads(1)
    torch.manual_seed(training.seed)
    net = Region()
    run = Run(training, net, Region(), decay=0.03)
    resumed = run.resume()
    drawn = batches(sources, size=training.batch, seed=training.seed, step=run.step)
    begun_with = training.further or training.start
    if begun_with is not None:
        layers = SHARED if training.further is None else len(net.blocks)
        if not resumed:
            pictures = torch.cat([pictures for pictures, _ in islice(drawn, 4)])
            warm_start(net, begun_with, pictures, layers=layers)
        net.frozen = FROZEN if training.further is None else SHARED
    return run.train(drawn, _loss, check=lambda: _report(run, checks))


def _loss(guess: Guess, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    pictures, answers = batch
    return nn.functional.cross_entropy(guess(floats(pictures)), answers, label_smoothing=0.02)


def _report(run: Run, checks: Mapping[str, Check]) -> None:
    for name, (pictures, answers) in checks.items():
        guesses = logits(run.averaged, pictures).astype(np.float32)
        right = guesses.argmax(1) == answers
        sure = softmax(guesses).max(1) >= _TOLD
        figures = sure.mean(), right[sure].mean() if sure.any() else math.nan
        logger.info("step %d: %s right %.3f; told %.3f, of these right %.3f", run.step, name, right.mean(), *figures)
