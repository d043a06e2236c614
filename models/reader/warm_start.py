"""Begin training with the weights of a .tflite reader, of the net's own shape or a shallower one.

Layers that the file lacks become the identity (Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via
knowledge transfer", 2016), so that the deeper net reads like the file before its first step.
"""

from pathlib import Path

import torch
from torch import nn

from platepost.models.reader.net import LAYERS, PlateReader
from platepost.models.warm_start import adopt, convolutions


def warm_start(net: PlateReader, path: Path, pictures: torch.Tensor) -> None:
    """Give a net the weights of a .tflite reader, and batch norms that leave them as they are.

    Args:
        net: changed in place.
        path: the .tflite file.
        pictures: inputs like those that training begins with, N x 1 x 64 x 160 uint8; a few hundred.

    Raises:
        ValueError: the file's layers are no part of this net's.
    """
    kept = convolutions(path)
    at = (pictures.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
            pad, conv, norm, relu = block
            if kept and kept[0].kernel.shape == tuple(conv.weight.shape):
                kernel, bias = (torch.from_numpy(part.copy()) for part in kept.pop(0)[1:])
            elif conv.in_channels == conv.out_channels and layer.stride == (1, 1) and not layer.valid:
                kernel, bias = nn.init.dirac_(torch.empty_like(conv.weight)), torch.zeros(conv.out_channels)
                kernel += torch.randn_like(kernel) * 0.01 * kernel[0].numel() ** -0.5
            else:
                raise ValueError(f"{path.name} has no weights for layer {number} of the net")
            at = pad(at)
            adopt(conv, kernel, bias, norm=norm, at=at)
            at = relu(norm.eval()(conv(at)))
        if not kept or kept[0].kernel.shape != tuple(net.head.weight.shape):  # a second answer's layers may follow
            raise ValueError(f"{path.name} is no reader of this shape")
        net.head.weight.copy_(torch.from_numpy(kept[0].kernel.copy()))
        net.head.bias.copy_(torch.from_numpy(kept[0].bias.copy()))
