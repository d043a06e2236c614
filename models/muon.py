"""An optimizer that steps by orthogonal matrices (Jordan et al., "Muon", 2024), for kernels of convolutions."""

from collections.abc import Iterable
from typing import Final

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
    found = (matrix.T if tall else matrix).bfloat16()
    found = found / (found.norm() + 1e-7)
    for _ in range(5):
        square = found @ found.T
        found = first * found + (third * square + fifth * square @ square) @ found
    return (found.T if tall else found).to(matrix.dtype)
