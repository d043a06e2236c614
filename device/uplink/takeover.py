"""Noticing that someone else connects to the broker with this post's certificate: a copied disk, or a stolen key.

A broker lets one client of a name in at a time, and tells the one before that its session was taken over.
"""

from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.part import Part
from platepost.device.uplink.uplink import Uplink
from platepost.wire.faults import Fault

TAKEN_OVER = "session_taken_over"
"""Reason of MQTT 5, 0x8E, as the uplink names it."""
REMEMBERED_SECONDS = 3600.0
"""How long it is a fault after the last time: while the other is connected, this post cannot say it."""


class SessionTakeover(Part):
    """Remembers when the session was last taken over.

    Args:
        uplink: says why it is not connected.
        audit: two that throw each other out do so forever, hence the rate limit.

    """

    def __init__(self, uplink: Uplink, audit: RateLimitedAudit) -> None:
        self._uplink = uplink
        self._audit = audit
        self._taken = False
        self._last = float("-inf")
        self._now = 0.0

    def poll(self, now: float) -> None:
        """Look why the uplink is not connected."""
        self._now = now
        before, self._taken = self._taken, self._uplink.state().problem == TAKEN_OVER
        if self._taken:
            self._last = now
            if not before:
                self._audit.record("identity_elsewhere", source="broker", outcome="failure", reason=TAKEN_OVER)

    def faults(self) -> tuple[Fault, ...]:
        """Name it if there is, or recently was, another."""
        return (Fault.IDENTITY_ELSEWHERE,) if self._now - self._last < REMEMBERED_SECONDS else ()
