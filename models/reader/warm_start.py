"""Begin training with the weights of a .tflite reader, of the net's own shape or a shallower one.

Layers that the file lacks become the identity (Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via
knowledge transfer", 2016), so that the deeper net reads like the file before its first step.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from torch import nn

from models.reader.net import LAYERS, Reader

Weights = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""A kernel as torch keeps it (outputs, inputs, rows, columns) and a bias."""


def convolutions(path: Path) -> list[Weights]:
    """Weights of a .tflite file's convolutions in order, as floats."""
    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    found: list[Weights] = []
    for operator in interpreter._get_ops_details():  # noqa: SLF001 - the runtime has no public list of operators
        if operator["op_name"] == "CONV_2D":
            _, kernel, bias = (tensors[index] for index in operator["inputs"])
            found.append((_real(interpreter, kernel).transpose(0, 3, 1, 2), _real(interpreter, bias)))
    return found


def warm_start(net: Reader, path: Path, pictures: torch.Tensor) -> None:
    """Give a net the weights of a .tflite reader, and batch norms that leave them as they are.

    Args:
        net: changed in place.
        path: the .tflite file.
        pictures: inputs like those that training begins with, N x 1 x 64 x 160 uint8; a few hundred. Each batch norm
            takes their mean and variance as its own, and the opposite as its gain and bias.

    Raises:
        ValueError: the file's layers are no part of this net's.
    """
    kept = convolutions(path)
    at = (pictures.float() / 255).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
            pad, conv, norm, relu = block
            if kept and kept[0][0].shape == tuple(conv.weight.shape):
                kernel, bias = (torch.from_numpy(part.copy()) for part in kept.pop(0))
            elif conv.in_channels == conv.out_channels and layer.stride == (1, 1) and not layer.valid:
                kernel, bias = nn.init.dirac_(torch.empty_like(conv.weight)), torch.zeros(conv.out_channels)
                kernel += torch.randn_like(kernel) * 0.01 * kernel[0].numel() ** -0.5
            else:
                raise ValueError(f"{path.name} has no weights for layer {number} of the net")
            conv.weight.copy_(kernel)
            at = conv(pad(at))
            variance, mean = torch.var_mean(at, dim=(0, 2, 3), unbiased=False)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_(torch.sqrt(variance + norm.eps))
            norm.bias.copy_(mean + bias)
            at = relu(norm.eval()(at))
        if len(kept) != 1 or kept[0][0].shape != tuple(net.head.weight.shape):
            raise ValueError(f"{path.name} is no reader of this shape")
        net.head.weight.copy_(torch.from_numpy(kept[0][0].copy()))
        net.head.bias.copy_(torch.from_numpy(kept[0][1].copy()))


def _real(interpreter: Interpreter, tensor: dict[str, Any]) -> npt.NDArray[np.float32]:
    """Undo the quantisation of a constant, by channel (axis 0) or as a whole."""
    values = np.asarray(interpreter.get_tensor(tensor["index"]), np.float32)
    scales = np.asarray(tensor["quantization_parameters"]["scales"], np.float32)
    return np.asarray(values * scales.reshape(-1, *[1] * (values.ndim - 1)), np.float32)
