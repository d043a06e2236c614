"""The trained reader as models/reader.tflite."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.quantise import folded, to_int8
from models.reader.labels import CLASSES, STEPS
from models.reader.net import LAYERS, Reader

if TYPE_CHECKING:
    import keras


def load(checkpoint: Path) -> Reader:
    """Read the averaged net of a training run: `best.pt`, or the average in `last.pt`."""
    state = torch.load(checkpoint, weights_only=True)
    net = Reader()
    net.load_state_dict(state.get("averaged", state))
    net.eval()
    return net


def to_keras(net: Reader) -> "keras.Model":
    """Build the same net in Keras, batch norm folded; N x 64 x 160 x 1 in [0, 1] to N x 40 x 37."""
    import keras  # noqa: PLC0415 - seconds to import

    picture = keras.Input((64, 160, 1))
    at = picture
    convolutions: list[tuple[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]] = []
    for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
        name = f"conv{number}"
        at = keras.layers.Conv2D(layer.filters, layer.kernel, layer.stride, padding="valid" if layer.valid else "same",
                                 activation="relu", name=name)(at)  # fmt: skip
        _, conv, norm, _ = block
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            raise TypeError(f"{name} is not padding, convolution, batch norm and ReLU")
        convolutions.append((name, folded(conv, norm)))
    at = keras.layers.Conv2D(CLASSES, 1, name="head")(at)
    convolutions.append(("head", folded(net.head)))
    built = keras.Model(picture, keras.layers.Reshape((STEPS, CLASSES))(at))
    for name, weights in convolutions:
        built.get_layer(name).set_weights(list(weights))
    return built


def convert(net: Reader, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Quantise a trained net.

    Args:
        net: trained.
        pictures: representative inputs, N x 64 x 160 grey; a few hundred.

    Returns:
        The .tflite file.
    """
    return to_int8(to_keras(net), (picture[..., None].astype(np.float32) / 255 for picture in pictures))
