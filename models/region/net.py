"""The net in torch: what `platepost.models.quantize` rebuilds layer by layer in Keras."""

from typing import Final

import torch
from torch import nn

from platepost.models.reader import net as reader
from platepost.models.reader.net import Layer, stack
from platepost.wire.records.regions import REGIONS

SHARED: Final = 4
"""First layers, which are the reader's: what strokes look like, by any light, it has learned from far more plates."""
FROZEN: Final = 3
"""How many of them stay as they are in a training that began with them; that also takes less than half the time."""
LAYERS: Final = (
    *reader.LAYERS[:SHARED],
    Layer(96, stride=(2, 2)),
    Layer(128),
    Layer(128, stride=(2, 2)),
    Layer(160, kernel=(4, 1), valid=True),
)
"""64x160 -> 32x80 -> 16x40 -> 8x20 -> 4x10 -> 1x10; then a 1x10 convolution to a logit for each issuer."""
HEAD: Final = (1, 10)


class Region(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """Gray in [0, 1], N x 1 x 64 x 160, to a logit for each of `platepost.wire.records.regions.REGIONS`, N x 52."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        self.blocks = stack(LAYERS)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Conv2d(LAYERS[-1].filters, len(REGIONS), HEAD)
        self.frozen = 0
        """First layers that are not trained."""

    def train(self, mode: bool = True) -> "Region":  # noqa: FBT001, FBT002 - torch's
        """Go into training or out of it; frozen layers keep their statistics."""
        super().train(mode)
        self.blocks[: self.frozen].eval()
        return self

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Run the net."""
        with torch.no_grad():
            strokes = self.blocks[: self.frozen](pictures)
        logits: torch.Tensor = self.head(self.dropout(self.blocks[self.frozen :](strokes)))
        return logits.flatten(1)
