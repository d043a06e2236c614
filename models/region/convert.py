"""The trained net as models/region.tflite, its answer calibrated."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from device.vision.calibration import Calibration
from models.calibration.fit import Trials, fitted
from models.quantise import to_int8
from models.reader.rebuild import rebuilt
from models.region.net import LAYERS, Region
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

    Raises:
        ValueError: there is nothing to calibrate by, or the net is surer of what it gets wrong.
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
    return rebuilt(LAYERS, net.blocks, net.head, answer=(1,))


def convert(net: Region, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Quantise a trained net.

    Args:
        net: trained and calibrated.
        pictures: representative inputs, N x 64 x 160 grey; a few hundred.

    Returns:
        The .tflite file.
    """
    return to_int8(to_keras(net), pictures)
