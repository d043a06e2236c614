"""Noticing that somebody else connects to the broker with this post's certificate: a copied disk, or a stolen key.

A broker lets one client of a name in at a time, and tells the one before that its session was taken over.
"""

from collections.abc import Callable
from time import monotonic

from device.audit.rate_limit import RateLimitedAudit

TAKEN_OVER = "session_taken_over"
"""Reason of MQTT 5, 0x8E, as the uplink names it."""
REMEMBERED_SECONDS = 3600.0
"""How long it is a fault after the last time: while the other is connected, this post cannot say it."""


class SessionTakeover:
    """Remembers when the session was last taken over.

    Args:
        moderator: puts it into the audit trail: two that throw each other out do so for ever.
        steady: the clock that is never set, seconds.

    """

    def __init__(self, moderator: RateLimitedAudit, *, steady: Callable[[], float] = monotonic) -> None:
        self._moderator = moderator
        self._steady = steady
        self._now = False
        self._last: float | None = None

    def look(self, problem: str | None) -> bool:
        """Take why the uplink is not connected, None if it is; tell whether there is, or was of late, another.

        Raises:
            OutboxError: the audit record cannot be stored, and the post is stopping.

        """
        taken = problem == TAKEN_OVER
        if taken:
            self._last = self._steady()
            if not self._now:
                self._moderator.say("identity_elsewhere", source="broker", outcome="failure", reason=TAKEN_OVER)
        self._now = taken
        return self._last is not None and self._steady() - self._last < REMEMBERED_SECONDS
