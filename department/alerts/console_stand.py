"""How an alert stands, and what somebody may do next, as the console shows it: without a plate."""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from platepost.department.alerts.alerts import Alert
from platepost.department.alerts.states import (
    AlertOutcome,
    AlertState,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
    WithdrawalReason,
)
from platepost.department.policy.policy import policy_in_force

EYE_ANSWERS = {
    EyeAnswer.SAME: _("fits"),
    EyeAnswer.OTHER: _("another one"),
    EyeAnswer.NOT_LISTED: _("none is listed"),
    EyeAnswer.CANNOT_TELL: _("cannot tell"),
}
SYSTEM_ANSWERS = {
    "active": _("active: the entry stands"),
    "cleared": _("cleared: the entry does not stand"),
    "not_practical": _("could not be asked, because:"),
}
_STANDS = {
    AlertState.NEW: _("Nobody has taken it"),
    AlertState.TAKEN: _("Not verified: compare by eye"),
    AlertState.WAITING: _("Not verified: a second person must compare"),
    AlertState.CONFIRMED: _("Confirmed by eye only: ask the state's system"),
    AlertState.REJECTED: _("Rejected"),
    AlertState.ACTIONABLE: _("Actionable"),
    AlertState.CLOSED: _("Closed"),
    AlertState.WITHDRAWN: _("TAKEN BACK"),
    AlertState.ACCOUNTED: _("Taken back"),
}
_OVERDUE = {
    AlertState.NEW: _("OVERDUE: nobody has taken it"),
    AlertState.WITHDRAWN: _("TAKEN BACK, OVERDUE: nobody has said what was done"),
}
_WHY = {
    WithdrawalReason.TEXT_CHANGED: _("The plate reads otherwise by now."),
    WithdrawalReason.NOT_LISTED: _("The entry left the list."),
    WithdrawalReason.SIGNATURE: _("The record is not the post's own after all."),
    WithdrawalReason.ENTRY_REMOVED: _("The entry was taken off the list."),
}
_SYSTEM = {"active": _("active"), "cleared": _("cleared"), "not_practical": _("could not be asked")}
REASONS = {
    RejectReason.MISREAD: _("misread"),
    RejectReason.OTHER_STATE: _("other state"),
    RejectReason.OTHER_VEHICLE: _("other vehicle"),
    RejectReason.ILLEGIBLE: _("illegible"),
    RejectReason.STALE_ENTRY: _("stale entry"),
}
OUTCOMES = {
    AlertOutcome.STOP: _("vehicle stopped"),
    AlertOutcome.RECOVERED: _("vehicle or plate recovered"),
    AlertOutcome.ARREST: _("arrest"),
    AlertOutcome.NOTHING: _("nothing came of it"),
    AlertOutcome.WRONG_PERSON: _("wrong person stopped"),
}
MEANWHILE = {
    MeanwhileAnswer.NOTHING: _("nothing"),
    MeanwhileAnswer.UNITS_SENT: _("units sent"),
    MeanwhileAnswer.STOP: _("stop"),
    MeanwhileAnswer.ARREST: _("arrest"),
}
_EYE = {AlertState.TAKEN: "confirm", AlertState.WAITING: "second"}


def stand_view(alert: Alert, at: datetime) -> dict[str, Any]:
    """Return how an alert stands at a moment, in JSON's types, with the forms of what may come next."""
    state = alert.state
    stand = _OVERDUE[state] if alert.is_escalated(at) else _STANDS[state]
    context = {
        "alert": alert,
        "stand": stand,
        "why": _WHY[WithdrawalReason(alert.withdrawn_because)] if alert.withdrawn_because else "",
        "looked_at": state in {AlertState.TAKEN, AlertState.WAITING, AlertState.CONFIRMED, AlertState.ACTIONABLE},
        "instead": policy_in_force().alerts.second_person_substitute,
        "systems": SYSTEM_ANSWERS.items(),
        "system": _SYSTEM[alert.system] if alert.system else "",
        "reasons": REASONS.items(),
        "outcomes": OUTCOMES.items(),
        "meanwhile": MEANWHILE.items(),
    }
    return {
        "record": alert.record_id,
        "state": state,
        "stand": str(stand),
        "open": state.is_open,
        "late": alert.is_late,
        "holder": alert.holder or "",
        "revision": alert.revision,
        "eye": _EYE.get(state, ""),
        "eye_by": alert.eye_by or "",
        "arrived": alert.arrived_at.isoformat(timespec="milliseconds"),
        "steps": render_to_string("alerts/console/steps.html", context),
    }
