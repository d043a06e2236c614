"""The trainer of all recipes but the detector's: checkpoints, an average of the weights, an end at a moment in time."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

_COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
"""Of the quintic that brings singular values near 1; five rounds of it do."""


class Muon(torch.optim.Optimizer):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """Momentum whose direction has all its singular values near 1: every direction of a kernel learns as fast."""

    def __init__(self, kernels: Iterable[nn.Parameter], *, lr: float, momentum: float = 0.95) -> None:
        """Take over kernels, outputs x inputs x rows x columns."""
        super().__init__(kernels, {"lr": lr, "momentum": momentum})

    def step(self) -> None:  # type: ignore[override, unused-ignore]
        """Take one step."""
        with torch.no_grad():
            for group in self.param_groups:
                for kernel in group["params"]:
                    self._step(kernel, group["lr"], group["momentum"])

    def _step(self, kernel: nn.Parameter, rate: float, momentum: float) -> None:
        state = self.state[kernel]
        if not state:
            state["momentum"] = torch.zeros_like(kernel.grad)
        state["momentum"].lerp_(kernel.grad, 1 - momentum)
        ahead = kernel.grad.lerp(state["momentum"], momentum).flatten(1)
        scale = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
        kernel.add_(orthogonal(ahead).reshape(kernel.shape), alpha=-rate * scale)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Bring all singular values of a matrix near 1."""
    first, third, fifth = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    basis = (matrix.T if tall else matrix).bfloat16()
    basis = basis / (basis.norm() + 1e-7)
    for _ in range(5):
        square = basis @ basis.T
        basis = first * basis + (third * square + fifth * square @ square) @ basis
    return (basis.T if tall else basis).to(matrix.dtype)


logger = logging.getLogger(__name__)

_Batch = TypeVar("_Batch")
_Net = TypeVar("_Net", bound=nn.Module)

Guess: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Gives the net's outputs, as float32, for inputs that a batch was made into."""

_SMOOTH: Final = 0.98
"""Weight of the past in the loss that is logged."""
_LOG_EVERY: Final = 100
"""Steps."""
_FASTER: Final = 8.0
"""Rate of `Muon`, by that of AdamW beside it."""


@dataclass(frozen=True, kw_only=True)
class TimedTraining:
    """How long and how hard to train.

    The learning rate falls by a cosine over the steps, or over the time trained and the time that is left, so that a
    run ends when it must; a run can be stopped and resumed, and pauses count for nothing.
    """

    folder: Path
    """Where the checkpoint `last.pt` goes."""
    until: float = math.inf
    """Unix time at which the learning rate reaches its floor and training stops, unless `steps` says when."""
    steps: int | None = None
    """Steps over all resumptions; what a run of so many makes does not depend on the machine's speed."""
    rate: float
    floor: float
    warm_up: int
    """Steps over which the rate rises at the beginning."""
    save_every: int
    average: float
    """Weight of the past in the moving average of weights, which is what is kept as the model."""

    def learning_rate(self, step: int, share: float) -> float:
        """Return the rate of a step when so much of the time is over, 0 to 1."""
        cosine = 0.5 * (1 + math.cos(math.pi * share))
        return (self.floor + (self.rate - self.floor) * cosine) * min(1.0, (step + 1) / self.warm_up)


