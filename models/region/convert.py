"""The trained net as models/region.tflite, its answer calibrated."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from platepost.device.vision.ctc import softmax
from platepost.models.quantize import to_int8
from platepost.models.reader.rebuild import rebuilt
from platepost.models.region.net import LAYERS, Region
from platepost.models.region.train import Check, logits
from platepost.models.training import averaged
from platepost.wire.records.regions import REGIONS

if TYPE_CHECKING:
    import keras

_TEMPERATURES = np.exp(np.linspace(np.log(0.3), np.log(5.0), 120))


def load(checkpoint: Path) -> Region:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(Region(), checkpoint)


def calibrate(net: Region, checks: Mapping[str, Check]) -> float:
    """Make a net's shares mean what they say of plates that it did not learn from; the net is changed in place.

    All sets count alike however many plates are in them. The temperature goes into the last convolution.

    Returns:
        What the logits were divided by.

    Raises:
        ValueError: there is nothing to calibrate by.
    """
    if not checks:
        raise ValueError("nothing to calibrate by")
    guesses = [(logits(net, pictures), answers) for pictures, answers in checks.values()]
    doubts = [sum(_doubt(guess / temperature, answers) for guess, answers in guesses) for temperature in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(doubts))])
    with torch.no_grad():
        net.head.weight.div_(temperature)
        bias = net.head.bias
        if bias is None:
            raise TypeError("the head has no bias")
        bias.div_(temperature)
    return temperature


def _doubt(guesses: npt.NDArray[np.float64], answers: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of the answers."""
    shares = softmax(guesses.astype(np.float32))[np.arange(len(answers)), answers]
    return float(-np.log(np.maximum(shares, 1e-9)).mean())


def to_keras(net: Region) -> "keras.Model":
    """Build the same net in Keras, batch norm folded; N x 64 x 160 x 1 in [0, 1] to N x 52."""
    return rebuilt(LAYERS, net.blocks, net.head, answer=(len(REGIONS),))


def convert(net: Region, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Quantize a trained net.

    Args:
        net: trained and calibrated.
        pictures: representative inputs, N x 64 x 160 gray; a few hundred.

    Returns:
        The .tflite file.
    """
    return to_int8(to_keras(net), pictures)
