"""How an alert stands, and what someone may do next, as the console shows it: without a plate."""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from platepost.department.alerts.alerts import Alert, misread_pairs, step_times
from platepost.department.alerts.states import (
    LOOKED_AT,
    AlertOutcome,
    AlertState,
    AlertStep,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
    WithdrawalReason,
)
from platepost.department.policy.policy import policy_in_force

EYE_ANSWERS = {
    EyeAnswer.SAME: _("matches"),
    EyeAnswer.OTHER: _("doesn't match"),
    EyeAnswer.CANNOT_TELL: _("can't tell"),
}
"""What can be answered about what the list describes; of what it does not describe, nothing is asked."""
SYSTEM_ANSWERS = {
    "active": _("active: the entry is valid"),
    "cleared": _("cleared: the entry is not valid"),
    "not_practical": _("not practical, because:"),
}
_STATUS_TEXTS = {
    AlertState.NEW: _("New: not taken"),
    AlertState.TAKEN: _("Not verified: compare by eye"),
    AlertState.WAITING: _("Not verified: a second person must compare"),
    AlertState.CONFIRMED: _("Confirmed by eye only: confirm in {system}"),
    AlertState.REJECTED: _("Rejected"),
    AlertState.ACTIONABLE: _("Actionable"),
    AlertState.CLOSED: _("Closed"),
    AlertState.WITHDRAWN: _("WITHDRAWN: do not act"),
    AlertState.ACCOUNTED: _("WITHDRAWN: do not act"),
    AlertState.REPEATED: _("Answered with an earlier hit"),
}
_OVERDUE = {
    AlertState.NEW: _("OVERDUE: no one has taken it"),
    AlertState.WITHDRAWN: _("WITHDRAWN: do not act. OVERDUE: record what was done"),
}
_HELP = {
    AlertState.NEW: _("Take it before you compare it."),
    AlertState.CONFIRMED: _("No one acts yet."),
    AlertState.ACTIONABLE: _("Officers may act: pass on the line for CAD, then record the outcome."),
}
"""What to do next, where the forms do not show it."""
_WHY = {
    WithdrawalReason.TEXT_CHANGED: _("The camera has since read a different plate."),
    WithdrawalReason.NOT_LISTED: _("The entry left the list: recovered, canceled, or expired."),
    WithdrawalReason.SIGNATURE: _("The post did not sign this record."),
    WithdrawalReason.ENTRY_REMOVED: _("The entry was removed from the list: recovered, canceled, or expired."),
}
_ADVICE = {
    WithdrawalReason.TEXT_CHANGED: _("Disregard this hit: the plate was misread. Do not stop the vehicle."),
    WithdrawalReason.NOT_LISTED: _("Disregard this hit: the plate is no longer listed. Do not stop the vehicle."),
    WithdrawalReason.SIGNATURE: _("Disregard this hit: the record is not genuine. Do not stop the vehicle."),
    WithdrawalReason.ENTRY_REMOVED: _("Disregard this hit: the plate is no longer listed. Do not stop the vehicle."),
}
"""What to advise units of a hit that was withdrawn."""
_ADVICE_DISPUTED = _("Disregard this hit: the camera has since read a different plate. Do not stop the vehicle.")
"""The same where a person sees the listed plate in the picture: whether it was misread, no one knows yet."""
_SYSTEM = {"active": _("active"), "cleared": _("cleared"), "not_practical": _("not practical")}
REASONS = {
    RejectReason.MISREAD: _("plate differs from the list"),
    RejectReason.OTHER_STATE: _("other state"),
    RejectReason.OTHER_VEHICLE: _("other vehicle"),
    RejectReason.ILLEGIBLE: _("illegible"),
    RejectReason.STALE_ENTRY: _("stale entry"),
}
OUTCOMES = {
    AlertOutcome.STOP: _("stopped, nothing more"),
    AlertOutcome.RECOVERED: _("vehicle or plate recovered"),
    AlertOutcome.ARREST: _("arrest"),
    AlertOutcome.NOTHING: _("not located"),
    AlertOutcome.WRONG_PERSON: _("wrong person stopped"),
}
MEANWHILE = {
    MeanwhileAnswer.NOTHING: _("nothing"),
    MeanwhileAnswer.UNITS_SENT: _("units sent"),
    MeanwhileAnswer.STOP: _("stop"),
    MeanwhileAnswer.ARREST: _("arrest"),
}
_TAKING = (AlertStep.TAKE, AlertStep.TAKE_OVER, AlertStep.REOPEN)
_EYE = {AlertState.TAKEN: "confirm", AlertState.WAITING: "second"}


def bare_payload(alert: Alert) -> dict[str, Any]:
    """Return what is known of a hit without its record, in JSON's types: no plate."""
    bare = {"record": alert.record_id, "priority": alert.priority, "category": alert.category, "place": alert.post}
    return {**bare, "plate": "", "captured": _stamp(alert.captured_at)}


