"""The second answer in torch: a few layers upon the reader's, which are not trained with it; and its file."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.models.hidden.data import TRUNK
from platepost.models.reader.labels import CLASSES, STEPS
from platepost.models.reader.net import LAYERS as READER
from platepost.models.reader.net import Layer, conv_block
from platepost.models.training import averaged

LAYERS: Final = (
    Layer(48, stride=(2, 1)),
    Layer(48),
    Layer(48, kernel=(4, 1), valid=True),
    Layer(48, kernel=(1, 7)),
    Layer(48, kernel=(1, 7)),
)
"""8x40 -> 4x40 -> 1x40; then a 1x1 convolution to one logit a column."""
_SELDOM: Final = -4.0
"""The logit that training begins with: nothing is hidden."""


class Hider(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """What the reader's layer `TRUNK` says, N x 96 x 8 x 40, to a logit for each column, N x 40."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        depths = (READER[TRUNK - 1].filters, *(layer.filters for layer in LAYERS))
        self.blocks = nn.Sequential(*(conv_block(depth, layer) for depth, layer in zip(depths, LAYERS, strict=False)))
        self.dropout = nn.Dropout2d(0.15)
        self.head = nn.Conv2d(LAYERS[-1].filters, 1, 1)
        nn.init.constant_(self.head.bias, _SELDOM)  # type: ignore[arg-type, unused-ignore]

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        logits: torch.Tensor = self.head(self.dropout(self.blocks(self.dropout(values))))
        return logits[:, 0, 0]


def load(checkpoint: Path) -> Hider:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(Hider(), checkpoint)


def convert(net: Hider, reader: Path, pictures: npt.NDArray[np.uint8], *, bias: float) -> bytes:
    """Put a trained second answer upon the reader that it learned upon, see `platepost.models.graft`.

    Returns:
        N x 40 x 37 logits to the bit as before, and N x 40 x 1.
    """
    from platepost.models.graft import Branch, with_second_answer  # noqa: PLC0415 - seconds to import

    text = Branch("text", READER, (1, 1), (STEPS, CLASSES))
    hidden = Branch("hidden", LAYERS, (1, 1), (STEPS, 1))
    return with_second_answer(reader, text, hidden, net, pictures, trunk=TRUNK, bias=bias)
