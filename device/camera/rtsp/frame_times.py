"""When the frames of a stream were taken, by what the camera reports and when they arrive."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AHEAD_SECONDS = 0.25
"""How far a camera's clock may be ahead of this unit's before it is not used: both are set by the same time servers."""
LATE_SECONDS = 2.0
"""How late a frame may arrive, by the camera's own clock, before that clock is not used."""
DRIFT_SECONDS_A_SECOND = 0.001
"""How fast the estimate of the delay may grow: a camera's crystal is off by less than that."""

LEAST_SECONDS = 0.001
"""Between two frames at least."""


@dataclass(frozen=True, slots=True)
class FrameTime:
    """When a frame was taken."""

    captured: datetime
    """UTC."""
    monotonic: float
    """`time.monotonic()` of the same instant, seconds."""
    by_camera: bool
    """Whether the camera's own clock gave it, by RTCP sender reports (RFC 3550, section 6.4.1); else its arrival."""


class FrameTimes:
    """Dates the frames of one connection, one after the other.

    A stream counts in its own ticks. Where sender reports relate them to a clock that agrees with this unit's, frames
    are dated by the camera. Otherwise by arrival: the frame that the network and the decoder delayed least gives the
    relation between ticks and this unit's clock, so that jitter does not change the distance between frames.
    """

    def __init__(self, *, one_behind: bool = False) -> None:
        """Begin.

        Args:
            one_behind: whether each frame comes when the next one begins to arrive, as FFmpeg's parser has it: then a
                frame began to arrive when the one before came.

        """
        self._one_behind = one_behind
        self._arrived: float | None = None
        self._offset: float | None = None
        """Seconds from the stream's time to `time.monotonic()`, of the least delayed frame so far."""
        self._latest = float("-inf")
        self._last_stream = 0.0

    def date(self, stream_seconds: float, *, now: datetime, monotonic: float, reported: datetime | None) -> FrameTime:
        """Date a frame.

        Args:
            stream_seconds: the frame's time by the stream's own ticks.
            now: UTC when it arrived.
            monotonic: `time.monotonic()` when it arrived, seconds.
            reported: UTC by the camera's sender reports, if any came.

        """
        began = monotonic if self._arrived is None or not self._one_behind else self._arrived
        self._arrived = monotonic
        arrival = began - stream_seconds
        if self._offset is None or abs(arrival - self._offset) > LATE_SECONDS:
            self._offset = arrival  # the first, or the stream's ticks have leapt
        else:
            since = max(0.0, stream_seconds - self._last_stream)
            self._offset = min(arrival, self._offset + since * DRIFT_SECONDS_A_SECOND)
        self._last_stream = stream_seconds
        taken = stream_seconds + self._offset
        by_camera = reported is not None and -AHEAD_SECONDS <= (now - reported).total_seconds() <= LATE_SECONDS
        if reported is not None and by_camera:
            taken = monotonic - (now - reported).total_seconds()
        # Frames are in order: neither a change of clocks nor a stream that reorders them may turn time back.
        self._latest = max(self._latest + LEAST_SECONDS, min(taken, monotonic))
        captured = now - timedelta(seconds=monotonic - self._latest)
        return FrameTime(captured, self._latest, by_camera=by_camera)


def utc_of(microseconds: int) -> datetime | None:
    """Return the time of a sender report, None where the camera's clock was never set and counts from 1970."""
    try:
        time = datetime.fromtimestamp(microseconds / 1e6, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return time if time.year >= 2020 else None
