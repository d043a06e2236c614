"""The trained net as models/vehicle.tflite, its answers calibrated."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from platepost.device.vision.ctc import softmax
from platepost.device.vision.vehicle import ANSWERS, HEIGHT, WIDTH
from platepost.models.quantize import to_int8
from platepost.models.reader.rebuild import rebuilt
from platepost.models.training import averaged
from platepost.models.vehicle.net import LAYERS, VehicleClassifier
from platepost.models.vehicle.photos import OPEN, Answers, Pictures
from platepost.models.vehicle.train import logits

if TYPE_CHECKING:
    import keras

_TEMPERATURES = np.exp(np.linspace(np.log(0.3), np.log(5.0), 120))


def load(checkpoint: Path) -> VehicleClassifier:
    """Read the averaged net of a training run's `last.pt`."""
    return averaged(VehicleClassifier(), checkpoint)


def calibrate(net: VehicleClassifier, pictures: Pictures, answers: Answers) -> list[float]:
    """Make a net's shares mean what they say of vehicles that it did not learn from; the net is changed in place.

    The temperatures of kind, color and side go into the last convolution.

    Returns:
        What the logits of each were divided by.
    """
    temperatures: list[float] = []
    guesses, start = logits(net, pictures), 0
    for place, size in enumerate(ANSWERS):
        known = answers[:, place] != OPEN
        part, truth = guesses[known, start : start + size], answers[known, place]
        doubts = [_doubt(part / temperature, truth) for temperature in _TEMPERATURES]
        temperatures.append(float(_TEMPERATURES[int(np.argmin(doubts))]))
        with torch.no_grad():
            for values in (net.head.weight, net.head.bias):
                if values is None:
                    raise TypeError("the head has no bias")
                values[start : start + size].div_(temperatures[-1])
        start += size
    return temperatures


def _doubt(guesses: npt.NDArray[np.float64], answers: Answers) -> float:
    """Mean negative log-likelihood of the answers."""
    shares = softmax(guesses.astype(np.float32))[np.arange(len(answers)), answers]
    return float(-np.log(np.maximum(shares, 1e-9)).mean())


def to_keras(net: VehicleClassifier) -> "keras.Model":
    """Build the same net in Keras, batch norm folded; N x 64 x 80 x 3 in [0, 1] to N x 18."""
    return rebuilt(LAYERS, net.blocks, net.head, answer=(sum(ANSWERS),), picture=(HEIGHT, WIDTH, 3))


def convert(net: VehicleClassifier, pictures: Pictures) -> bytes:
    """Quantize a trained net by pictures that it may see; return the .tflite file."""
    return to_int8(to_keras(net), pictures)
