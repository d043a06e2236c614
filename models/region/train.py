"""Train the net of the issuing state on one core, until a moment in time; a stopped run goes on."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.region.data import Sources, batches
from models.region.net import Region
from models.training import Run, TimedTraining, floats, outputs

logger = logging.getLogger(__name__)

Check = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]
"""Plates as the device rectifies them, N x 64 x 160, and whether each is Californian."""


@dataclass(frozen=True, kw_only=True)
class RegionTraining(TimedTraining):
    """How long and how hard to train."""

    rate: float = 3e-3
    floor: float = 3e-5
    warm_up: int = 50
    save_every: int = 200
    average: float = 0.99
    batch: int = 64
    seed: int = 1


def log_odds(net: nn.Module, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Log-odds of California of plates, N x 64 x 160."""
    return np.asarray(outputs(net, pictures).double().numpy(), np.float64)


def train(training: RegionTraining, sources: Sources, checks: Mapping[str, Check]) -> nn.Module:
    """Train and return the averaged net; the checks are reported on at each checkpoint and choose nothing."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(training.seed)
    run = Run(training, Region(), Region(), decay=0.03)
    if not run.resume():
        run.averaged.load_state_dict(run.net.state_dict())
    smoothed = math.log(2)
    drawn = batches(sources, size=training.batch, seed=training.seed, step=run.step)
    for (pictures, answers), due in run.timed(drawn):
        run.net.train()
        loss = run.learn(nn.functional.binary_cross_entropy_with_logits(run.net(floats(pictures)), answers))
        smoothed = 0.98 * smoothed + 0.02 * loss
        if run.step % 50 == 0:
            logger.info("step %d: loss %.3f", run.step, smoothed)
        if due:
            _report(run, checks)
            run.save()
    return run.averaged


def _report(run: Run, checks: Mapping[str, Check]) -> None:
    for name, (pictures, answers) in checks.items():
        odds = log_odds(run.averaged, pictures)
        right = (odds > 0) == answers
        logger.info("step %d: %s right %.3f, California %.3f, other %.3f", run.step, name, right.mean(),
                    right[answers].mean(), right[~answers].mean())  # fmt: skip
