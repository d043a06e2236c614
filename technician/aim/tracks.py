"""Plates followed over frames: the light judges each vehicle where it was seen best, not each frame."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from platepost.technician.aim.measurement import Measurement

GONE_SECONDS = 1.0
STANDING_SECONDS = 4.0
"""A plate that is seen for so long is held into the view, and is judged though it has not left."""
KEPT_SECONDS = 120.0
MOST_SIGHTINGS = 200
"""Of one plate; of one that stands in view for longer every second is forgotten, again and again: each frame looks at
all of them, and they tell nothing new."""
_REACH = (1.5, 6.0)
"""How many of its own widths a plate may move in a tenth of a second and still be the same; and at most."""


@dataclass(slots=True)
class VehicleTrack:
    """One vehicle's plate over the frames in which it was found."""

    began: float
    """`time.monotonic()` of the first."""
    seen: float
    """The same of the last."""
    sightings: list[Measurement] = field(default_factory=list)

    @property
    def best(self) -> Measurement:
        """The sighting with the most pixels across the plate."""
        return max(self.sightings, key=lambda measurement: measurement.width)


class Tracks:
    """The plates of the last two minutes."""

    def __init__(self) -> None:
        self._tracks: list[VehicleTrack] = []

    def add(self, found: Iterable[Measurement], *, at: float) -> None:
        """Take in what one frame shows, at its `time.monotonic()`."""
        self._tracks = [track for track in self._tracks if at - track.seen <= KEPT_SECONDS]
        for measurement in found:
            track = self._nearest(measurement, at)
            if track is None:
                track = VehicleTrack(at, at)
                self._tracks.append(track)
            track.seen = at
            track.sightings.append(measurement)
            if len(track.sightings) >= MOST_SIGHTINGS:
                del track.sightings[:-1:2]

    def passed(self, *, at: float) -> list[VehicleTrack]:
        """Return the vehicles that have passed, seen in two frames at least, the latest last.

        One that still comes nearer is not judged: its plate will grow.
        """
        lasting = [track for track in self._tracks if len(track.sightings) >= 2 and _judgeable(track, at)]
        return sorted(lasting, key=lambda track: track.seen)

    def clear(self) -> None:
        """Forget all, as after the light was switched."""
        self._tracks = []

    def _nearest(self, measurement: Measurement, at: float) -> VehicleTrack | None:
        x, y = measurement.center
        near = []
        for track in self._tracks:
            last = track.sightings[-1]
            distance = max(abs(last.center[0] - x), abs(last.center[1] - y))
            reach = min(_REACH[1], _REACH[0] * max(1.0, (at - track.seen) / 0.1))
            # Of two plates in one frame only one is the same as before.
            if 0 < at - track.seen <= GONE_SECONDS and distance <= reach * max(last.width, measurement.width):
                near.append((distance, id(track), track))
        return min(near)[2] if near else None


def _judgeable(track: VehicleTrack, at: float) -> bool:
    return at - track.seen > GONE_SECONDS or track.seen - track.began >= STANDING_SECONDS
