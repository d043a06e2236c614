"""The detector in torch: plain 3x3 convolutions that XNNPACK runs fast in int8, two outputs at stride 8.

Strides 2 to 32 with one residual block each from stride 8 on, and a way back up to stride 8 by nearest-neighbour
resizing and addition, so that a cell sees some 300 input pixels around itself. Padding follows TensorFlow's "same"
(on even sizes a stride-2 convolution pads only right and below), so that the Keras twin gets the same weights and
gives the same numbers. Training windows must give stride 16 an odd number of rows and an even number of columns as
the full input does (23 x 40), or the phase of stride 32 would differ between training and use.
"""

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM: Final = 16
WIDTHS: Final = {4: 32, 8: 48, 16: 96, 32: 96}
HEAD: Final = 64


def pad_like_tensorflow(x: Tensor) -> Tensor:
    """Pad [N, C, H, W] for a 3x3 convolution of stride 2 as TensorFlow's "same" does."""
    height, width = x.shape[2:]
    return functional.pad(x, (width % 2, 1, height % 2, 1))


class ConvBlock(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where torch is not installed
    """3x3 (or 1x1) convolution, batch norm, ReLU; "same" padding as TensorFlow means it."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, relu: bool = True) -> None:
        super().__init__()
        self.stride, self.relu = stride, relu
        padding = kernel // 2 if stride == 1 else 0
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, ceil(H / stride), ceil(W / stride)]."""
        if self.stride == 2:
            x = pad_like_tensorflow(x)
        x = self.norm(self.convolution(x))
        return functional.relu(x) if self.relu else x


class Residual(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where torch is not installed
    """Two 3x3 convolutions around which the input is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvBlock(width, width)
        self.second = ConvBlock(width, width, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return functional.relu(x + self.second(self.first(x)))


class PlateDetector(nn.Module):  # type: ignore[misc,unused-ignore]  # Any where torch is not installed
    """Gray picture [N, 1, H, W] in [0, 1] -> score logits [N, 1, H/8, W/8] and encoded corners [N, 8, H/8, W/8]."""

    def __init__(self) -> None:
        super().__init__()
        w4, w8, w16, w32 = (WIDTHS[stride] for stride in (4, 8, 16, 32))
        self.stem = ConvBlock(1, STEM, stride=2)
        self.down4 = ConvBlock(STEM, w4, stride=2)
        self.block4 = ConvBlock(w4, w4)
        self.down8 = ConvBlock(w4, w8, stride=2)
        self.block8 = Residual(w8)
        self.down16 = ConvBlock(w8, w16, stride=2)
        self.block16 = Residual(w16)
        self.down32 = ConvBlock(w16, w32, stride=2)
        self.block32 = Residual(w32)
        self.lateral16 = ConvBlock(w16, w16, kernel=1, relu=False)
        self.up32 = ConvBlock(w32, w16, kernel=1, relu=False)
        self.up16 = ConvBlock(w16, w8, kernel=1, relu=False)
        self.head = ConvBlock(w8, HEAD)
        self.score = nn.Conv2d(HEAD, 1, 1)
        self.corners = nn.Conv2d(HEAD, 8, 1)
        nn.init.constant_(cast("Tensor", self.score.bias), -4.6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return score logits and encoded corners, float32."""
        x8 = self.block8(self.down8(self.block4(self.down4(self.stem(x)))))
        x16 = self.block16(self.down16(x8))
        x32 = self.block32(self.down32(x16))
        rows, columns = x16.shape[2:]
        above = functional.interpolate(self.up32(x32), scale_factor=2.0, mode="nearest")[:, :, :rows, :columns]
        x16 = functional.relu(self.lateral16(x16) + above)
        rows, columns = x8.shape[2:]
        above = functional.interpolate(self.up16(x16), scale_factor=2.0, mode="nearest")[:, :, :rows, :columns]
        features = self.head(functional.relu(x8 + above))
        return self.score(features).float(), self.corners(features).float()


def new_detector(*, seed: int) -> PlateDetector:
    """Return a detector with weights drawn from this seed, memory in channels-last order."""
    torch.manual_seed(seed)
    net = PlateDetector()
    net.to(memory_format=torch.channels_last)
    return net
