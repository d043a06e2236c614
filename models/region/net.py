"""The net in torch: what `models.quantise` rebuilds layer by layer in Keras."""

from typing import Final

import torch
from torch import nn

from models.reader.net import Layer, stack

LAYERS: Final = (
    Layer(12, stride=(2, 2)),
    Layer(24, stride=(2, 2)),
    Layer(32, stride=(2, 2)),
    Layer(48),
    Layer(64, stride=(2, 2)),
    Layer(64, kernel=(4, 1), valid=True),
)
"""64x160 -> 32x80 -> 16x40 -> 8x20 -> 4x10 -> 1x10; then a 1x10 convolution to the log-odds."""
HEAD: Final = (1, 10)


class Region(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """Grey in [0, 1], N x 1 x 64 x 160, to the log-odds of California against any other issuer, N."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        self.blocks = stack(LAYERS)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Conv2d(LAYERS[-1].filters, 1, HEAD)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Run the net."""
        odds: torch.Tensor = self.head(self.dropout(self.blocks(pictures)))
        return odds.flatten()
