"""Faces in a picture, found by the full-range BlazeFace of Google's MediaPipe (Apache-2.0; see faces.md beside it).

The network looks at 192 x 192 pixels and gives, for each cell of a grid of 48 x 48, a score and a box. It was made for
faces within five meters, so a picture is looked at whole and in overlapping tiles, in which small faces are larger.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.redaction.tracks import Find

MODEL = Path(__file__).parent / "faces.tflite"
SIDE = 192
CELLS = 48
TILES = (1.0, 0.5, 0.3)
"""Sides of the tiles, in heights of the picture."""
MINIMUM_SCORE = 0.3
"""Lower than what MediaPipe takes (0.5): such a find counts along the way of a face that was surely found once."""
_RAW_LIMIT = 80.0
_OVERLAP = 0.3


class Faces:
    """Finds faces. Not safe to share between threads."""

    def __init__(self) -> None:
        interpreter: Any = importlib.import_module("ai_edge_litert.interpreter").Interpreter(
            model_path=str(MODEL), num_threads=1
        )
        interpreter.allocate_tensors()
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]["index"]
        indexes = [output["index"] for output in interpreter.get_output_details()]
        self._scores, self._boxes = sorted(indexes, key=self._width)
        cells = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
        self._centers = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)

    def find(self, picture: NDArray[np.uint8]) -> list[Find]:
        """Return the faces of an H x W x 3 BGR picture, in its pixels."""
        boxes: list[list[float]] = []
        scores: list[float] = []
        for left, top, side in tiles(picture.shape[1], picture.shape[0]):
            for box, score in self._detect(picture[top : top + side, left : left + side]):
                x, y, width, height = box * side
                boxes.append([left + x, top + y, width, height])
                scores.append(score)
        if not boxes:
            return []
        selected = cv2.dnn.NMSBoxes(boxes, scores, MINIMUM_SCORE, _OVERLAP)
        faces = [(boxes[int(at)], scores[int(at)]) for at in np.ravel(selected)]
        return [Find((x, y, x + width, y + height), score) for (x, y, width, height), score in faces]

    def _detect(self, tile: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], float]]:
        """Yield left, top, width and height in shares of the tile's longer side, and the score."""
        longer = max(tile.shape[:2])
        square = np.zeros((longer, longer, 3), np.uint8)
        square[: tile.shape[0], : tile.shape[1]] = tile
        small = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if longer > SIDE else cv2.INTER_LINEAR)
        values = np.asarray(small[..., ::-1], dtype=np.float32) / 127.5 - 1
        self._interpreter.set_tensor(self._input, values[None])
        self._interpreter.invoke()
        raw = np.clip(self._interpreter.get_tensor(self._scores)[0, :, 0], -_RAW_LIMIT, _RAW_LIMIT)
        scores = 1 / (1 + np.exp(-raw))
        sure = np.flatnonzero(scores >= MINIMUM_SCORE)
        boxes = self._interpreter.get_tensor(self._boxes)[0, sure, :4] / SIDE
        for at, (x, y, width, height) in zip(sure, boxes, strict=True):
            center_x, center_y = self._centers[at]
            box = np.array([center_x + x - width / 2, center_y + y - height / 2, width, height], np.float32)
            yield box, float(scores[at])

    def _width(self, index: int) -> int:
        return int(self._interpreter.get_tensor(index).shape[-1])


def tiles(width: int, height: int) -> Iterator[tuple[int, int, int]]:
    """Yield left, top and side of the squares that a picture is looked at in, half over one another."""
    for share in TILES:
        side = round(height * share)
        for top in _steps(height, side):
            for left in _steps(width, side):
                yield left, top, side


def _steps(length: int, side: int) -> list[int]:
    """Places along a length that squares of a side half over one another begin at, the last one at the end."""
    last = max(0, length - side)
    count = -(-last // max(1, side // 2))
    return [round(last * step / count) for step in range(count + 1)] if count else [0]
