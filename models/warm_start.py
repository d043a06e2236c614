"""Weights of a .tflite file for a net in torch that is to be trained further."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from torch import nn


class Convolution(NamedTuple):
    """A convolution of a .tflite file, its batch norm folded into it."""

    name: str
    """Of the layer in Keras that it was made of."""
    kernel: npt.NDArray[np.float32]
    """As torch keeps it: outputs, inputs, rows, columns."""
    bias: npt.NDArray[np.float32]


def convolutions(path: Path) -> list[Convolution]:
    """Convolutions of a .tflite file in order, as floats."""
    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    layers: list[Convolution] = []
    for operator in interpreter._get_ops_details():  # noqa: SLF001 - the runtime has no public list of operators
        if operator["op_name"] == "CONV_2D":
            _, kernel, bias = (tensors[index] for index in operator["inputs"])
            # Keras numbers the layers of a copied net: functional_1/stem_1/convolution
            name = str(kernel["name"]).removesuffix("/convolution").rpartition("/")[2].rpartition("_")[0]
            layers.append(Convolution(name, _real(interpreter, kernel).transpose(0, 3, 1, 2), _real(interpreter, bias)))
    return layers


def averaged(nets: Sequence[Sequence[Convolution]]) -> list[Convolution]:
    """Return the mean of the weights of nets of one shape, each layer's of the same name.

    Raises:
        ValueError: their layers differ.
    """
    first = nets[0]
    shapes = [[(one.name, one.kernel.shape) for one in net] for net in nets]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("only nets of one shape have a mean")
    return [
        Convolution(
            one.name,
            np.mean([net[place].kernel for net in nets], axis=0, dtype=np.float32),
            np.mean([net[place].bias for net in nets], axis=0, dtype=np.float32),
        )
        for place, one in enumerate(first)
    ]


def adopt(conv: nn.Conv2d, kernel: torch.Tensor, bias: torch.Tensor, *, norm: nn.BatchNorm2d, at: torch.Tensor) -> None:
    """Give a convolution a kernel, and the batch norm after it statistics that leave kernel and bias as they are.

    Args:
        conv: changed in place; without a bias of its own.
        kernel: what it becomes.
        bias: what is added to each channel of its output.
        norm: changed in place: it takes mean and variance of the convolution's output as its own, and the opposite as
            its gain and bias.
        at: the convolution's input for a few hundred pictures like those that training begins with, padded.
    """
    conv.weight.copy_(kernel)
    variance, mean = torch.var_mean(conv(at), dim=(0, 2, 3), unbiased=False)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(torch.sqrt(variance + norm.eps))
    norm.bias.copy_(mean + bias)


def _real(interpreter: Interpreter, tensor: dict[str, Any]) -> npt.NDArray[np.float32]:
    """Undo the quantisation of a constant, by channel (axis 0) or as a whole."""
    values = np.asarray(interpreter.get_tensor(tensor["index"]), np.float32)
    scales = np.asarray(tensor["quantization_parameters"]["scales"], np.float32)
    return np.asarray(values * scales.reshape(-1, *[1] * (values.ndim - 1)), np.float32)
