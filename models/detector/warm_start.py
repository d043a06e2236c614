"""Begin training with the weights of a .tflite detector."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from platepost.models.detector.net import ConvBlock, PlateDetector, pad_like_tensorflow
from platepost.models.warm_start import adopt, averaged, convolutions


def warm_start(net: PlateDetector, path: Path | Sequence[Path], windows: Tensor) -> None:
    """Give a net the weights of a .tflite detector, and batch norms that leave them as they are.

    Args:
        net: changed in place.
        path: the .tflite file; of several, of which one was trained from another's weights, it gets the mean.
        windows: inputs like those that training begins with, N x 1 x H x W in [0, 1]; a few dozen.

    Raises:
        ValueError: a file is no detector of this shape.
    """
    paths = [path] if isinstance(path, Path) else path
    known = averaged([convolutions(one) for one in paths])
    weights = {one.name: tuple(torch.from_numpy(part.copy()) for part in one[1:]) for one in known}
    parts = {name: part for name, part in net.named_modules() if isinstance(part, ConvBlock | nn.Conv2d)}
    parts = {name: part for name, part in parts.items() if not name.endswith(".convolution")}
    if {name: tuple(_kernel(part).shape) for name, part in parts.items()} != {
        name: tuple(kernel.shape) for name, (kernel, _) in weights.items()
    }:
        raise ValueError(f"{' and '.join(one.name for one in paths)} is no detector of this shape")

    def take(block: ConvBlock, inputs: tuple[Tensor, ...]) -> None:
        at = pad_like_tensorflow(inputs[0]) if block.stride == 2 else inputs[0]
        adopt(block.convolution, *weights[names[block]], norm=block.norm, at=at)

    names = {part: name for name, part in parts.items()}
    net.eval()
    with torch.no_grad():
        for name, part in parts.items():
            if isinstance(part, nn.Conv2d) and part.bias is not None:
                part.weight.copy_(weights[name][0])
                part.bias.copy_(weights[name][1])
        # Each block needs what comes out of those before it, which have taken their weights by then.
        hooks = [part.register_forward_pre_hook(take) for part in parts.values() if isinstance(part, ConvBlock)]
        net(windows.contiguous(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()


def _kernel(part: nn.Module) -> Tensor:
    kernel: Tensor = part.convolution.weight if isinstance(part, ConvBlock) else part.weight
    return kernel
