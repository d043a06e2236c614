"""The audit trail of a post, in the post's own words."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.wire.records import Audit, Envelope
from platepost.wire.records.base import Outcome


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An event of a caller that cannot wait until it is recorded: the arguments of `AuditLog.record`."""

    action: str
    source: str = "post"
    outcome: Outcome = "success"
    identity: str | None = None
    reason: str | None = None
    object: str | None = None
    details: dict[str, JsonValue] = field(default_factory=dict)
    verified: bool = True
    """Of a refusal: whether a key of the fleet signed what was refused."""


class AuditLog:
    """Records events that people are accountable for. Safe to use from several threads."""

    def __init__(self, records: RetryingRecorder, *, post: str, timekeeper: Timekeeper) -> None:
        self._records = records
        self._post = post
        self._timekeeper = timekeeper

    def record(
        self,
        action: str,
        *,
        source: str = "post",
        outcome: Outcome = "success",
        identity: str | None = None,
        reason: str | None = None,
        object: str | None = None,  # noqa: A002 - the record's own name for it
        details: dict[str, JsonValue] | None = None,
    ) -> Envelope:
        """Record one event, and return the record.

        The arguments are the fields of `platepost.wire.records.audit.Audit`, the post itself by default.
        Details that are None are left out: nothing is null on the wire.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        event = AuditEvent(action, source, outcome, identity, reason, object, details or {})
        return self._records.record(self._audit(event))

    def record_soon(self, event: AuditEvent) -> None:
        """Record one event now, or once the disk takes it: for callers that must not wait.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        self._records.record_soon(self._audit(event))

    def record_now(self, event: AuditEvent) -> None:
        """Record one event now, for callers that may do nothing without a record, and must not wait either.

        Raises:
            OutboxError: it cannot be stored now.

        """
        self._records.record_now(self._audit(event))

    def _audit(self, event: AuditEvent) -> Audit:
        return Audit(
            clock=self._timekeeper.quality(),
            action=event.action,
            occurred=self._timekeeper.now(),
            where=self._post,
            source=event.source,
            outcome=event.outcome,
            identity=event.identity or self._post,
            reason=event.reason,
            object=event.object,
            details={name: value for name, value in event.details.items() if value is not None},
        )
