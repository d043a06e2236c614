"""Audit of what may come again and again, bounded: neither who floods the post nor what flaps fills its outbox."""

from collections import Counter, deque
from dataclasses import dataclass, field
from threading import Lock

from pydantic import JsonValue

from platepost.device.audit.log import AuditEvent, AuditLog
from platepost.device.clock.clock import Clock
from platepost.device.part import Part
from platepost.wire.records.base import Outcome

MOST = 5
"""Refusals for one reason that are audited one by one in a window, and events in an hour; the rest are counted."""
WINDOW_SECONDS = 600.0
"""How often it is said what was only counted."""
HOUR_SECONDS = 3600.0


@dataclass(slots=True)
class _CountedKind:
    """Events of one kind that were only counted."""

    source: str
    outcome: Outcome
    counted: Counter[str] = field(default_factory=Counter)
    last: dict[str, JsonValue] | None = None
    """The details of the last of them."""


class RateLimitedAudit(Part):
    """Says each refusal while they are few, and how many there were of each reason when they are many.

    Each reason has a budget of its own, so that no flood of one hides the first of another; and what the fleet's own
    people signed has one, so that no flood of forgeries hides it. Events of the post itself that may flap go on for
    months: they have a smaller budget. Safe to use from several threads.
    """

    def __init__(self, audit: AuditLog, *, clock: Clock) -> None:
        self._audit = audit
        self.clock = clock
        """By which what is said is limited."""
        self._now = clock.steady
        self._lock = Lock()
        self._said: Counter[tuple[str, str, bool]] = Counter()
        self._counted: Counter[tuple[str, str]] = Counter()
        self._recorded: dict[tuple[str, str, str], deque[float]] = {}
        self._counted_kinds: dict[tuple[str, str], _CountedKind] = {}
        self._since = self._now()

    def record(
        self,
        action: str,
        *,
        source: str,
        outcome: Outcome = "success",
        reason: str | None = None,
        details: dict[str, JsonValue] | None = None,
        kind: str = "",
    ) -> None:
        """Record an event of a sort that may come again and again, or count it.

        The arguments are those of `AuditLog.record`, and none of them comes from outside; `kind` separates events that
        have no reasons: each kind has a budget of its own.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        self.poll(self._now())
        now = self._now()
        with self._lock:
            recent = self._recorded.setdefault((action, reason or "", kind), deque(maxlen=MOST))
            if len(recent) == MOST and now - recent[0] < HOUR_SECONDS:
                events = self._counted_kinds.setdefault((action, kind), _CountedKind(source, outcome))
                events.counted[reason or kind or action] += 1
                events.last = details
                return
            recent.append(now)
        self._audit.record_soon(AuditEvent(action, source, outcome, reason=reason, details=details or {}))

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
        """Record a refusal, or count it; the arguments are those of `AuditLog.record`.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        self.poll(self._now())
        with self._lock:
            self._said[action, reason, verified] += 1
            if self._said[action, reason, verified] > MOST:
                self._counted[action, reason] += 1
                return
        self._audit.record_soon(AuditEvent(action, source, "refused", identity, reason, object, details or {}))

    def take(self, event: AuditEvent) -> None:
        """Record an event: a refusal as `refused` does, all else as it is.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        if event.outcome == "refused":
            self.refused(
                event.action,
                reason=str(event.reason),
                source=event.source,
                verified=event.verified,
                identity=event.identity,
                object=event.object,
                details=event.details,
            )
            return
        self._audit.record_soon(event)

    def poll(self, now: float) -> None:
        """End the window if its time has come, and say what was only counted in it."""
        with self._lock:
            if now - self._since < WINDOW_SECONDS:
                return
        self.flush()

    def stop(self) -> None:
        """Say what was only counted so far."""
        self.flush()

    def flush(self) -> None:
        """End the window and say what was only counted in it, one record a kind.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            counted, seconds = self._counted, self._now() - self._since
            counted_kinds, self._counted_kinds = self._counted_kinds, {}
            self._counted = Counter()
            self._said = Counter()
            self._since = self._now()
        for action in sorted({action for action, _ in counted}):
            reasons = {reason: count for (kind, reason), count in sorted(counted.items()) if kind == action}
            details: dict[str, JsonValue] = {"counted": dict(reasons), "seconds": round(seconds)}
            self._audit.record_soon(AuditEvent(action, "broker", "refused", reason="repeated", details=details))
        for (action, _), events in counted_kinds.items():
            details = {"counted": dict(events.counted), "seconds": round(seconds), "last": events.last}
            self._audit.record_soon(
                AuditEvent(action, events.source, events.outcome, reason="repeated", details=details)
            )
