"""Audit of refusals, bounded: who floods the post with bad messages does not fill its outbox."""

from collections import Counter
from collections.abc import Callable
from threading import Lock
from time import monotonic

from pydantic import JsonValue

from device.bookkeeping.auditor import Auditor

MOST = 5
"""Refusals of one kind that are audited one by one in a window; the rest are counted."""
WINDOW_SECONDS = 600.0


class Moderator:
    """Says each refusal while they are few, and how many there were of each reason when they are many.

    What the fleet's own people signed has a budget of its own, so that no flood of forgeries hides it. Safe to use from
    several threads.
    """

    def __init__(self, auditor: Auditor, *, now: Callable[[], float] = monotonic) -> None:
        self._auditor = auditor
        self._now = now
        self._lock = Lock()
        self._said: Counter[tuple[str, bool]] = Counter()
        self._counted: Counter[tuple[str, str]] = Counter()
        self._since = now()

    def refused(
        self,
        action: str,
        *,
        reason: str,
        source: str,
        verified: bool = False,
        identity: str | None = None,
        object: str | None = None,  # noqa: A002 - the record's own name for it
        details: dict[str, JsonValue] | None = None,
    ) -> None:
        """Record a refusal, or count it; the arguments are those of `Auditor.say`.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        self.tick()
        with self._lock:
            self._said[action, verified] += 1
            if self._said[action, verified] > MOST:
                self._counted[action, reason] += 1
                return
        self._auditor.say(
            action,
            source=source,
            outcome="refused",
            identity=identity,
            reason=reason,
            object=object,
            details=details,
        )

    def tick(self) -> None:
        """End the window if its time has come, and say what was only counted in it."""
        with self._lock:
            if self._now() - self._since < WINDOW_SECONDS:
                return
        self.flush()

    def flush(self) -> None:
        """End the window and say what was only counted in it, one record a kind.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            counted, seconds = self._counted, self._now() - self._since
            self._counted, self._said, self._since = Counter(), Counter(), self._now()
        for action in sorted({action for action, _ in counted}):
            reasons = {reason: count for (kind, reason), count in sorted(counted.items()) if kind == action}
            self._auditor.say(
                action,
                source="broker",
                outcome="refused",
                reason="repeated",
                details={"counted": dict(reasons), "seconds": round(seconds)},
            )
