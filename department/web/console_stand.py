"""How an alert stands, and what somebody may do next, as the console shows it: without a plate."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.template.loader import render_to_string

from department.alerts.alerts import Alert
from department.alerts.states import (
    AlertOutcome,
    AlertState,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
    WithdrawalReason,
)
from department.policy.policy import policy_in_force

EYE_ANSWERS = {
    EyeAnswer.SAME: "fits",
    EyeAnswer.OTHER: "another one",
    EyeAnswer.NOT_LISTED: "none is listed",
    EyeAnswer.CANNOT_TELL: "cannot tell",
}
SYSTEM_ANSWERS = {
    "active": "active: the entry stands",
    "cleared": "cleared: the entry does not stand",
    "not_practical": "could not be asked, because:",
}
_STANDS = {
    AlertState.NEW: "Nobody has taken it",
    AlertState.TAKEN: "Not verified: compare by eye",
    AlertState.WAITING: "Not verified: a second person must compare",
    AlertState.CONFIRMED: "Confirmed by eye only: ask the state's system",
    AlertState.REJECTED: "Rejected",
    AlertState.ACTIONABLE: "Actionable",
    AlertState.CLOSED: "Closed",
    AlertState.WITHDRAWN: "TAKEN BACK",
    AlertState.ACCOUNTED: "Taken back",
}
_WHY = {
    WithdrawalReason.TEXT_CHANGED: "The plate reads otherwise by now.",
    WithdrawalReason.NOT_LISTED: "The entry left the list.",
    WithdrawalReason.SIGNATURE: "The record is not the post's own after all.",
    WithdrawalReason.ENTRY_REMOVED: "The entry was taken off the list.",
}
_EYE = {AlertState.TAKEN: "confirm", AlertState.WAITING: "second"}


def stand_view(alert: Alert, at: datetime) -> dict[str, Any]:
    """Return how an alert stands at a moment, in JSON's types, with the forms of what may come next."""
    state = alert.state
    context = {
        "alert": alert,
        "stand": _STANDS[state],
        "why": _WHY[WithdrawalReason(alert.withdrawn_because)] if alert.withdrawn_because else "",
        "looked_at": state in {AlertState.TAKEN, AlertState.WAITING, AlertState.CONFIRMED, AlertState.ACTIONABLE},
        "instead": policy_in_force().alerts.second_person_substitute,
        "systems": SYSTEM_ANSWERS.items(),
        "system": (alert.system or "").replace("not_practical", "could not be asked"),
        "reasons": _choices(RejectReason),
        "outcomes": _choices(AlertOutcome),
        "meanwhile": _choices(MeanwhileAnswer),
    }
    return {
        "record": alert.record_id,
        "state": state,
        "stand": _STANDS[state],
        "open": state.is_open,
        "late": alert.is_late,
        "escalated": alert.is_escalated(at),
        "holder": alert.holder or "",
        "revision": alert.revision,
        "eye": _EYE.get(state, ""),
        "eye_by": alert.eye_by or "",
        "arrived": alert.arrived_at.isoformat(timespec="milliseconds"),
        "steps": render_to_string("web/console/steps.html", context),
    }


def _choices(kind: type[StrEnum]) -> list[tuple[str, str]]:
    return [(each.value, each.value.replace("_", " ")) for each in kind]
