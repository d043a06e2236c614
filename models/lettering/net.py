"""The second answer in torch: a few layers upon the issuer net's, which are not trained with it; and its file."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from platepost.models.reader.net import Layer, conv_block
from platepost.models.region.net import HEAD
from platepost.models.region.net import LAYERS as REGION
from platepost.models.training import averaged
from platepost.wire.records.regions import REGIONS

TRUNK: Final = 6
"""Layers of the issuer net that the second answer stands on: 8 x 20 places of 128 values."""
LAYERS: Final = (Layer(48, stride=(2, 2)), Layer(48, kernel=(4, 1), valid=True), Layer(48, kernel=(1, 3)))
"""8x20 -> 4x10 -> 1x10; then a 1x10 convolution to one logit."""


class Lettering(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """What the issuer net's layer `TRUNK` says, N x 128 x 8 x 20, to a logit that it is a plate, N."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        depths = (REGION[TRUNK - 1].filters, *(layer.filters for layer in LAYERS))
        self.blocks = nn.Sequential(*(conv_block(depth, layer) for depth, layer in zip(depths, LAYERS, strict=False)))
        self.dropout = nn.Dropout2d(0.3)
        self.head = nn.Conv2d(LAYERS[-1].filters, 1, HEAD)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        logits: torch.Tensor = self.head(self.dropout(self.blocks(self.dropout(values))))
        return logits.flatten()


def load(checkpoint: Path) -> Lettering:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(Lettering(), checkpoint)


def convert(net: Lettering, region: Path, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Put a trained second answer upon the issuer net that it learned upon, see `platepost.models.graft`.

    Args:
        net: trained.
        region: the .tflite file without it.
        pictures: leveled ones.

    Returns:
        N x 52 logits to the bit as before, and N x 1 x 1 x 1.
    """
    from platepost.models.graft import Branch, with_second_answer  # noqa: PLC0415 - seconds to import

    issuer, lettering = Branch("issuer", REGION, HEAD, (len(REGIONS),)), Branch("lettering", LAYERS, HEAD)
    return with_second_answer(region, issuer, lettering, net, pictures, trunk=TRUNK)
