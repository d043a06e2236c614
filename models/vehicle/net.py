"""The net in torch: what `platepost.models.quantize` rebuilds layer by layer in Keras."""

from typing import Final

import torch
from torch import nn

from platepost.device.vision.vehicle import ANSWERS
from platepost.models.reader.net import Layer, stack

LAYERS: Final = (
    Layer(16, stride=(2, 2)),
    Layer(24),
    Layer(32, stride=(2, 2)),
    Layer(32),
    Layer(48, stride=(2, 2)),
    Layer(56),
    Layer(72, stride=(2, 2)),
    Layer(80),
    Layer(64, kernel=(1, 1)),
)
"""64x80 -> 32x40 -> 16x20 -> 8x10 -> 4x5; then a 4x5 convolution to the answers."""
HEAD: Final = (4, 5)


class VehicleClassifier(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """BGR in [0, 1], N x 3 x 64 x 80, to the logits of `platepost.device.vision.vehicle.ANSWERS`, N x 18."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        self.blocks = stack(LAYERS, inputs=3)
        self.dropout = nn.Dropout2d(0.25)
        self.head = nn.Conv2d(LAYERS[-1].filters, sum(ANSWERS), HEAD)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Run the net."""
        logits: torch.Tensor = self.head(self.dropout(self.blocks(pictures)))
        return logits.flatten(1)
