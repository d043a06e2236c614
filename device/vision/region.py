"""The issuing state by the look of a plate: California, another, or unknown.

What stands on the plate says little of it: personalised serials are of no format, and a read may be wrong. So a network
of its own looks at the same picture that the reader does. It is asked once or twice a passage, of the best looks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.vision.interpreter import Network
from device.vision.reader import HEIGHT, WIDTH

CALIFORNIA = "US-CA"
OTHER = "other"
"""Any issuer but California, which alone is told apart."""
LEAST = 0.95
"""Probability from which on an issuer is claimed; below, nothing is said. Chosen on plates held out from training."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issued a plate, and the calibrated probability that it did, were Californian plates as many as others."""

    region: str
    confidence: float


class RegionNet:
    """Tells California's plates from others with an int8 convolutional network. Not safe to share between threads."""

    def __init__(self, path: Path, *, runtime: str | None = None) -> None:
        """Load the network of `path`.

        Raises:
            BackendError: no TFLite runtime.
            ModelError: the file is missing, damaged or of another shape.

        """
        self.model = Network(path, runtime=runtime)
        self.model.expect(input_shape=(1, HEIGHT, WIDTH, 1), output_shapes=[(1, 1)])

    def log_odds(self, plate: NDArray[np.uint8]) -> float:
        """Log-odds of California against any other issuer of a 64 x 160 uint8 plate seen from the front."""
        (odds,) = self.model.run((plate ^ 0x80).view(np.int8)[None, :, :, None])
        return float(self.model.outputs[0].real(odds)[0, 0])

    def issuer(self, plates: Sequence[NDArray[np.uint8]]) -> Issuer | None:
        """Return who issued the plate that so many looks show, each 64 x 160 uint8; None where that is unknown.

        Looks at one plate are no independent witnesses: their log-odds are averaged, not added.
        """
        if not plates:
            return None
        return claimed(sum(map(self.log_odds, plates)) / len(plates))


def claimed(log_odds: float) -> Issuer | None:
    """Return who is claimed to have issued a plate with such log-odds of California, None where it is too doubtful."""
    confidence = 1 / (1 + math.exp(-abs(log_odds)))
    if confidence < LEAST:
        return None
    return Issuer(CALIFORNIA if log_odds > 0 else OTHER, confidence)