class Run:
    """A net that is trained until a moment in time, and the average of its weights.

    Args:
        training: how long and how hard.
        net: fresh.
        averaged: another of its kind.
        decay: of the weights.
        kernels: those of the net that `Muon` trains; AdamW trains the rest.

    """

    def __init__(
        self, training: TimedTraining, net: nn.Module, averaged: nn.Module, *, decay: float,
        kernels: Sequence[nn.Parameter] = (),
    ) -> None:  # fmt: skip
        self._training = training
        torch.set_num_threads(1)
        self.net = net.to(memory_format=torch.channels_last)
        self.averaged = averaged
        mine = set(kernels)
        others = [one for one in net.parameters() if one not in mine]
        self._optimiser = torch.optim.AdamW(others, lr=training.rate, weight_decay=decay)
        self._muon = Muon(kernels, lr=training.rate) if kernels else None
        self.step = 0
        self.best = -1.0
        self._trained = 0.0
        """Seconds, over all resumptions."""
        self._last = training.folder / "last.pt"

    def resume(self) -> bool:
        """Go on from the checkpoint; return whether there is one."""
        self._training.folder.mkdir(parents=True, exist_ok=True)
        if not self._last.exists():
            return False
        checkpoint = torch.load(self._last, weights_only=True)
        self.net.load_state_dict(checkpoint["net"])
        self.averaged.load_state_dict(checkpoint["averaged"])
        self._optimiser.load_state_dict(checkpoint["optimiser"])
        if self._muon:
            self._muon.load_state_dict(checkpoint["muon"])
        self.step, self.best = checkpoint["step"], checkpoint.get("best", self.best)
        # Older files know at most when the training first began.
        written = self._last.stat().st_mtime
        self._trained = checkpoint.get("trained", max(0.0, written - checkpoint.get("start", written)))
        return True

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint = {"net": self.net.state_dict(), "averaged": self.averaged.state_dict(), "step": self.step}
        checkpoint |= {"optimiser": self._optimiser.state_dict(), "best": self.best, "trained": self._trained}
        if self._muon:
            checkpoint["muon"] = self._muon.state_dict()
        save(checkpoint, self._last)

    def train(
        self, batches: Iterable[_Batch], loss: Callable[[Guess, _Batch], torch.Tensor], *, check: Callable[[], None]
    ) -> nn.Module:
        """Train until time or steps are over, and return the averaged net.

        Args:
            batches: what to learn from, without an end.
            loss: of a batch.
            check: called before each checkpoint; reports on the averaged net.

        """
        if self.step == 0:
            self.averaged.load_state_dict(self.net.state_dict())
        smoothed, clock = math.nan, time.monotonic()
        for batch, due in self._timed(batches):
            self.net.train()
            latest = self._learn(loss(self._guess, batch))
            smoothed = latest if math.isnan(smoothed) else _SMOOTH * smoothed + (1 - _SMOOTH) * latest
            if self.step % _LOG_EVERY == 0:
                pace = _LOG_EVERY / (time.monotonic() - clock)
                logger.info("step %d: loss %.4f, %.2f steps/s", self.step, smoothed, pace)
                clock = time.monotonic()
            if due:
                check()
                self.save()
                clock = time.monotonic()
        return self.averaged

    def _guess(self, inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            outputs: torch.Tensor = self.net(inputs)
        return outputs.float()

    def _timed(self, batches: Iterable[_Batch]) -> Iterator[tuple[_Batch, bool]]:
        """Yield batches until time or steps are over, each with the rate set, and whether to save after it."""
        training, origin = self._training, time.time() - self._trained  # when it would have begun had it never paused
        if training.steps is not None and self.step >= training.steps:
            return
        for batch in batches:
            self._trained = time.time() - origin
            if training.steps is None:
                share = min(1.0, self._trained / max(training.until - origin, 1.0))
            else:
                share = (self.step + 1) / training.steps
            rate = training.learning_rate(self.step, share)
            for optimiser, factor in ((self._optimiser, 1.0), (self._muon, _FASTER)):
                for group in optimiser.param_groups if optimiser else ():
                    group["lr"] = rate * factor
            yield batch, share >= 1 or (self.step + 1) % training.save_every == 0
            if share >= 1:
                return

    def _learn(self, loss: torch.Tensor) -> float:
        """Take one step; return the loss."""
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self._optimiser.step()
        if self._muon:
            self._muon.step()
        self.step += 1
        follow(self.averaged, self.net, keep=min(self._training.average, (self.step + 1) / (self.step + 20)))
        return float(loss.detach())


def follow(averaged: nn.Module, net: nn.Module, *, keep: float) -> None:
    """Move the average of a net's weights on, with `keep` as the weight of the past."""
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)


def save(state: dict[str, object], path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def averaged(net: _Net, checkpoint: Path) -> _Net:
    """Give a net the averaged weights of a run's checkpoint, for use."""
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["averaged"])
    net.eval()
    return net


def outputs(net: nn.Module, pictures: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Return what a net makes of gray pictures, N x height x width."""
    net.eval()
    with torch.no_grad():
        return torch.cat([net(floats(part)) for part in torch.from_numpy(pictures[:, None]).split(128)])


def floats(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures, N x 1 x height x width uint8, as nets take them."""
    return (pictures.float() / 255).contiguous(memory_format=torch.channels_last)
