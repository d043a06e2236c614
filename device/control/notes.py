"""What became of what arrived, put into the audit trail: refusals within bounds, all else as it is."""

from pydantic import JsonValue

from device.audit.log import AuditLog
from device.audit.rate_limit import RateLimitedAudit
from device.control import Note, Reason


class Notes:
    """Says notes in the audit trail."""

    def __init__(self, auditor: AuditLog, moderator: RateLimitedAudit) -> None:
        self._auditor = auditor
        self._moderator = moderator

    def say(self, note: Note) -> None:
        """Say one.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        about = note.object if note.version is None else str(note.version)
        message: dict[str, JsonValue] = {} if note.message is None else {"message": note.message}
        if note.outcome == "refused":
            self._moderator.refused(
                note.action,
                reason=str(note.reason),
                source="broker",
                verified=note.verified,
                identity=note.identity,
                object=about,
                # Of what nobody signed only the reason is worth a word.
                details=message if note.verified or note.reason is Reason.TOO_LARGE else None,
            )
            return
        self._auditor.say(
            note.action,
            source="broker" if note.outcome == "success" else "post",
            outcome=note.outcome,
            identity=note.identity,
            reason=note.reason,
            object=about,
            details=message | note.details,
        )
