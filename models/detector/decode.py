"""From the net's two outputs to plates, and how good a set of plates is: used to choose checkpoints in training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device.vision.detector import HEIGHT, PADDING, WIDTH, Detection
from platepost.device.vision.geometry import intersection_over_union
from platepost.models.detector.geometry import cell_centres, decode_corners, input_scale

MATCH_IOU: Final = 0.5


def fit_frame(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Scale a picture [H, W, 3] or [H, W] into the input [368, 640], gray, top left; return it and the factor."""
    gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    height, width = gray.shape
    scale = input_scale(width=width, height=height)
    size = (min(WIDTH, round(width * scale)), min(HEIGHT, round(height * scale)))
    frame = np.full((HEIGHT, WIDTH), PADDING, np.uint8)
    frame[: size[1], : size[0]] = cv2.resize(
        gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return frame, scale


def find_plates(
    score: NDArray[np.float32], corners: NDArray[np.float32], *, threshold: float = 0.3, overlap: float = 0.3
) -> list[Detection]:
    """Local maxima (3x3) of score [rows, columns] with their decoded corners [rows, columns, 8], best first.

    Their corners are in pixels of the input.
    """
    peaks = (score >= cv2.dilate(score, np.ones((3, 3), np.uint8))) & (score >= threshold)
    centres = cell_centres(*score.shape)
    detections: list[Detection] = []
    for row, column in sorted(np.argwhere(peaks), key=lambda place: -score[place[0], place[1]]):
        quad = decode_corners(corners[row, column], centres[row, column])
        detection = Detection(float(score[row, column]), quad)
        if all(intersection_over_union(detection.box, other.box) < overlap for other in detections):
            detections.append(detection)
    return detections


@dataclass
class DetectionCounts:
    """Counts over photos: true plates, found ones, sum of their IoU, extra plates, photos whose best plate is right."""

    truths: int = 0
    matched: int = 0
    overlap: float = 0.0
    extra: int = 0
    photos: int = 0
    best_right: int = 0

    def add(self, found: Sequence[Detection], truths: NDArray[np.floating], ignored: NDArray[np.floating]) -> None:
        """Count one photo; truths and ignored boxes [N, 4] in input pixels."""
        self.photos += 1
        self.truths += len(truths)
        taken: set[int] = set()
        boxes = [tuple(box) for box in truths.tolist()]
        for number, plate in enumerate(found):
            overlaps = [
                intersection_over_union(plate.box, box) if i not in taken else 0.0 for i, box in enumerate(boxes)
            ]
            best = int(np.argmax(overlaps)) if overlaps else -1
            if best >= 0 and overlaps[best] >= MATCH_IOU:
                taken.add(best)
                self.matched += 1
                self.overlap += overlaps[best]
                self.best_right += number == 0
            elif not any(intersection_over_union(plate.box, tuple(box)) > 0.1 for box in ignored.tolist()):
                self.extra += 1

    @property
    def recall(self) -> float:
        """Share of true plates found."""
        return self.matched / max(1, self.truths)

    def __str__(self) -> str:
        """One line for a log."""
        return (
            f"recall {self.recall:.3f}, IoU {self.overlap / max(1, self.matched):.3f}, "
            f"best right {self.best_right / max(1, self.photos):.3f}, "
            f"extra a photo {self.extra / max(1, self.photos):.3f}"
        )
