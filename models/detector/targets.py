"""What the net should say at each cell of a training window."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import STRIDE
from platepost.models.detector.geometry import cell_centres, encode_corners
from platepost.models.detector.windows import TrainingWindow

HEAT_SIGMA: Final = 0.16
"""Sigma of a plate's Gaussian in widths and heights of the plate; at least MINIMUM_SIGMA cells."""
MINIMUM_SIGMA: Final = 0.55
CORNER_HEAT: Final = 0.25
"""Cells whose heat reaches this learn the corners, so that a peak one cell off still finds the plate."""
PLANES: Final = 12


class Planes:
    """Indices into the packed target [12, rows, columns]."""

    heat: Final = 0
    known: Final = 1
    weight: Final = 2
    boxed: Final = 3
    corners: Final = 4


def pack_targets(window: TrainingWindow) -> NDArray[np.float32]:
    """Return [12, rows, columns]: heat, known (0: ignored), corner weight, boxed (corners are a box), corners [8]."""
    rows, columns = window.gray.shape[0] // STRIDE, window.gray.shape[1] // STRIDE
    planes = np.zeros((PLANES, rows, columns), np.float32)
    planes[Planes.known] = 1
    centres = cell_centres(rows, columns)
    for box in window.ignored:
        inside = np.all((centres > box[:2] - STRIDE) & (centres < box[2:] + STRIDE), axis=-1)
        planes[Planes.known][inside] = 0
    for target in window.targets:
        low, high = target.corners.min(axis=0), target.corners.max(axis=0)
        middle = target.corners.mean(axis=0)
        sigma = np.maximum((high - low) / STRIDE * HEAT_SIGMA, MINIMUM_SIGMA)
        heat = np.exp(-0.5 * (((centres - middle) / STRIDE / sigma) ** 2).sum(axis=-1))
        peak = np.unravel_index(int(heat.argmax()), heat.shape)
        cells = (heat >= CORNER_HEAT) & (heat > planes[Planes.heat])
        cells[peak] = True
        size = float(np.sqrt(np.prod(high - low))) / STRIDE
        planes[Planes.weight][cells] = heat[cells] * np.clip(3.0 / size, 0.7, 2.0)
        planes[Planes.boxed][cells] = float(target.boxed)
        planes[Planes.corners :, cells] = encode_corners(target.corners, centres[cells]).T
        planes[Planes.heat] = np.maximum(planes[Planes.heat], heat)
        planes[Planes.heat][peak] = 1
        planes[Planes.known][heat > 0.3] = 1
    return planes
