"""The reader with its second answer, as models/reader.tflite."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from models.hidden.data import TRUNK
from models.hidden.net import LAYERS, Hider
from models.quantise import folded, to_int8
from models.reader.labels import CLASSES, STEPS
from models.reader.net import LAYERS as READER
from models.reader.net import Layer
from models.warm_start import convolutions

if TYPE_CHECKING:
    import keras


def load(checkpoint: Path) -> Hider:
    """Read the averaged net of a training run's `last.pt`."""
    net = Hider()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["averaged"])
    net.eval()
    return net


def convert(net: Hider, reader: Path, pictures: npt.NDArray[np.uint8], *, bias: float) -> bytes:
    """Put a trained second answer upon the reader that it learned upon, and quantize both.

    Args:
        net: trained.
        reader: the .tflite file without it.
        pictures: representative inputs, N x 64 x 160 gray; a few hundred.
        bias: added to the second answer's logits.

    Returns:
        The reader's .tflite file with an answer more: N x 40 x 37 logits to the bit as before, and N x 40 x 1.
    """
    import keras  # noqa: PLC0415 - seconds to import

    from models.hidden.graft import grafted  # noqa: PLC0415 - so is tensorflow

    weights = [(one.kernel.transpose(2, 3, 1, 0), one.bias) for one in convolutions(reader)]
    names = [f"conv{number}" for number in range(len(READER))] + ["head"]
    picture = at = keras.Input((64, 160, 1))
    for number, layer in enumerate(READER):
        if number == TRUNK:
            half_way = at
        at = convolution(layer, f"conv{number}")(at)
    answer = keras.layers.Reshape((STEPS, CLASSES), name="text")(keras.layers.Conv2D(CLASSES, 1, name="head")(at))
    at = half_way
    for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
        names.append(f"hidden{number}")
        weights.append(folded(block[1], block[2]))
        at = convolution(layer, names[-1])(at)
    names.append("hidden_head")
    kernel, level = folded(net.head)
    weights.append((kernel, level + np.float32(bias)))
    hidden = keras.layers.Reshape((STEPS, 1), name="hidden")(keras.layers.Conv2D(1, 1, name=names[-1])(at))
    built = keras.Model(picture, [answer, hidden])
    for name, own in zip(names, weights, strict=True):
        built.get_layer(name).set_weights(list(own))
    return grafted(reader.read_bytes(), to_int8(built, pictures), trunk=TRUNK)


def convolution(layer: Layer, name: str) -> "keras.layers.Layer":
    """Build a layer in Keras, batch norm to be folded into it."""
    import keras  # noqa: PLC0415

    padding = "valid" if layer.valid else "same"
    return keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, padding=padding, activation="relu", name=name)
