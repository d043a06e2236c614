"""Watching the clock of a running post: steps are audited, and whatever a wrong clock prevented is tried again."""

from collections.abc import Callable

from pydantic import JsonValue

from device.bookkeeping.auditor import Auditor
from device.health.timekeeper import Timekeeper
from device.hotlist import HotList
from device.records import timestamp


class ClockWatch:
    """Looks at the clock again and again.

    Args:
        timekeeper: the post's time.
        auditor: the audit trail.
        hotlist: gives the list in force, whose building has passed for certain.
        changed: is called when the clock was stepped, or is vouched for where it was not.

    """

    def __init__(
        self,
        timekeeper: Timekeeper,
        auditor: Auditor,
        *,
        hotlist: Callable[[], HotList | None],
        changed: Callable[[], None],
    ) -> None:
        self._timekeeper = timekeeper
        self._auditor = auditor
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
            self._auditor.say("clock_stepped", source="clock", details=details)
        vouched = self._timekeeper.quality().synchronised
        if step is not None or vouched != self._vouched:
            self._changed()
        self._vouched = vouched
