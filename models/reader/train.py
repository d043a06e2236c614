"""Train the reader on one core, until a moment in time.

The learning rate falls by a cosine over the time trained and the time that is left, so that a run ends when it must; a
run can be stopped and resumed, also with other pools, and pauses count for nothing.
"""

import itertools
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.utils.data import DataLoader

from models.reader.data import Batch, Batches, Mixture
from models.reader.labels import alike, greedy
from models.reader.net import PlateReader
from models.reader.real import Framed, RealPlate
from models.reader.warm_start import warm_start

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
    start: Path | None = None
    """A trained .tflite reader to begin with, see `models.reader.warm_start`."""


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


@dataclass
class _State:
    """What a run keeps between checkpoints."""

    net: nn.Module
    averaged: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    best: float = -1.0
    trained: float = 0.0
    """Seconds, over all resumptions."""

    def save(self, path: Path) -> None:
        kept = {"net": self.net.state_dict(), "averaged": self.averaged.state_dict(), "step": self.step}
        kept |= {"optimiser": self.optimiser.state_dict(), "best": self.best, "trained": self.trained}
        torch.save(kept, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def load(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step, self.best = kept["step"], kept["best"]
        # Older files know only when the training first began.
        self.trained = kept["trained"] if "trained" in kept else max(0.0, path.stat().st_mtime - kept["start"])

    def learn(self, batch: Batch, keep: float) -> float:
        """Take one step; returns the loss."""
        pictures, labels, lengths = batch
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net((pictures.float() / 255).contiguous(memory_format=torch.channels_last))
        scores = logits.float().log_softmax(2).transpose(0, 1)
        steps = torch.full((len(lengths),), scores.shape[0])
        loss = nn.functional.ctc_loss(scores, labels, steps, lengths, zero_infinity=True)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimiser.step()
        self.step += 1
        _average(self.averaged, self.net, min(keep, (self.step + 1) / (self.step + 20)))
        return float(loss.detach())


def train(
    plan: Plan, recipe: Mixture, real: list[RealPlate], checks: dict[str, list[Sample]], *,
    shuffled: list[Framed] | None = None, resume: bool = True,
) -> nn.Module:  # fmt: skip
    """Train and return the averaged net.

    Args:
        plan: schedule and folder.
        recipe: what batches are made of.
        real: real plates to mix in.
        checks: sets to report on at each checkpoint; the one named `held_out` chooses `best.pt`.
        shuffled: what `models.reader.shuffle` made of the real plates.
        resume: go on from `last.pt` when there is one.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    net, averaged = PlateReader().to(memory_format=torch.channels_last), PlateReader()
    state = _State(net, averaged, torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.02))
    plan.folder.mkdir(parents=True, exist_ok=True)
    last = plan.folder / "last.pt"
    resumed = resume and last.exists()
    if resumed:
        state.load(last)
    batches = Batches(recipe, real, shuffled, step=state.step)
    # A forked worker would inherit the locks of the threads that torch and the interpreter run here.
    loader = DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4, multiprocessing_context="spawn")
    if plan.start is not None and not resumed:
        warm_start(net, plan.start, torch.cat([batch[0] for batch in itertools.islice(batches, 4)]))
    if not resumed:
        averaged.load_state_dict(net.state_dict())
    smoothed, clock = float("nan"), time.time()
    origin = time.time() - state.trained  # when it would have begun had it never paused
    for batch in loader:
        state.trained = time.time() - origin
        share = min(1.0, state.trained / max(plan.until - origin, 1.0))
        rate = _rate(plan, state.step, share)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        loss = state.learn(batch, plan.average)
        smoothed = loss if smoothed != smoothed else 0.99 * smoothed + 0.01 * loss  # noqa: PLR0124 - not a number yet
        if state.step % 100 == 0:
            pace = 100 * recipe.batch / (time.time() - clock)
            left = max(0.0, plan.until - time.time()) / 60
            told = state.step, smoothed, rate, pace, left
            logger.info("step %d: loss %.3f, rate %.2e, %.0f plates/s, %.0f min left", *told)
            clock = time.time()
        if state.step % plan.save_every == 0 or share >= 1:
            _check(state, checks, plan.folder)
            clock = time.time()
        if share >= 1:
            break
    return averaged


def _rate(plan: Plan, step: int, share: float) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * share))
    return (plan.floor + (plan.rate - plan.floor) * cosine) * min(1.0, (step + 1) / plan.warm_up)


def _check(state: _State, checks: dict[str, list[Sample]], folder: Path) -> None:
    """Report on the checks and write the checkpoints."""
    rates = {name: exact_rate(state.averaged, samples) for name, samples in checks.items()}
    logger.info("step %d: %s", state.step, ", ".join(f"{name} {rate:.3f}" for name, rate in rates.items()))
    if rates.get("held_out", 0.0) >= state.best:
        state.best = rates.get("held_out", 0.0)
        torch.save(state.averaged.state_dict(), folder / "best.pt")
    state.save(folder / "last.pt")


def _average(averaged: nn.Module, net: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
