"""The issuer net with its second answer, as models/region.tflite."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.lettering.net import LAYERS, TRUNK, Lettering
from models.quantise import folded, to_int8
from models.region.net import HEAD
from models.region.net import LAYERS as REGION
from models.warm_start import convolutions


def load(checkpoint: Path) -> Lettering:
    """Read the averaged net of a training run's `last.pt`."""
    net = Lettering()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["averaged"])
    net.eval()
    return net


def convert(net: Lettering, region: Path, pictures: npt.NDArray[np.uint8]) -> bytes:
    """Put a trained second answer upon the issuer net that it learned upon, and quantize both.

    Args:
        net: trained.
        region: the .tflite file without it.
        pictures: representative inputs, N x 64 x 160 gray, leveled; a few hundred.

    Returns:
        The issuer net's .tflite file with an answer more: N x 52 logits to the bit as before, and N x 1 x 1 x 1.
    """
    import keras  # noqa: PLC0415 - seconds to import

    from models.hidden.convert import convolution  # noqa: PLC0415 - so is tensorflow
    from models.hidden.graft import grafted  # noqa: PLC0415

    weights = [(one.kernel.transpose(2, 3, 1, 0), one.bias) for one in convolutions(region)]
    names = [f"conv{number}" for number in range(len(REGION))] + ["head"]
    picture = at = keras.Input((64, 160, 1))
    for number, layer in enumerate(REGION):
        if number == TRUNK:
            half_way = at
        at = convolution(layer, f"conv{number}")(at)
    issuers = len(weights[-1][1])
    issuer = keras.layers.Reshape((issuers,), name="issuer")(keras.layers.Conv2D(issuers, HEAD, name="head")(at))
    at = half_way
    for number, (layer, block) in enumerate(zip(LAYERS, net.blocks, strict=True)):
        names.append(f"lettering{number}")
        weights.append(folded(block[1], block[2]))
        at = convolution(layer, names[-1])(at)
    names.append("lettering_head")
    weights.append(folded(net.head))
    plate = keras.layers.Conv2D(1, HEAD, name=names[-1])(at)
    built = keras.Model(picture, [issuer, plate])
    for name, own in zip(names, weights, strict=True):
        built.get_layer(name).set_weights(list(own))
    return grafted(region.read_bytes(), to_int8(built, pictures), trunk=TRUNK)
