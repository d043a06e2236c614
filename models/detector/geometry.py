"""What detector, training and device agree on: input, grid, and how four corners are written into a cell.

A cell (row i, column j) speaks for the point ((j + 0.5) * 8, (i + 0.5) * 8) of the input. It holds the offsets of the
plate's corners, top-left, top-right, bottom-right, bottom-left as a person reads it, x then y each, in cells, through
asinh: nearly linear for small plates, logarithmic for large ones, so that eight bits serve both.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import HEIGHT, STRIDE, WIDTH

FLIP_ORDER: Final = (1, 0, 3, 2)
"""Corner order after a left-right flip: what was top-right becomes top-left."""


def input_scale(*, width: int, height: int) -> float:
    """Return the factor that fits a frame of this size into the detector's input."""
    return min(WIDTH / width, HEIGHT / height)


def cell_centres(rows: int, columns: int) -> NDArray[np.float32]:
    """Return the centres of a grid's cells in input pixels, shape [rows, columns, 2], x then y."""
    x, y = np.meshgrid((np.arange(columns) + 0.5) * STRIDE, (np.arange(rows) + 0.5) * STRIDE)
    return np.stack([x, y], axis=-1).astype(np.float32)


def encode_corners(corners: NDArray[np.floating], centres: NDArray[np.floating]) -> NDArray[np.float32]:
    """Encode corners [..., 4, 2] in input pixels relative to cell centres [..., 2]; returns [..., 8]."""
    offset = (np.asarray(corners, np.float32) - np.asarray(centres, np.float32)[..., None, :]) / STRIDE
    return np.arcsinh(offset).reshape(*offset.shape[:-2], 8).astype(np.float32)


def decode_corners(encoded: NDArray[np.floating], centres: NDArray[np.floating]) -> NDArray[np.float32]:
    """Turn encoded corners [..., 8] of cells with these centres [..., 2] into input pixels [..., 4, 2]."""
    offset = np.sinh(np.asarray(encoded, np.float32)).reshape(*np.shape(encoded)[:-1], 4, 2) * STRIDE
    return (offset + np.asarray(centres, np.float32)[..., None, :]).astype(np.float32)


def flip_corners(corners: NDArray[np.floating], *, width: float) -> NDArray[np.float32]:
    """Mirror corners [..., 4, 2] left to right in a picture of this width and put them in reading order again."""
    mirrored = np.array(corners, np.float32)
    mirrored[..., 0] = width - mirrored[..., 0]
    return mirrored[..., FLIP_ORDER, :]