def brief(alert: Alert, root: int | None, decided: Alert | None, *, escalated: bool) -> dict[str, Any]:
    """Return how an alert stands, in JSON's types.

    Args:
        alert: the alert.
        root: the first hit of those of its vehicle that are listed together, by its record.
        decided: a hit of the same vehicle, shortly before, that was decided.
        escalated: whether it is overdue.

    """
    state = alert.state
    stand = str((_OVERDUE if escalated else _STATUS_TEXTS)[state]).format(system=system_name())
    return {
        "record": alert.record_id,
        "state": state,
        "status": _decision(alert) if state in {AlertState.REJECTED, AlertState.CLOSED} else stand,
        "open": state.is_open,
        "late": alert.is_late,
        "holder": alert.holder or "",
        "revision": alert.revision,
        "eye": _EYE.get(state, ""),
        "eye_by": alert.eye_by or "",
        "second_by": alert.second_by or "",
        "was": alert.withdrawn_from or "",
        "text_changed": alert.withdrawn_because == WithdrawalReason.TEXT_CHANGED,
        "arrived": _stamp(alert.arrived_at),
        "root": root or alert.record_id,
        "decided": _decision(decided) if decided else "",
        "verified": verified_words(alert),
        "is_verified": _is_verified(alert),
        "confirmed": alert.is_confirmed,
        "as_listed": alert.stands_as_listed,
    }


def status_payload(
    alert: Alert, at: datetime, *, root: int | None = None, decided: Alert | None = None
) -> dict[str, Any]:
    """Return `brief` at a moment, with the forms of what may come next."""
    state, escalated = alert.state, alert.is_escalated(at)
    shown = brief(alert, root, decided, escalated=escalated)
    times = step_times(alert.record_id) if alert.holder else {}
    advice = _ADVICE[WithdrawalReason(alert.withdrawn_because)] if alert.withdrawn_because else ""
    context = {
        "alert": alert,
        "taken_at": max((times[step] for step in _TAKING if step in times), default=None),
        "second_at": times.get(AlertStep.SECOND),
        "misread": [(pair[0], pair[1]) for pair in misread_pairs(alert.record_id)] if alert.reject_reason else [],
        "status": shown["status"],
        "decided": decided,
        "decision": shown["decided"],
        "help": _HELP.get(state, ""),
        "why": _WHY[WithdrawalReason(alert.withdrawn_because)] if alert.withdrawn_because else "",
        "advice": _ADVICE_DISPUTED if alert.disputed_by else advice,
        "system_name": system_name(),
        "looked_at": state in LOOKED_AT,
        "instead": policy_in_force().alerts.second_person_substitute,
        "systems": SYSTEM_ANSWERS.items(),
        "system": _SYSTEM[alert.system] if alert.system else "",
        "reasons": REASONS.items(),
        "outcomes": OUTCOMES.items(),
        "meanwhile": MEANWHILE.items(),
        "done": MEANWHILE[MeanwhileAnswer(alert.meanwhile)] if alert.meanwhile else "",
    }
    steps, done = (render_to_string(f"alerts/console/{name}.html", context) for name in ("steps", "done"))
    return {**shown, "steps": steps, "done": done}


def system_name() -> str:
    """Return what the department calls the system in which it confirms hits."""
    return policy_in_force().state_system or gettext("the state's system")


def verified_words(alert: Alert) -> str:
    """Return how far a hit is verified, for the line that goes into a dispatch system."""
    if alert.state in {AlertState.WITHDRAWN, AlertState.ACCOUNTED}:
        return gettext("WITHDRAWN: do not act")
    if alert.state is AlertState.REJECTED or alert.answered_as == AlertState.REJECTED:
        return gettext("REJECTED: do not act")
    if _is_verified(alert):
        words = gettext("VERIFIED by eye and in {system} at {time}")
        return words.format(system=system_name(), time=_time(alert.system_at))
    if alert.state in {AlertState.ACTIONABLE, AlertState.CLOSED}:
        return gettext("CONFIRMED BY EYE ONLY: {system} not checked").format(system=system_name())
    return gettext("UNVERIFIED")


def _is_verified(alert: Alert) -> bool:
    return alert.state in {AlertState.ACTIONABLE, AlertState.CLOSED} and alert.system == "active"


def decision_words(alert: Alert) -> str:
    """Return what an alert has come to, for a list of past hits."""
    if alert.reject_reason or alert.outcome:
        return _decision(alert)
    return str(_STATUS_TEXTS[alert.state]).format(system=system_name())


def _decision(alert: Alert) -> str:
    if alert.reject_reason:
        return gettext("Rejected: {reason}").format(reason=REASONS[RejectReason(alert.reject_reason)])
    return gettext("Closed: {outcome}").format(outcome=OUTCOMES[AlertOutcome(alert.outcome or "")])


def _time(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S %Z}" if moment else ""


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
