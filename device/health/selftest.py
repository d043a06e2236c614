"""The self-test of a running post: what it can look at without stopping work."""

from collections.abc import Callable
from datetime import datetime

from device.camera.capture import Capture
from device.outbox import Backlog
from device.records import ClockQuality, Finding, HotListState
from device.uplink import UplinkState

OLD_FRAME_SECONDS = 5.0
CERTIFICATE_DAYS = 14
"""Days of validity left below which a certificate is a fault, here, in the status, and for `platepost selftest`."""


def check_up(
    *,
    now: datetime,
    capture: Capture | None,
    hotlist: HotListState,
    clock: ClockQuality,
    certificate_expires: datetime,
    backlog: Callable[[], Backlog],
    uplink: UplinkState,
    disk_free: int | None,
) -> tuple[Finding, ...]:
    """Look at a running post point by point; never raises."""
    return (
        _camera(capture),
        _hotlist(hotlist),
        _clock(clock),
        _certificate((certificate_expires - now).days),
        _outbox(backlog),
        _disk(disk_free),
        _uplink(uplink),
    )


def _camera(capture: Capture | None) -> Finding:
    if capture is None:
        return Finding(point="camera", good=False, said="it is not open")
    fresh = capture.age <= OLD_FRAME_SECONDS
    return Finding(point="camera", good=fresh, said=f"the newest frame is {capture.age:.2f} s old")


def _hotlist(state: HotListState) -> Finding:
    good = state.state in {"current", "warning"}
    if state.version is None:
        return Finding(point="hot list", good=False, said="none has come yet")
    age = (state.age_seconds or 0) / 3600
    return Finding(point="hot list", good=good, said=f"version {state.version}, {age:.1f} h old, {state.state}")


def _clock(clock: ClockQuality) -> Finding:
    if not clock.synchronised:
        return Finding(point="clock", good=False, said=f"not synchronised, says {clock.source}")
    error = 1000 * (clock.estimated_error_seconds or 0)
    return Finding(point="clock", good=True, said=f"synchronised, says {clock.source}; error about {error:.1f} ms")


def _certificate(days: int) -> Finding:
    return Finding(point="certificate", good=days >= CERTIFICATE_DAYS, said=f"valid for {days} days more")


def _outbox(backlog: Callable[[], Backlog]) -> Finding:
    try:
        found = backlog()
    except OSError as error:  # OutboxError is one
        return Finding(point="outbox", good=False, said=str(error)[:200])
    return Finding(point="outbox", good=True, said=f"{found.depth} records wait, {found.size_bytes} bytes")


def _disk(free: int | None) -> Finding:
    if free is None:
        return Finding(point="disk", good=False, said="its space cannot be told")
    return Finding(point="disk", good=free > 100 * 1024 * 1024, said=f"{free // (1024 * 1024)} MiB free")


def _uplink(state: UplinkState) -> Finding:
    refused = len(state.refusals) + len(state.refused_subscriptions)
    # No count: less what came in the open it would be that of the covert hits.
    taken = "records acknowledged" if state.acknowledged else "nothing acknowledged yet"
    said = f"{state.broker}, {taken}, {refused} topics refused"
    return Finding(point="uplink", good=state.connected and not refused, said=said)
