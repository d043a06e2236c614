"""Watching the clock of a running post: steps are audited, and whatever a wrong clock prevented is tried again."""

from collections.abc import Callable

from pydantic import JsonValue

from device.audit.rate_limit import RateLimitedAudit
from device.clock.timekeeper import Timekeeper
from device.hotlist import HotList
from device.records import timestamp

LARGE_SECONDS = 60.0
"""A step from which on it is told apart from smaller ones."""


class ClockStepMonitor:
    """Looks at the clock again and again.

    Args:
        timekeeper: the post's time.
        moderator: puts steps into the audit trail, within bounds: two sources of time may disagree for ever.
        hotlist: gives the list in force, whose building has passed for certain.
        changed: is called when the clock was stepped, or is vouched for where it was not.

    """

    def __init__(
        self,
        timekeeper: Timekeeper,
        moderator: RateLimitedAudit,
        *,
        hotlist: Callable[[], HotList | None],
        changed: Callable[[], None],
    ) -> None:
        self._timekeeper = timekeeper
        self._moderator = moderator
        self._hotlist = hotlist
        self._changed = changed
        self._vouched = False

    def tick(self) -> None:
        """Look once.

        Raises:
            OutboxError: a step cannot be audited, and the post is stopping.

        """
        hotlist = self._hotlist()
        if hotlist is not None:
            self._timekeeper.trust(hotlist.built)
        step = self._timekeeper.tick()
        if step is not None:
            details: dict[str, JsonValue] = {
                "seconds": round(step.seconds, 3),
                "before": timestamp(step.before),
                "after": timestamp(step.after),
            }
            # Small ones that come and come are not to hide a large one.
            kind = "large" if abs(step.seconds) >= LARGE_SECONDS else "small"
            self._moderator.say("clock_stepped", source="clock", details=details, kind=kind)
        vouched = self._timekeeper.quality().synchronised
        if step is not None or vouched != self._vouched:
            self._changed()
        self._vouched = vouched
