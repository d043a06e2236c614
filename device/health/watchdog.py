"""Feeds the watchdog only while frames are fresh and records are delivered; a running loop is not enough.

A post whose frames stopped, or whose records lie unsent beside an open connection, is of no use however busily it
runs; it is then left unfed, and systemd starts it again. A broker's absence is no reason: the outbox is there for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

FRAMES_SECONDS = 120.0
"""Time without an evaluated frame from which the post is unfit: the camera was opened again several times by then."""
DELIVERY_SECONDS = 300.0
"""Time without an acknowledgment, connected and with records to deliver, from which it is unfit."""
ATTEMPT_SECONDS = 900.0
"""Time without an attempt to connect from which it is unfit: the longest pause between attempts is far shorter."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """What a post has to show for itself at one moment."""

    watching: bool
    """Whether frames are due: not while it waits for its first hot list."""
    frames: int
    """Frames evaluated so far."""
    connected: bool
    attempts: int
    """Attempts to connect so far."""
    acknowledged: int
    """Acknowledgments so far."""
    owing: bool
    """Whether records wait that the broker would take."""


class Watchdog:
    """Judges the evidence. One thread at a time."""

    def __init__(self, *, steady: Callable[[], float] = monotonic) -> None:
        """Begin; `steady` is the clock that is never set, seconds."""
        self._steady = steady
        self._frames: tuple[object, ...] = ()
        self._delivery: tuple[object, ...] = ()
        self._frames_moved = self._delivery_moved = steady()

    def unfit(self, evidence: Liveness) -> str | None:
        """Return what is wrong: `no_frames`, `no_delivery` or `no_attempt`; None while the post is to be fed."""
        now = self._steady()
        frames = (evidence.frames,)
        if frames != self._frames or not evidence.watching:
            self._frames, self._frames_moved = frames, now
        delivery = (evidence.connected, evidence.attempts, evidence.acknowledged)
        if delivery != self._delivery or (evidence.connected and not evidence.owing):
            self._delivery, self._delivery_moved = delivery, now
        if now - self._frames_moved > FRAMES_SECONDS:
            return "no_frames"
        stood = now - self._delivery_moved
        if evidence.connected and stood > DELIVERY_SECONDS:
            return "no_delivery"
        if not evidence.connected and stood > ATTEMPT_SECONDS:
            return "no_attempt"
        return None
