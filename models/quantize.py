"""From trained torch weights to a full-int8 .tflite file, by way of Keras.

`TFLiteConverter` quantizes a Keras net better than it does what comes out of torch by export: so the net is built a
second time in Keras, batch norm folded into its convolutions, and the copied weights are quantized there.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from torch import nn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if TYPE_CHECKING:
    import keras

Weights = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""A kernel as Keras keeps it (rows, columns, inputs, outputs) and a bias."""

INPUT_SCALE: Final = 1 / 255
INPUT_ZERO_POINT: Final = -128
"""The quantisation that inputs must have, so that int8 is the gray value minus 128."""


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> Weights:
    """Weights of a convolution with the batch norm after it folded in."""
    kernel = conv.weight.detach().float().numpy()
    bias = conv.bias.detach().float().numpy() if conv.bias is not None else np.zeros(conv.out_channels, np.float32)
    if norm is not None:
        if norm.running_mean is None or norm.running_var is None:
            raise ValueError("a batch norm without running statistics cannot be folded")
        gain = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
        kernel = kernel * gain[:, None, None, None]
        bias = (bias - norm.running_mean.numpy()) * gain + norm.bias.detach().numpy()
    return kernel.transpose(2, 3, 1, 0), bias


def to_int8(net: "keras.Model", pictures: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    """Quantize a Keras net: int8 weights, activations, input and outputs, built-in operators only.

    Args:
        net: takes one picture in [0, 1].
        pictures: representative inputs, height x width, or height x width x channels; a few hundred. A black and a
            white one are added, so that the input's quantisation is `INPUT_SCALE` and `INPUT_ZERO_POINT`.

    Returns:
        The .tflite file.
    """
    import tensorflow as tf  # noqa: PLC0415 - seconds to import, and only conversion needs it

    shape = net.input_shape[1:]

    def representative() -> Iterable[list[npt.NDArray[np.float32]]]:
        yield [np.zeros((1, *shape), np.float32)]
        yield [np.ones((1, *shape), np.float32)]
        for picture in pictures:
            yield [picture.reshape(1, *shape).astype(np.float32) / np.float32(255)]

    converter: Any = tf.lite.TFLiteConverter.from_keras_model(net)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())
