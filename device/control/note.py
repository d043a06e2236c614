"""What becomes of what arrives: something for the audit trail."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from device.control.errors import Reason
from device.records.base import Outcome


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the audit trail."""

    action: str
    reason: Reason | None = None
    message: str | None = None
    identity: str | None = None
    version: int | None = None
    outcome: Outcome = "success"
    verified: bool = True
    """Whether a key of the fleet signed what this is about."""
    details: dict[str, JsonValue] = field(default_factory=dict)
    object: str | None = None
    """What it is about, where that is no version."""
