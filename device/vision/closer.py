"""A second look of the detector, from nearer: at what was read with doubt, for its corners, and at what it saw faintly.

And several looks at the picture of one plate that leans: the detector knows plates that are nearly upright.

Each plate is enlarged alone in the detector's smaller input, which takes a fifth of the time of a frame. What was
measured is in the model card.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import HEIGHT, NEAR_HEIGHT, NEAR_WIDTH, PADDING, WIDTH, Detection, Detector
from platepost.device.vision.geometry import Corners, intersection_over_union

MOST = 6
"""Plates of a frame that are looked at again."""
SURROUNDINGS = (213, 184)
"""Pixels of the input, width and height, that a plate with what is around it takes at most."""
PLATE_WIDTH = 110
"""Pixels of the input that a plate is enlarged or shrunk to: it is found best at about this size."""
SAME = 0.4
"""Least overlap, intersection over union, at which what is found in a tile is the plate that was looked for."""
FAINT = 0.2
"""Score from which on a place is worth a second look where nothing else was found."""
PLAIN = 0.7
"""Score that it must have from nearer to be a plate."""
TURNS = (0.0, 20.0, -20.0, 40.0, -40.0)
"""Degrees by which the picture of one plate is turned to find it upright."""
TURNED_SIDE = 130
"""Pixels of the input that the longer side of such a picture takes."""
LEAST_LEAN = 0.1
"""Slope of a plate below which it does not lean: as a crop it is read as well or better whole."""
MOST_TURNED = 2
"""Places that are read where such pictures were searched, the surest."""


def closer(detector: Detector, gray: NDArray[np.uint8], detections: Sequence[Detection]) -> list[Corners]:
    """Return better corners for plates of an H x W uint8 frame.

    They are the mean of both looks' corners, or the first look's where the second one does not find the plate, and for
    all beyond the first six.
    """
    seconds = _look_again(detector, gray, detections)
    return [
        first.corners if second is None else second.corners for first, second in zip(detections, seconds, strict=True)
    ]


def confirmed(detector: Detector, gray: NDArray[np.uint8], faint: Sequence[Detection]) -> list[Detection]:
    """Return which of the first six places of an H x W uint8 frame, seen faintly, are plainly plates from nearer."""
    seconds = _look_again(detector, gray, faint)
    return [second for second in seconds if second is not None and second.score >= PLAIN]


def leaning(detector: Detector, gray: NDArray[np.uint8]) -> list[Corners]:
    """Return the corners, surest first, of what may be the one plate in an H x W uint8 picture, leaning by up to 45°.

    They are those of the two surest places: mostly the same plate, seen in two ways, each a little wrong.
    """
    height, width = (NEAR_HEIGHT, NEAR_WIDTH) if detector.near is not None else (HEIGHT, WIDTH)
    scale = TURNED_SIDE / max(gray.shape)
    size = [max(1, round(side * scale)) for side in gray.shape[::-1]]
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    factor = np.array(gray.shape[::-1], np.float32) / np.array(size, np.float32)
    detections: list[Detection] = []
    for turn in TURNS:
        way = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), turn, 1.0)
        way[:, 2] += (np.array([width, height]) - size) / 2
        canvas = cv2.warpAffine(small, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
        back = cv2.invertAffineTransform(way)
        detections += [
            Detection(one.score, ((one.corners @ back[:, :2].T + back[:, 2]) * factor).astype(np.float32))
            for one in detector.find(np.asarray(canvas, np.uint8), minimum_score=FAINT)
        ]
    surest = sorted(detections, key=lambda one: -one.score)[:MOST_TURNED]
    return [one.corners for one in surest if _slope(one.corners) >= LEAST_LEAN]


def _slope(corners: Corners) -> float:
    """Return how steep a plate's long edges are in the mean."""
    across = corners[1] + corners[2] - corners[0] - corners[3]
    return abs(float(across[1])) / max(abs(float(across[0])), 1e-6)


def _look_again(detector: Detector, gray: NDArray[np.uint8], detections: Sequence[Detection]) -> list[Detection | None]:
    """Look at plates once more: the second look's score with the mean of both looks' corners, or None, for each."""
    seconds = [_second(detector, gray, detection) for detection in detections[:MOST]]
    return seconds + [None] * (len(detections) - len(seconds))


def _second(detector: Detector, gray: NDArray[np.uint8], first: Detection) -> Detection | None:
    canvas = np.full((HEIGHT, WIDTH) if detector.near is None else (NEAR_HEIGHT, NEAR_WIDTH), PADDING, np.uint8)
    offset, scale = _show(canvas, gray, first)
    seen = [
        Detection(other.score, ((other.corners - offset) / scale).astype(np.float32)) for other in detector.find(canvas)
    ]
    overlaps = [intersection_over_union(other.box, first.box) for other in seen]
    if max(overlaps, default=0.0) < SAME:
        return None
    best = seen[overlaps.index(max(overlaps))]
    return Detection(best.score, ((first.corners + best.corners) / 2).astype(np.float32))


def _show(
    canvas: NDArray[np.uint8], gray: NDArray[np.uint8], detection: Detection
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw a plate's surroundings into an input; canvas = frame * scale + offset, and both are returned."""
    left, top, right, bottom = detection.box
    scale = PLATE_WIDTH / max(right - left, 4.0)
    reach = np.array(SURROUNDINGS) / scale / 2
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    limit = np.array(gray.shape[::-1])
    low = np.clip(np.ceil(middle - reach), 0, limit - 1).astype(int)
    high = np.clip(np.floor(middle + reach), low + 1, limit).astype(int)
    part = gray[low[1] : high[1], low[0] : high[0]]
    width, height = np.minimum(np.maximum(np.round((high - low) * scale), 1), SURROUNDINGS).astype(int).tolist()
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[:height, :width] = cv2.resize(part, (width, height), interpolation=smooth)
    factor = (np.array([width, height]) / (high - low)).astype(np.float32)
    return (-low * factor).astype(np.float32), factor
