"""Watches the clock: audits steps, and has whatever a wrong clock prevented tried again."""

from pydantic import JsonValue

from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.clock.timekeeper import Timekeeper, TimeSource
from platepost.device.hotlist.download import HotListDownload
from platepost.device.hotlist.service import HotListService
from platepost.device.part import Part
from platepost.device.uplink.uplink import Uplink
from platepost.wire.faults import Fault
from platepost.wire.records import Finding, timestamp

LARGE_SECONDS = 60.0
"""A step from which on it is told apart from smaller ones."""


class ClockStepMonitor(Part):
    """Looks at the clock again and again.

    Args:
        timekeeper: the post's time.
        audit: two sources of time may disagree forever, hence the rate limit.
        source: is asked how good the clock is.
        hotlist: its list in force was built before now, if it says so rightly.
        download, uplink: try again when the clock was stepped, or is vouched for where it was not.

    """

    def __init__(
        self,
        timekeeper: Timekeeper,
        audit: RateLimitedAudit,
        source: TimeSource,
        *,
        hotlist: HotListService,
        download: HotListDownload,
        uplink: Uplink,
    ) -> None:
        self._timekeeper = timekeeper
        self._audit = audit
        self._source = source
        self._hotlist = hotlist
        self._download = download
        self._uplink = uplink
        self._vouched = False

    def start(self) -> None:
        """Begin to ask how good the clock is."""
        self._source.start()

    def poll(self, now: float) -> None:  # noqa: ARG002 - the timekeeper has its own
        """Look once."""
        hotlist = self._hotlist.current
        self._timekeeper.heed_list(None if hotlist is None else hotlist.built)
        step = self._timekeeper.poll()
        if step is not None:
            details: dict[str, JsonValue] = {
                "seconds": round(step.seconds, 3),
                "before": timestamp(step.before),
                "after": timestamp(step.after),
            }
            # Small ones that come and come are not to hide a large one.
            kind = "large" if abs(step.seconds) >= LARGE_SECONDS else "small"
            self._audit.record("clock_stepped", source="clock", details=details, kind=kind)
        vouched = self._timekeeper.quality().synchronised
        if step is not None or vouched != self._vouched:
            self._uplink.retry_now()
            self._download.clock_changed()
        self._vouched = vouched

    def faults(self) -> set[Fault]:
        """Name it if the clock is certainly wrong, or no one vouches for it."""
        conditions = {
            Fault.CLOCK_AHEAD: self._timekeeper.ahead,
            Fault.CLOCK_BEHIND: self._timekeeper.behind,
            Fault.CLOCK_UNSYNCHRONISED: not self._timekeeper.quality().synchronised,
        }
        return {fault for fault, present in conditions.items() if present}

    def findings(self) -> tuple[Finding, ...]:
        """Say how good the clock is."""
        clock = self._timekeeper.quality()
        if not clock.synchronised:
            return (Finding(point="clock", good=False, said=f"not synchronized, according to {clock.source}"),)
        error = 1000 * (clock.estimated_error_seconds or 0)
        text = f"synchronized, according to {clock.source}; error about {error:.1f} ms"
        return (Finding(point="clock", good=True, said=text),)

    def stop(self) -> None:
        """End asking."""
        self._source.stop()
