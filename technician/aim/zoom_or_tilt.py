"""By which means plates are made larger: to look nearer or to zoom, and by how much, without going to and fro."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from platepost.technician.aim.measurement import Measurement

COMFORT = 1.15
"""How many times the least width is asked for: 150 pixels where 130 are wanted.

Vehicles of one lane differ: their plates hang at other heights and they drive to the left or right, which makes one in
twenty of their widths on the clips that ship; and no one turns a lens by exactly a tenth. What is asked for brings the
narrower of them (their lower quartile) a seventh above the limit, so that the light is green then, and stays so.
"""
ZONE = 0.8
"""Where in the picture's height plates should have become large enough: below, a fast vehicle has left it."""
_FARTHEST = {None: 0.25, "tilt": 0.4, "zoom": 0.0}
"""Up to this share of the picture's height the advice is to look nearer, past it to zoom; by the advice before."""
_STEPS = {"zoom": 0.15, "tilt": 0.075}
"""By how much more or less must be wanted for another amount to be said."""

Kind = Literal["zoom", "tilt"]


@dataclass(slots=True)
class ZoomOrTilt:
    """What was said of one lane, until the camera is touched: who reaches for the lens is not sent to the mount."""

    kind: Kind | None = None
    amount: float = 0.0

    def enlarge(
        self, sightings: Sequence[Sequence[Measurement]], judged: Sequence[float], *, least: float, height: int
    ) -> tuple[Kind, float]:
        """Say whether to zoom in, and how many times, or to turn down, and by which share of the picture's height.

        On a flat road a plate's width grows evenly down the picture.

        Args:
            sightings: of each vehicle of the lane since the camera was touched.
            judged: the width that each of them is judged by, pixels.
            least: the least width that will do, pixels.
            height: the picture's, pixels.

        """
        target = COMFORT * least
        beyond = _beyond(sightings, target, height)
        if beyond is not None and beyond <= _FARTHEST[self.kind] and (beyond > 0 or self.kind == "tilt"):
            return self._steadily("tilt", max(0.1, beyond))
        zoom = target / max(1.0, float(np.percentile(judged, 25)))
        return self._steadily("zoom", max(1.1, ceil(10 * zoom) / 10))

    def _steadily(self, kind: Kind, amount: float) -> tuple[Kind, float]:
        if kind != self.kind or abs(amount - self.amount) >= _STEPS[kind]:
            self.kind, self.amount = kind, amount
        return kind, self.amount


def _beyond(sightings: Sequence[Sequence[Measurement]], wanted: float, height: int) -> float | None:
    """Return how far below the zone plates are as wide as wanted, a share of the height; None if they do not grow."""
    seen = [measurement for sighting in sightings for measurement in sighting]
    widths = np.array([measurement.width for measurement in seen])
    heights = np.array([measurement.center[1] for measurement in seen])
    if len(seen) < 4 or np.ptp(heights) <= 0.1 * height:
        return None
    slope, offset = np.polyfit(heights, widths, 1)
    return None if slope <= 0 else float(((wanted - offset) / slope - ZONE * height) / height)
