"""From what was found in single frames to what is covered in all: gaps are filled, and every find lasts longer.

A detector that sees a plate in frames 10 and 12 and not in 11 would let it flash up between them. So finds are joined
over frames, the boxes between two finds of one thing are interpolated, and each thing stays covered for some frames
before its first find and after its last, moving on as it moved, for it was there before it was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import hypot

from platepost.device.frame import Box
from platepost.device.vision.geometry import intersection_over_union

LONGEST_GAP = 12
"""Frames that a thing may stay unseen and still be the same."""
MORE = 6
"""Frames that it stays covered before its first find and after its last."""
REACH = 2.5
"""Its own widths, a frame apart, within which it may be found again."""
GROWTH = 1.6


@dataclass(frozen=True, slots=True)
class Find:
    """Where something was found in a frame, and how sure its detector is, 0 to 1."""

    box: Box
    score: float


@dataclass(slots=True)
class Track:
    """One thing over the frames in which it was found."""

    finds: dict[int, Box] = field(default_factory=dict)
    score: float = 0.0
    """The surest find's."""

    def add(self, frame: int, find: Find) -> None:
        """Take in that it was found in a frame."""
        self.finds[frame] = find.box
        self.score = max(self.score, find.score)

    @property
    def last(self) -> int:
        """The frame in which it was found last."""
        return max(self.finds)

    def boxes(self, frames: int) -> dict[int, Box]:
        """Return its box in every frame from somewhat before its first find to somewhat after its last."""
        seen = sorted(self.finds)
        boxes_by_frame = dict(self.finds)
        for before, after in pairwise(seen):
            for frame in range(before + 1, after):
                share = (frame - before) / (after - before)
                boxes_by_frame[frame] = _between(self.finds[before], self.finds[after], share)
        first, last = seen[0], seen[-1]
        for step in range(1, MORE + 1):
            for edge, inner, frame in (
                (first, seen[min(1, len(seen) - 1)], first - step),
                (last, seen[-2:][0], last + step),
            ):
                if 0 <= frame < frames:
                    boxes_by_frame[frame] = _moved_on(self.finds[edge], self.finds[inner], edge - inner, frame - edge)
        return boxes_by_frame


def follow(finds: Sequence[Sequence[Find]], *, sure: float) -> list[Track]:
    """Join finds over frames into tracks, and return the tracks that have at least one find as sure as `sure`.

    Weak finds count only along the way of something that was surely found once: alone they are shadows and rails.
    """
    tracks: list[Track] = []
    for frame, frame_finds in enumerate(finds):
        open_ = [track for track in tracks if frame - track.last <= LONGEST_GAP + 1]
        pairs = sorted(
            (
                (_distance(track, find.box, frame), number, place)
                for number, track in enumerate(open_)
                for place, find in enumerate(frame_finds)
            ),
        )
        taken: set[int] = set()
        joined: set[int] = set()
        for distance, number, place in pairs:
            if distance <= REACH and number not in joined and place not in taken:
                open_[number].add(frame, frame_finds[place])
                joined.add(number)
                taken.add(place)
        tracks += [Track({frame: find.box}, find.score) for place, find in enumerate(frame_finds) if place not in taken]
    return [track for track in tracks if track.score >= sure]


def covered(tracks: Sequence[Track], frames: int) -> list[list[Box]]:
    """Return for every frame the boxes that are to be covered."""
    boxes: list[list[Box]] = [[] for _ in range(frames)]
    for track in tracks:
        for frame, box in track.boxes(frames).items():
            boxes[frame].append(box)
    return boxes


def _distance(track: Track, box: Box, frame: int) -> float:
    """Widths a frame between where a thing was and a box; infinite where it cannot be the same."""
    last = track.finds[track.last]
    if intersection_over_union(last, box) > 0.2:
        return 0.0
    widths = (last[2] - last[0], box[2] - box[0])
    if max(widths) > GROWTH * min(widths):
        return float("inf")
    apart = hypot((last[0] + last[2] - box[0] - box[2]) / 2, (last[1] + last[3] - box[1] - box[3]) / 2)
    return apart / max(widths) / (frame - track.last)


def _between(before: Box, after: Box, share: float) -> Box:
    left, top, right, bottom = (one + (other - one) * share for one, other in zip(before, after, strict=True))
    return left, top, right, bottom


def _moved_on(edge: Box, inner: Box, apart: int, steps: int) -> Box:
    """Return the box that covers a thing where it stood and where it has got to if it moved on."""
    if apart == 0:
        return edge
    left, top, right, bottom = (one + (one - other) / apart * steps for one, other in zip(edge, inner, strict=True))
    return min(left, edge[0]), min(top, edge[1]), max(right, edge[2]), max(bottom, edge[3])
