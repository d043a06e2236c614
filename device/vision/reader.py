"""The plate reader: a rectified grey plate in, characters out."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.vision.ctc import ALPHABET, Hypothesis, beam_search, character_confidences, softmax
from device.vision.geometry import Corners, rectify
from device.vision.interpreter import Model

WIDTH, HEIGHT = 160, 64
"""Pixels of the network's input."""
MARGIN = 0.04
"""Share of the input that is kept around the plate on each side, for corners are never exact."""
COLUMNS = 40
"""Steps across the plate for which the network says what it sees."""
LEAST_ALTERNATIVE = 0.001
"""Probability below which an alternative is not worth telling."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a reading."""

    character: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at one plate says."""

    text: str
    confidence: float
    """Probability of the whole text, 0 to 1."""
    characters: tuple[Character, ...]
    alternatives: tuple[Hypothesis, ...]
    """Other texts, the likeliest first."""


class Reader:
    """Reads plates with an int8 convolutional network trained by CTC."""

    def __init__(self, path: Path, *, runtime: str | None = None, delegates: bool = True) -> None:
        """Load the reader of `path`.

        Raises:
            BackendError: no TFLite runtime.
            ModelError: the file is no reader of this device.

        """
        self.model = Model(path, runtime=runtime, delegates=delegates)
        self.model.expect(input_shape=(1, HEIGHT, WIDTH, 1), output_shapes=((1, COLUMNS, len(ALPHABET) + 1),))

    def read(self, grey: NDArray[np.uint8], corners: Corners) -> Reading:
        """Read the plate at `corners` of an H x W uint8 picture."""
        return self.read_rectified(rectify(grey, corners, width=WIDTH, height=HEIGHT, margin=MARGIN))

    def read_crop(self, grey: NDArray[np.uint8]) -> Reading:
        """Read an H x W uint8 picture that shows one plate and nothing else."""
        larger = grey.shape[0] > HEIGHT or grey.shape[1] > WIDTH
        interpolation = cv2.INTER_AREA if larger else cv2.INTER_LINEAR
        return self.read_rectified(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=interpolation))  # type: ignore[arg-type]

    def read_rectified(self, plate: NDArray[np.uint8]) -> Reading:
        """Read a 64 x 160 uint8 plate seen from the front."""
        (logits,) = self.model.run((plate ^ 0x80).view(np.int8)[None, :, :, None])
        probabilities = softmax(self.model.outputs[0].real(logits[0]))
        best, *others = beam_search(probabilities)
        confidences = character_confidences(probabilities, best.text)
        return Reading(
            text=best.text,
            confidence=best.probability,
            characters=tuple(Character(*pair) for pair in zip(best.text, confidences, strict=True)),
            alternatives=tuple(other for other in others if other.text and other.probability >= LEAST_ALTERNATIVE),
        )
