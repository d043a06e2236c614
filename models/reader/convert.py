"""Converts the trained reader to models/reader.tflite."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from platepost.models.quantize import to_int8
from platepost.models.reader.labels import CLASSES, STEPS
from platepost.models.reader.net import LAYERS, PlateReader
from platepost.models.reader.rebuild import rebuilt

if TYPE_CHECKING:
    import keras


def load(checkpoint: Path) -> PlateReader:
    """Load the averaged weights of a training run: those of `best.pt`, or the average in `last.pt`."""
    state = torch.load(checkpoint, weights_only=True)
    net = PlateReader()
    net.load_state_dict(state.get("averaged", state))
    net.eval()
    return net


def to_keras(net: PlateReader) -> "keras.Model":
    """Build the same net in Keras, with batch normalization folded in; N x 64 x 160 x 1 in [0, 1] to N x 40 x 37."""
    return rebuilt(LAYERS, net.blocks, net.head, answer=(STEPS, CLASSES))


def convert(net: PlateReader, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Quantize a trained network to int8.

    Args:
        net: trained.
        pictures: representative inputs, N x 64 x 160 gray; a few hundred.

    Returns:
        The .tflite file.
    """
    return to_int8(to_keras(net), pictures)
