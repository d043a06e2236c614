"""What is truly in a clip: every plate's corners and visible share in every frame, and the passages that follow."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platepost.simulator.scene.description import Scene

TRACKABLE = 40.0  # pixels of plate width from which a passage counts as in view
_WHOLE = 0.95  # visible share from which nothing that matters is hidden


@dataclass(frozen=True)
class VisiblePlate:
    """One plate in one frame: corners top left, top right, bottom right, bottom left (4 x 2 pixels)."""

    passage: int
    corners: NDArray[np.float64]
    visible: float

    @property
    def width(self) -> float:
        """Mean length of the upper and the lower edge in pixels."""
        upper, lower = self.corners[1] - self.corners[0], self.corners[2] - self.corners[3]
        return float((np.linalg.norm(upper) + np.linalg.norm(lower)) / 2)


@dataclass
class GroundTruth:
    """The truth of a clip, gathered while it is drawn."""

    scene: Scene
    clip: str
    frames: int = 0
    sights: dict[int, list[VisiblePlate]] = field(default_factory=dict)

    def add(self, sights: list[VisiblePlate]) -> None:
        """Take the next frame's plates."""
        if sights:
            self.sights[self.frames] = sights
        self.frames += 1

    def _whole(self, sight: VisiblePlate) -> bool:
        lens = self.scene.lens
        inside = (sight.corners >= -0.5) & (sight.corners <= (lens.width - 0.5, lens.height - 0.5))
        return bool(inside.all()) and sight.visible >= _WHOLE

    def passages(self) -> list[dict[str, Any]]:
        """All passings that are wholly in view at a trackable size in at least one frame."""
        spans: dict[int, list[int]] = {}
        widest: dict[int, float] = {}
        for number, sights in self.sights.items():
            for sight in sights:
                if self._whole(sight) and sight.width >= TRACKABLE:
                    spans.setdefault(sight.passage, []).append(number)
                    widest[sight.passage] = max(widest.get(sight.passage, 0), sight.width)
        listed = []
        for index, passing in enumerate(self.scene.passing):
            if index in spans:
                listed.append(
                    {
                        "text": passing.text,
                        "design": passing.design,
                        "frames": [min(spans[index]), max(spans[index])],
                        "direction": passing.direction,
                        "lane": passing.lane,
                        "speed_mph": passing.mph,
                        "body": passing.body,
                        "paint": passing.paint,
                        "widest": round(widest[index], 1),
                        "passing": index,
                    }
                )
        return listed

    def documents(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give the truth file and the per-frame file."""
        passages = self.passages()
        order = {passage.pop("passing"): number for number, passage in enumerate(passages)}
        lens = self.scene.lens
        head = {
            "clip": self.clip, "fps": self.scene.clip.fps, "width": lens.width, "height": lens.height,
            "frames": self.frames, "passages": passages,
        }  # fmt: skip
        plates = {
            str(number): [
                {
                    "passage": order[sight.passage],
                    "corners": [[round(float(x), 2), round(float(y), 2)] for x, y in sight.corners],
                    "visible": round(sight.visible, 3),
                }
                for sight in sights
                if sight.passage in order
            ]
            for number, sights in self.sights.items()
        }
        return head, {"clip": self.clip, "plates": {number: sights for number, sights in plates.items() if sights}}

    def write(self, clip: Path) -> None:
        """Write CLIP.truth.json and CLIP.frames.json beside the clip."""
        head, frames = self.documents()
        clip.with_suffix(".truth.json").write_text(json.dumps(head, indent=1) + "\n", "utf-8")
        clip.with_suffix(".frames.json").write_text(json.dumps(frames, separators=(",", ":")) + "\n", "utf-8")
