"""Train the net of the issuing state on one core, until a moment in time; a stopped run goes on.

The learning rate falls by a cosine over the time trained and the time that is left; pauses count for nothing.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.region.data import Sources, batches
from models.region.net import Region

logger = logging.getLogger(__name__)

Check = tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]
"""Plates as the device rectifies them, N x 64 x 160, and whether each is Californian."""


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train."""

    folder: Path
    """Where the checkpoint `last.pt` goes."""
    until: float
    """Unix time at which the learning rate reaches its floor and training stops."""
    batch: int = 64
    rate: float = 3e-3
    floor: float = 3e-5
    save_every: int = 200
    average: float = 0.99
    """Weight of the past in the moving average of weights, which is what is kept as the model."""
    seed: int = 1


def log_odds(net: nn.Module, pictures: npt.NDArray[np.uint8], batch: int = 128) -> npt.NDArray[np.float64]:
    """Log-odds of California of plates, N x 64 x 160."""
    net.eval()
    with torch.no_grad():
        parts = [
            net(torch.from_numpy(pictures[start : start + batch, None]).float() / 255)
            for start in range(0, len(pictures), batch)
        ]
    return np.asarray(torch.cat(parts).double().numpy(), np.float64)


def train(plan: Plan, sources: Sources, checks: Mapping[str, Check]) -> Region:
    """Train and return the averaged net; the checks are reported on at each checkpoint and choose nothing."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(plan.seed)
    net, averaged = Region().to(memory_format=torch.channels_last), Region()
    averaged.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.03)
    step, trained = 0, 0.0
    plan.folder.mkdir(parents=True, exist_ok=True)
    last = plan.folder / "last.pt"
    if last.exists():
        kept = torch.load(last, weights_only=True)
        net.load_state_dict(kept["net"])
        averaged.load_state_dict(kept["averaged"])
        optimiser.load_state_dict(kept["optimiser"])
        step, trained = kept["step"], kept.get("trained", 0.0)
    smoothed = math.log(2)
    origin = time.time() - trained  # when it would have begun had it never paused
    for pictures, answers in batches(sources, size=plan.batch, seed=plan.seed, step=step):
        trained = time.time() - origin
        share = min(1.0, trained / max(plan.until - origin, 1.0))
        rate = plan.floor + (plan.rate - plan.floor) * 0.5 * (1 + math.cos(math.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50)
        net.train()
        odds = net((pictures.float() / 255).contiguous(memory_format=torch.channels_last))
        loss = nn.functional.binary_cross_entropy_with_logits(odds, answers)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        step += 1
        _average(averaged, net, min(plan.average, (step + 1) / (step + 20)))
        smoothed = 0.98 * smoothed + 0.02 * float(loss.detach())
        if step % 50 == 0:
            left = max(0.0, plan.until - time.time()) / 60
            logger.info("step %d: loss %.3f, rate %.1e, %.0f min left", step, smoothed, rate, left)
        if step % plan.save_every == 0 or share >= 1:
            _report(averaged, checks, step)
            kept = {"net": net.state_dict(), "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save(kept | {"step": step, "trained": trained}, last.with_suffix(".tmp"))
            last.with_suffix(".tmp").replace(last)
        if share >= 1:
            break
    return averaged


def _report(net: nn.Module, checks: Mapping[str, Check], step: int) -> None:
    for name, (pictures, answers) in checks.items():
        odds = log_odds(net, pictures)
        right = (odds > 0) == answers
        logger.info("step %d: %s right %.3f, California %.3f, other %.3f", step, name, right.mean(),
                    right[answers].mean(), right[~answers].mean())  # fmt: skip


def _average(averaged: nn.Module, net: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
