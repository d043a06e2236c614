"""The reader's net in torch: what `platepost.models.quantize` rebuilds layer by layer in Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from platepost.models.reader.labels import CLASSES


@dataclass(frozen=True)
class Layer:
    """One convolution, batch norm and ReLU; the padding keeps the size (before the stride) unless `valid`."""

    filters: int
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    valid: bool = False


LAYERS: Final = (
    Layer(16, stride=(2, 2)),
    Layer(24),
    Layer(48, stride=(2, 2)),
    Layer(64),
    Layer(64),
    Layer(80, stride=(2, 1)),
    Layer(96),
    Layer(96),
    Layer(112, stride=(2, 1)),
    Layer(112),
    Layer(112),
    Layer(112),
    Layer(144, kernel=(4, 1), valid=True),
    Layer(144, kernel=(1, 5)),
    Layer(144, kernel=(1, 5)),
    Layer(144, kernel=(1, 5)),
)
"""64x160 -> 32x80 -> 16x40 -> 8x40 -> 4x40 -> 1x40; then a 1x1 convolution to the classes."""


def conv_block(inputs: int, layer: Layer) -> nn.Sequential:
    """Build one layer. Even sizes with a stride of 2 are padded at the end only, as TensorFlow pads "same"."""
    pads: list[int] = []
    for size, stride in zip(reversed(layer.kernel), reversed(layer.stride), strict=True):
        total = 0 if layer.valid else max(size - stride, 0)
        pads += [total // 2, total - total // 2]
    conv = nn.Conv2d(inputs, layer.filters, layer.kernel, layer.stride, bias=False)
    return nn.Sequential(nn.ZeroPad2d(tuple(pads)), conv, nn.BatchNorm2d(layer.filters, momentum=0.02), nn.ReLU())


def stack(layers: Sequence[Layer], *, inputs: int = 1) -> nn.Sequential:
    """Build layers one upon the other, the first over a picture of so many channels."""
    depths = (inputs, *(layer.filters for layer in layers))
    return nn.Sequential(*(conv_block(depth, layer) for depth, layer in zip(depths, layers, strict=False)))


class PlateReader(nn.Module):  # type: ignore[misc, unused-ignore]  # torch is absent where types are checked
    """Gray in [0, 1], N x 1 x 64 x 160, to CTC logits, N x 40 x 37."""

    def __init__(self) -> None:
        """Build the layers with fresh weights."""
        super().__init__()
        self.blocks = stack(LAYERS)
        self.dropout = nn.Dropout2d(0.05)
        self.head = nn.Conv2d(LAYERS[-1].filters, CLASSES, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        logits: torch.Tensor = self.head(self.dropout(self.blocks(pictures)))
        return logits.squeeze(2).transpose(1, 2)
