"""Begin training with the first layers of a .tflite reader."""

from pathlib import Path

import torch

from platepost.models.region.net import SHARED, Region
from platepost.models.training import floats
from platepost.models.warm_start import adopt, convolutions


def warm_start(net: Region, path: Path, pictures: torch.Tensor) -> None:
    """Give a net's first layers the weights of a .tflite reader's.

    Args:
        net: changed in place.
        path: the .tflite file.
        pictures: inputs like those that training begins with, N x 1 x 64 x 160 uint8; a few hundred.

    Raises:
        ValueError: the file's first layers are not of this net's shape.
    """
    at = floats(pictures)
    with torch.no_grad():
        for block, kept in zip(net.blocks[:SHARED], convolutions(path), strict=False):
            pad, conv, norm, relu = block
            if kept.kernel.shape != tuple(conv.weight.shape):
                raise ValueError(f"{path.name} is no reader of this shape")
            at = pad(at)
            adopt(conv, torch.from_numpy(kept.kernel.copy()), torch.from_numpy(kept.bias.copy()), norm=norm, at=at)
            at = relu(norm.eval()(conv(at)))
