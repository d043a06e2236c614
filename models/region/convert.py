"""The trained net as models/region.tflite, its answer calibrated."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from device.vision.calibration import Calibration
from models.calibration.fit import Trials, fitted
from models.quantise import folded, to_int8
from models.region.net import HEAD, LAYERS, Region
from models.region.train import Check, log_odds

if TYPE_CHECKING:
    import keras


def load(checkpoint: Path) -> Region:
    """Read the averaged net of a training run's `last.pt`."""
    net = Region()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["averaged"])
    net.eval()
    return net


def calibrate(net: Region, checks: Mapping[str, Check]) -> Calibration:
    """Make a net's log-odds mean what they say of plates that it did not learn from; the net is changed in place.

    Both issuers, and all sets, count alike however many plates there are of them. What Platt scaling says of the
    log-odds is a factor and a term, and so is put into the last convolution.

    Returns:
        What was put into it.
    """
    trials = None
    for pictures, answers in checks.values():
        weights = np.where(answers, 0.5 / max(1, answers.sum()), 0.5 / max(1, (~answers).sum()))
        claims = 1 / (1 + np.exp(-log_odds(net, pictures)))
        own = Trials(claims, answers.astype(np.float64), weights)
        trials = own if trials is None else trials + own
    if trials is None:
        raise ValueError("nothing to calibrate by")
    found = fitted(trials)
    with torch.no_grad():
        net.head.weight.mul_(found.slope)
        bias = net.head.bias
        if bias is None:
            raise TypeError("the head has no bias")
        bias.mul_(found.slope).add_(found.intercept)
    return found


def to_keras(net: Region) -> "keras.Model":
    """Build the same net in Keras, batch norm folded; N x 64 x 160 x 1 in [0, 1] to N x 1."""
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
    at = keras.layers.Conv2D(1, HEAD, name="head")(at)
    convolutions.append(("head", folded(net.head)))
    built = keras.Model(picture, keras.layers.Reshape((1,))(at))
    for name, weights in convolutions:
        built.get_layer(name).set_weights(list(weights))
    return built


def convert(net: Region, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Quantise a trained net.

    Args:
        net: trained and calibrated.
        pictures: representative inputs, N x 64 x 160 grey; a few hundred.

    Returns:
        The .tflite file.
    """
    return to_int8(to_keras(net), (picture[..., None].astype(np.float32) / 255 for picture in pictures))
