"""Train the reader on one core, until a moment in time.

The learning rate falls by a cosine over the time that is left, so that a run ends when it must; a run can be stopped
and resumed, also with other pools.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader

from models.reader.data import Batches, Recipe
from models.reader.labels import alike, greedy
from models.reader.net import Reader
from models.reader.real import RealPlate

logger = logging.getLogger(__name__)

Sample = tuple[npt.NDArray[np.uint8], str]


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train."""

    folder: Path
    """Where checkpoints go: `last.pt` and, each time the held-out plates are read better, `best.pt`."""
    until: float
    """Unix time at which the learning rate reaches its floor and training stops."""
    rate: float = 2.5e-3
    floor: float = 2e-5
    warm_up: int = 300
    save_every: int = 1000
    average: float = 0.999
    """Weight of the past in the moving average of weights, which is what is saved as the model."""


def read_all(net: nn.Module, pictures: npt.NDArray[np.uint8], batch: int = 128) -> list[str]:
    """Greedy reads of pictures, N x 64 x 160."""
    net.eval()
    texts: list[str] = []
    with torch.no_grad():
        for start in range(0, len(pictures), batch):
            part = torch.from_numpy(pictures[start : start + batch, None]).float() / 255
            texts += greedy(net(part.contiguous(memory_format=torch.channels_last)).float().numpy())
    return texts


def exact_rate(net: nn.Module, samples: list[Sample]) -> float:
    """Share of samples read exactly, O as 0 and I as 1."""
    texts = read_all(net, np.stack([picture for picture, _ in samples]))
    return float(np.mean([alike(text) == alike(truth) for text, (_, truth) in zip(texts, samples, strict=True)]))


def _share_of_time(start: float, until: float) -> float:
    return min(1.0, (time.time() - start) / max(until - start, 1.0))


def train(
    plan: Plan, recipe: Recipe, real: list[RealPlate], checks: dict[str, list[Sample]], *, resume: bool = True
) -> nn.Module:
    """Train and return the averaged net.

    Args:
        plan: schedule and folder.
        recipe: what batches are made of.
        real: real plates to mix in.
        checks: sets to report on at each checkpoint; the one named `held_out` chooses `best.pt`.
        resume: go on from `last.pt` when there is one.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    net = Reader().to(memory_format=torch.channels_last)
    averaged = Reader()
    averaged.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.02)
    step, best, start = 0, -1.0, time.time()
    last = plan.folder / "last.pt"
    plan.folder.mkdir(parents=True, exist_ok=True)
    if resume and last.exists():
        state = torch.load(last, weights_only=True)
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, best, start = state["step"], state["best"], state["start"]
    loss_function = nn.CTCLoss(zero_infinity=True)
    loader = DataLoader(Batches(recipe, real), batch_size=None, num_workers=1, prefetch_factor=4)
    running, clock, share = 0.0, time.time(), _share_of_time(start, plan.until)
    for pictures, labels, lengths in loader:
        rate = plan.floor + (plan.rate - plan.floor) * 0.5 * (1 + np.cos(np.pi * share))
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / plan.warm_up)
        net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = net((pictures.float() / 255).contiguous(memory_format=torch.channels_last))
        scores = logits.float().log_softmax(2).transpose(0, 1)
        steps = torch.full((len(lengths),), scores.shape[0])
        loss = loss_function(scores, labels, steps, lengths)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        step += 1
        _average(averaged, net, min(plan.average, (step + 1) / (step + 20)))
        now = float(loss.detach())
        running = now if step == 1 else 0.99 * running + 0.01 * now
        share = _share_of_time(start, plan.until)
        if step % 100 == 0:
            pace = 100 * recipe.batch / (time.time() - clock)
            logger.info("step %d: loss %.3f, rate %.2e, %.0f plates/s", step, running, rate, pace)
            clock = time.time()
        if step % plan.save_every == 0 or share >= 1:
            rates = {name: exact_rate(averaged, samples) for name, samples in checks.items()}
            logger.info("step %d: %s", step, ", ".join(f"{name} {rate:.3f}" for name, rate in rates.items()))
            if rates.get("held_out", 0.0) >= best:
                best = rates.get("held_out", 0.0)
                torch.save(averaged.state_dict(), plan.folder / "best.pt")
            state = {"net": net.state_dict(), "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict(),
                     "step": step, "best": best, "start": start}  # fmt: skip
            torch.save(state, last.with_suffix(".tmp"))
            last.with_suffix(".tmp").replace(last)
            clock = time.time()
        if share >= 1:
            break
    return averaged


def _average(averaged: nn.Module, net: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
