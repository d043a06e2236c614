"""The plate detector: a gray frame in, plates with four corners out."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.frame import Box
from platepost.device.vision.geometry import Corners, area, bounding_box, intersection_over_union, shrink
from platepost.device.vision.interpreter import Network

SIDE = 2
"""Pixels of the detector's input, from a side of the picture on, within which a plate counts as cut.

Of 181 misreads (0.9 and surer) of training plates cut at a side 173 ended so near or beyond it; of 111 whole plates
that ended a twentieth of their width away, 9.
"""


WIDTH, HEIGHT = 640, 368
"""Pixels of the network's input: 1280x720 is halved exactly; 368 divides by 16, and is padded for stride 32."""
NEAR_WIDTH, NEAR_HEIGHT = 224, 208
"""Pixels of the smaller input, for one plate's surroundings: a fifth of the work. Both inputs' rows are odd and their
columns even at stride 16, so that stride 32 falls on the same places."""
STRIDE = 8
"""Pixels of the input per cell of the output."""
PADDING = 114
"""Gray beside a frame of another shape than the input."""
MINIMUM_SCORE = 0.4
"""Score below which a cell is no plate, unless the configuration says otherwise."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One plate found in one frame."""

    score: float
    """How sure the detector is that it is a plate, 0 to 1."""
    corners: Corners
    """Of the plate in pixels of the full-size frame."""

    @property
    def box(self) -> Box:
        """The upright box around the corners."""
        return bounding_box(self.corners)


class Detector:
    """Finds plates with an int8 center-net: a score per cell and, from each cell, the offsets of the four corners."""

    def __init__(self, path: Path, *, minimum_score: float = MINIMUM_SCORE, runtime: str | None = None) -> None:
        """Load the detector of `path`, and the same for the smaller input if NAME-near.tflite lies beside it.

        Raises:
            BackendError: no TFLite runtime.
            ModelError: a file is no detector of this device.

        """
        self.model = _loaded(path, HEIGHT, WIDTH, runtime)
        smaller = beside(path)
        self.near = _loaded(smaller, NEAR_HEIGHT, NEAR_WIDTH, runtime) if smaller.exists() else None
        """Of the same weights, for the smaller input."""
        self._score, self._corners = sorted(range(2), key=lambda index: self.model.outputs[index].shape[3])
        self.minimum_score = minimum_score
        self._canvas = np.full((HEIGHT, WIDTH), PADDING, np.uint8)

    def detect(
        self, gray: NDArray[np.uint8], small: NDArray[np.uint8] | None = None, *, minimum_score: float | None = None
    ) -> list[Detection]:
        """Find the plates of an H x W uint8 frame, the surest first.

        `small` is the same picture as the camera has shrunk it; it is used if it fits into 640 x 368. `minimum_score`
        is the detector's own unless another is given.
        """
        if small is None or small.shape[0] > HEIGHT or small.shape[1] > WIDTH:
            scale = min(WIDTH / gray.shape[1], HEIGHT / gray.shape[0])
            # A side of a strip, thousands of times as long as wide, must not vanish.
            width = min(WIDTH, max(1, round(gray.shape[1] * scale)))
            height = min(HEIGHT, max(1, round(gray.shape[0] * scale)))
            if scale < 1:
                small = shrink(gray, width, height)
            else:
                small = np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        height, width = small.shape
        self._canvas.fill(PADDING)
        self._canvas[:height, :width] = small
        factor = np.array([gray.shape[1] / width, gray.shape[0] / height], np.float32)
        seen = self.find(self._canvas, minimum_score=minimum_score)
        return [Detection(detection.score, detection.corners * factor) for detection in seen]

    def find(self, canvas: NDArray[np.uint8], *, minimum_score: float | None = None) -> list[Detection]:
        """Find the plates of a 368 x 640 uint8 input, or of a 208 x 224 one if there is `near`, the surest first.

        Corners are in its pixels.
        """
        model = self.near if self.near is not None and canvas.shape == (NEAR_HEIGHT, NEAR_WIDTH) else self.model
        values = (canvas ^ 0x80).view(np.int8)[None, :, :, None]  # uint8 - 128 without widening
        return self._decode(model, values, self.minimum_score if minimum_score is None else minimum_score)

    def _decode(self, model: Network, values: NDArray[np.int8], minimum_score: float) -> list[Detection]:
        tensors, outputs = model.outputs, model.run(values)
        heat = outputs[self._score][0, :, :, 0]
        floor = minimum_score / tensors[self._score].scale + tensors[self._score].zero_point
        detections = []
        for row, column in np.argwhere(heat >= floor).tolist():
            # Under int8 a plate's peak is often a plateau: every cell of it passes here, and the duplicates fall below.
            if heat[row, column] < heat[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max():
                continue
            offsets = np.sinh(tensors[self._corners].real(outputs[self._corners][0, row, column])).reshape(4, 2)
            corners = (offsets + np.array([column + 0.5, row + 0.5], np.float32)) * STRIDE
            score = float(tensors[self._score].real(heat[row, column]))
            detections.append(Detection(score, corners.astype(np.float32)))
        return _without_duplicates(detections)


def beside(path: Path) -> Path:
    """Where the detector of `path` has its like for the smaller input."""
    return path.with_stem(f"{path.stem}-near")


def _loaded(path: Path, height: int, width: int, runtime: str | None) -> Network:
    model = Network(path, runtime=runtime)
    rows, columns = height // STRIDE, width // STRIDE
    model.expect(input_shape=(1, height, width, 1), output_shapes=((1, rows, columns, 1), (1, rows, columns, 8)))
    return model


def _without_duplicates(detections: list[Detection], *, overlap: float = 0.3) -> list[Detection]:
    """Keep the surest of detections that cover each other, or lie one within the other."""
    unique: list[Detection] = []
    for detection in sorted(detections, key=lambda candidate: -candidate.score):
        if area(detection.box) > 0 and all(not _same(detection.box, other.box, overlap) for other in unique):
            unique.append(detection)
    return unique


def _same(first: Box, second: Box, overlap: float) -> bool:
    if intersection_over_union(first, second) > overlap:
        return True
    center_x, center_y = (first[0] + first[2]) / 2, (first[1] + first[3]) / 2
    return second[0] < center_x < second[2] and second[1] < center_y < second[3]


def is_cut(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a plate reaches to the left or right side of its picture, which may have cut characters off.

    What is left of it reads as another, shorter text, often with high confidence.

    The upper and the lower edge cut through all characters alike: then the text is mostly still right, or none.

    Args:
        box: left, top, right, bottom of the plate, pixels of the picture.
        shape: height, width of the picture; more is not looked at.

    """
    left, _, right, _ = box
    height, width = shape[:2]
    near = SIDE * max(width / WIDTH, height / HEIGHT)
    return bool(left < near or right > width - near)
