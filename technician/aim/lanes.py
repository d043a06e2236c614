"""Which lane a vehicle drove in: a camera is aimed at one lane, and what it sees of the next says nothing of the aim.

On a straight road a plate's place in the picture moves evenly with its width (both go with one over the distance), so
that two vehicles of one lane are near one another where their plates are equally wide, whatever the camera looks at.
"""

from dataclasses import dataclass, field

import numpy as np

from platepost.common.language import Phrase
from platepost.technician.aim.tracks import VehicleTrack
from platepost.technician.aim.zoom_or_tilt import ZoomOrTilt

APART = 5.0
"""Plate widths, 1.5 m, between two vehicles' ways from which on they are lanes: lanes are 3 m apart and more, and
vehicles of one wander by half a meter to each side, with plates at heights that differ by as much."""
_SPREAD = 1.25
"""How much a plate must have grown for its way to be a line, and no point."""
MORE = (3, 1.5)
"""By how many vehicles and by which factor another lane must be busier for the light to go over to it."""


@dataclass(slots=True, eq=False)
class Lane:
    """The vehicles that drove one way through the picture, the latest last."""

    tracks: list[VehicleTrack] = field(default_factory=list)
    zoom_or_tilt: ZoomOrTilt = field(default_factory=ZoomOrTilt)
    """What was said of it since the camera was touched."""
    way: VehicleTrack | None = None
    """The last vehicle that drove in it, even if it is no longer remembered."""

    def add(self, track: VehicleTrack) -> None:
        """Take in one more vehicle."""
        self.tracks.append(track)
        self.way = track

    @property
    def x(self) -> float:
        """Where in the picture it is, pixels from the left, where its last vehicle's plate was largest."""
        return self.tracks[-1].best.center[0]


class Lanes:
    """Tells the lanes in a picture apart, and rests on one of them."""

    def __init__(self) -> None:
        self._asked: tuple[str | None] | None = None
        """A choice that was not looked at yet."""
        self._chosen: str | None = None
        self._held: Lane | None = None
        """The lane that was chosen, whatever it is called when other lanes come and go."""
        self._among: int | None = None
        """How many lanes there were when it was chosen; None before that was looked at."""
        self._lanes: list[Lane] = []
        self._current: Lane | None = None

    @property
    def chosen(self) -> str | None:
        """Name of the lane that the technician wants judged; None for the busiest. Any thread may set it."""
        return self._chosen if self._asked is None else self._asked[0]

    @chosen.setter
    def chosen(self, name: str | None) -> None:
        self._asked = (name,)

    def take(self, tracks: list[VehicleTrack]) -> None:
        """Sort vehicles into lanes; `tracks` are all that are remembered, and others are forgotten here too."""
        for lane in self._lanes:
            lane.tracks = [track for track in lane.tracks if any(track is one for one in tracks)]
        known = {id(track) for lane in self._lanes for track in lane.tracks}
        self._lanes = [lane for lane in self._lanes if lane.tracks or lane is self._held]
        for track in tracks:
            if id(track) not in known:
                self._lane_of(track).add(track)

    def named(self) -> dict[str, Lane]:
        """Return the lanes from left to right by their names; a vehicle alone is no lane where others came in twos."""
        seen = [lane for lane in self._lanes if lane.tracks]
        lasting = [lane for lane in seen if len(lane.tracks) > 1 or lane is self._held] or seen
        ordered = sorted(lasting, key=lambda lane: lane.x)
        return dict(zip(_names(len(ordered)), ordered, strict=True))

    def judged(self) -> tuple[str | None, Lane | None]:
        """Return the lane that the light goes by, and its name; the name is None where there is one lane only.

        A chosen lane stays, even while no vehicle drives in it: vehicles of another lane say nothing about it.
        """
        named = self.named()
        self._hold(named)
        if self._held is not None and not self._held.tracks:
            return self._chosen, self._held
        if not named:
            return None, None
        busiest = max(named.values(), key=lambda lane: len(lane.tracks))
        now = self._current
        there = now is not None and any(lane is now for lane in named.values())
        if now is None or not there or _clearly_busier(busiest, now):
            self._current = busiest
        lane = self._held or named.get(self._chosen or "", self._current)
        name = next(name for name, named_lane in named.items() if named_lane is lane)
        if self._held is not None and len(named) > 1:
            self._chosen = name
        return (name if len(named) > 1 else None), lane

    def clear(self) -> None:
        """Forget the vehicles, as after the camera was turned; what the technician wants judged stays."""
        self._lanes = []
        self._current = self._held = None

    def _hold(self, named: dict[str, Lane]) -> None:
        """Find the lane that was chosen by its name: at once, or, of lanes that are seen again, when all are seen."""
        if self._asked is not None:
            (self._chosen,), self._asked = self._asked, None
            self._held = self._among = None
        if self._held is None and self._chosen in named and self._among in {None, len(named)}:
            self._held, self._among = named[self._chosen], len(named)

    def _lane_of(self, track: VehicleTrack) -> Lane:
        near = [
            (distance, lane)
            for lane in self._lanes
            if lane.way is not None and (distance := _apart(track, lane.way)) < APART
        ]
        if near:
            return min(near, key=lambda candidate: candidate[0])[1]
        self._lanes.append(Lane())
        return self._lanes[-1]


def _clearly_busier(lane: Lane, now: Lane) -> bool:
    return len(lane.tracks) >= max(len(now.tracks) + MORE[0], MORE[1] * len(now.tracks))


def _names(count: int) -> tuple[Phrase, ...]:
    left, right = Phrase("left lane"), Phrase("right lane")
    few = {1: (Phrase("lane"),), 2: (left, right), 3: (left, Phrase("middle lane"), right)}
    return few.get(count) or tuple(
        Phrase("lane {number} from the left", number=str(number)) for number in range(1, count + 1)
    )


def _apart(one: VehicleTrack, other: VehicleTrack) -> float:
    """Return how far two vehicles' ways are apart where their plates are equally wide, in widths of a plate."""
    width = min(one.best.width, other.best.width)
    return float(np.hypot(*(_place(one, width) - _place(other, width)))) / width


def _place(track: VehicleTrack, width: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return where in the picture a vehicle's plate was so many pixels wide: x and y."""
    widths = np.array([measurement.width for measurement in track.sightings])
    centers = np.array([measurement.center for measurement in track.sightings])
    if len(widths) < 4 or widths.max() < _SPREAD * widths.min():
        return np.asarray(centers.mean(axis=0), np.float64)
    return np.array([np.polyval(np.polyfit(widths, centers[:, axis], 1), width) for axis in (0, 1)], np.float64)
