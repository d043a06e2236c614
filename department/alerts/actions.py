"""What people do about alerts. Each is one transaction with one entry in the ledger, and names the revision it answers.

The database holds the rules: see `sql/`. It refuses what was answered too late, what someone
else has taken, and each step that the ones before do not allow.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.db.backends.utils import CursorWrapper

from platepost.department.alerts.alerts import Alert, looking
from platepost.department.alerts.errors import AlertError, refusals
from platepost.department.alerts.notes import require_plain
from platepost.department.alerts.states import (
    AlertOutcome,
    AlertState,
    AlertStep,
    CharacterAnswer,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
    permission_for,
)
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry
from platepost.department.ledger.errors import ClosedEntryError
from platepost.department.ledger.writing import enter
from platepost.department.people.authorization import authorization_of
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.policy import policy_in_force

StepField: TypeAlias = str | int | list[str] | None
"""What a step has in a column."""
_UNTAKEN = "SELECT record_id, revision FROM alerts_alert WHERE record_id = ANY (%s) AND state = 'new' ORDER BY 1"
_UNTAKEN_WITHDRAWN = """
WITH RECURSIVE before (of, record_id) AS (
    SELECT given, given FROM unnest(%s::bigint[]) AS given
    UNION SELECT before.of, alert.previous_id FROM before JOIN alerts_alert AS alert USING (record_id)
    WHERE alert.previous_id IS NOT NULL
), first (of, root) AS (SELECT of, min(record_id) FROM before GROUP BY of)
SELECT record_id, revision FROM alerts_alert JOIN first ON first.of = record_id
WHERE record_id = ANY (%s) AND state = 'withdrawn' AND withdrawn_from = 'new'
AND root = (SELECT root FROM first WHERE of = %s) ORDER BY 1
"""
Repeats: TypeAlias = Collection[int]
"""Other hits of the vehicle of an alert, by their records."""


@dataclass(frozen=True, slots=True)
class AlertActor:
    """Who acts, and under what."""

    person: DepartmentPerson
    entry: OpenEntry | None = None
    """For a covert alert: an open entry of the ledger with the alert's group. Acting on the alert closes it: outsiders
    see in the ledger that someone saw something, but not what."""


@dataclass(frozen=True, slots=True)
class EyeAnswers:
    """What someone saw who held the picture against what is listed."""

    characters: Sequence[CharacterAnswer]
    """One for each pair of `platepost.department.alerts.characters.compared`, in order."""
    state: EyeAnswer
    vehicle: EyeAnswer

    @property
    def reasons(self) -> tuple[RejectReason, ...]:
        """For which reasons it can be rejected by what was seen; any where nothing speaks against it."""
        checks = [
            (CharacterAnswer.DIFFERS in self.characters, RejectReason.MISREAD),
            (self.state is EyeAnswer.OTHER, RejectReason.OTHER_STATE),
            (self.vehicle is EyeAnswer.OTHER, RejectReason.OTHER_VEHICLE),
            (CharacterAnswer.ILLEGIBLE in self.characters, RejectReason.ILLEGIBLE),
        ]
        return tuple(reason for holds, reason in checks if holds)


@dataclass(frozen=True, slots=True)
class AlertRejection:
    """Why a hit is none."""

    reason: RejectReason
    answers: EyeAnswers | None = None
    """What was seen, if all of it was compared."""
    pairs: Collection[str] = ()
    """Characters that were misread, each as it was read and as it is: `D0`."""


def take(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Take an alert: from now on it is this person's. They have acknowledged the newest list in this shift.

    Args:
        actor: who.
        record_id: which alert.
        revision: as it was shown.

    Returns:
        What the alert is then.

    Raises:
        StaleAlertError: it has changed since it was shown.
        AlertError: it is refused; the message says why.
        LedgerError: it cannot be entered; nothing is done.

    All others here raise the same.
    """
    return _act(actor, record_id, revision, AlertStep.TAKE)


def confirm(actor: AlertActor, record_id: int, revision: int, answers: EyeAnswers) -> AlertState:
    """Confirm by eye. A match that needs a second person then waits for one."""
    return _act(actor, record_id, revision, AlertStep.CONFIRM, **_seen(answers))


def second(actor: AlertActor, record_id: int, revision: int, answers: EyeAnswers) -> AlertState:
    """Confirm by eye as the second person, by a comparison of one's own."""
    return _act(actor, record_id, revision, AlertStep.SECOND, **_seen(answers))


def substitute(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Go on without a second person, by what the policy states for that; a supervisor reviews it the next day."""
    stated = policy_in_force().alerts.second_person_substitute
    if not stated:
        raise AlertError("The policy names no substitute for a second person.", "alerts_substitute")
    return _act(actor, record_id, revision, AlertStep.SUBSTITUTE, note=stated)


def reject(
    actor: AlertActor, record_id: int, revision: int, rejection: AlertRejection, *, repeats: Repeats = ()
) -> AlertState:
    """Reject, with what the comparison by eye has shown so far.

    `repeats`, here and below: other hits of the same vehicle that the person was shown with this one, by their records.
    The decision answers those that no one has taken, each by a step and an entry in the ledger of its own.
    """
    answers, reason = rejection.answers, rejection.reason
    if answers is not None and answers.reasons and reason not in answers.reasons:
        raise AlertError("The reason is not what you saw.", "alerts_reason")
    seen = _seen(answers) if answers is not None else {}
    # Where it was read well, no character was misread, whatever was typed before.
    pairs = [*rejection.pairs] if reason is RejectReason.MISREAD else []
    return _act(actor, record_id, revision, AlertStep.REJECT, repeats, reason=reason.value, pairs=pairs, **seen)


def system_active(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Note that the state's system says that the entry stands: from now on it may be acted upon."""
    return _act(actor, record_id, revision, AlertStep.ACTIVE)


def system_cleared(actor: AlertActor, record_id: int, revision: int, *, repeats: Repeats = ()) -> AlertState:
    """Note that the state's system says that the entry does not stand: it is rejected as stale."""
    return _act(actor, record_id, revision, AlertStep.CLEARED, repeats)


def system_not_practical(actor: AlertActor, record_id: int, revision: int, because: str) -> AlertState:
    """Note why the state's system could not be asked: from now on it may be acted upon."""
    return _act(actor, record_id, revision, AlertStep.NOT_PRACTICAL, note=require_plain(because))


def close(
    actor: AlertActor, record_id: int, revision: int, outcome: AlertOutcome, *, repeats: Repeats = ()
) -> AlertState:
    """Note what came of it."""
    return _act(actor, record_id, revision, AlertStep.OUTCOME, repeats, reason=outcome.value)


def record_meanwhile(
    actor: AlertActor, record_id: int, revision: int, done: MeanwhileAnswer, *, repeats: Repeats = ()
) -> AlertState:
    """Say what had been done about an alert, and its repeats that no one had taken, before they were withdrawn."""
    return _act(actor, record_id, revision, AlertStep.MEANWHILE, repeats, reason=done.value)


def dispute(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Note that the picture shows the listed plate, though the post withdrew the hit: supervisors are alerted.

    The hit stays withdrawn, and no one may act on it.
    """
    return _act(actor, record_id, revision, AlertStep.DISPUTE)


def take_over(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Take an alert over from the person who has it: at the end of their shift, or because they are away."""
    return _act(actor, record_id, revision, AlertStep.TAKE_OVER)


def review(actor: AlertActor, record_id: int, revision: int, finding: str) -> AlertState:
    """Note a supervisor's review of an alert that went on without a second person."""
    return _act(actor, record_id, revision, AlertStep.REVIEW, note=require_plain(finding))


def reopen(actor: AlertActor, record_id: int, revision: int, because: str) -> AlertState:
    """Undo a rejection: the alert is this person's from now on, and everything is compared again.

    The repeats that were rejected with it become new again, each by a step and an entry in the ledger of its own.
    Refused once the post withdrew the hit, or its entry left the list: a rejected alert is not withdrawn by that.

    Args:
        actor: who.
        record_id: which alert.
        revision: as it was shown.
        because: why the rejection was wrong, in plain words.

    """
    return _act(actor, record_id, revision, AlertStep.REOPEN, note=require_plain(because))


def uphold(actor: AlertActor, record_id: int, revision: int) -> AlertState:
    """Note that a supervisor agrees with a rejection, or has checked a disputed withdrawal, neither their own."""
    return _act(actor, record_id, revision, AlertStep.UPHOLD)


def hand_over(actor: AlertActor, alerts: Collection[Alert], to: DepartmentPerson) -> None:
    """Offer one's alerts to the next shift's person, all or none; each stays one's own until it is taken over."""
    _require(actor, AlertStep.OFFER)
    fields = {"person": actor.person.login, "to": to.login}
    with refusals(), looking(actor.entry) as cursor:
        covert = [
            (alert.record_id, group)
            for alert in sorted(alerts, key=lambda alert: alert.record_id)
            if (group := _add(cursor, alert.record_id, alert.revision, AlertStep.OFFER, actor, to_person=to.login)[1])
        ]
        shown = {record_id for record_id, _ in covert}
        open_ones = [alert.record_id for alert in alerts if alert.record_id not in shown]
        for record_id, group in covert:
            _under(actor).fetched(records=[record_id], steps=[{**fields, "step": "offer"}], group=group)
        if covert:
            _under(actor).enter_shown()
        if open_ones:
            enter(LedgerEvent.ALERTS_OFFERED, {**fields, "records": open_ones})


def _act(
    actor: AlertActor, record_id: int, revision: int, step: AlertStep, repeats: Repeats = (), /, **fields: StepField
) -> AlertState:
    _require(actor, step)
    who = actor.person.login
    with refusals(), looking(actor.entry) as cursor:
        if repeats:
            cursor.execute("SELECT alerts_lock(%s)", [[record_id, *repeats]])
        state, group = _add(cursor, record_id, revision, step, actor, **fields)
        given_fields: dict[str, StepField] = {name: value for name, value in fields.items() if value}
        done: list[tuple[int, dict[str, StepField]]] = [
            (record_id, {"person": who, "step": step.value, "state": state, **given_fields})
        ]
        withdrawn = step is AlertStep.MEANWHILE
        other = AlertStep.MEANWHILE if withdrawn else AlertStep.REPEAT
        more: dict[str, StepField] = given_fields if withdrawn else {"with_record": record_id}
        for repeat, seen in _untaken(cursor, record_id, repeats, withdrawn=withdrawn):
            became, its_group = _add(cursor, repeat, seen, other, actor, **more)
            if its_group != group:
                raise AlertError("A repeat must be in the same covert group as the first hit.", "alerts_repeat")
            done.append((repeat, {"person": who, "step": other.value, "state": became, **more}))
        for repeat, seen in _rejected_with(cursor, record_id) if step is AlertStep.REOPEN else ():
            again, _ = _add(cursor, repeat, seen, step, actor, **fields)
            done.append((repeat, {"person": who, "step": step.value, "state": again, **given_fields}))
        for result, entered in done:
            if group is None:
                enter(LedgerEvent.ALERT_STEP, {**entered, "records": [result]})
            else:
                _under(actor).fetched(records=[result], steps=[entered], group=group)
        if group is not None:
            _under(actor).enter_shown()
    return AlertState(state)


def _untaken(cursor: CursorWrapper, record_id: int, records: Repeats, *, withdrawn: bool) -> list[tuple[int, int]]:
    """Return those of the repeats of an alert that no one has taken, each with its revision.

    Of those that were withdrawn, the ones that `previous_id` joins with it: the database checks the others itself.
    """
    if not records:
        return []
    if withdrawn:
        cursor.execute(_UNTAKEN_WITHDRAWN, [[record_id, *records], [*records], record_id])
    else:
        cursor.execute(_UNTAKEN, [[*records]])
    return list(cursor.fetchall())


def _rejected_with(cursor: CursorWrapper, record_id: int) -> list[tuple[int, int]]:
    """Return the repeats that the rejection of an alert answered and that may be reopened, each with its revision."""
    query = (
        "SELECT record_id, revision FROM alerts_alert AS alert WHERE answered_with = %s AND answered_as = 'rejected'"
        " AND alerts_still_listed(alert) ORDER BY 1"
    )
    cursor.execute(query, [record_id])
    return list(cursor.fetchall())


def _add(
    cursor: CursorWrapper, record_id: int, revision: int, step: AlertStep, actor: AlertActor, **fields: StepField
) -> tuple[str, str | None]:
    """Add a step; return what the alert is then, and its covert group."""
    values: dict[str, StepField] = {
        "record_id": record_id,
        "revision": revision,
        "step": step.value,
        "person": actor.person.login,
        **fields,
    }
    marks = ", ".join(["%s"] * len(values))
    cursor.execute(
        f"INSERT INTO alerts_step ({', '.join(values)}) VALUES ({marks}) RETURNING state, covert_group",  # noqa: S608 - our own names
        [*values.values()],
    )
    state, group = cursor.fetchone()
    return state, group


def _require(actor: AlertActor, step: AlertStep) -> None:
    """Ask again whether someone may do this now: for how long training counts the database does not know."""
    lacks = authorization_of(DepartmentPerson.objects.get(pk=actor.person.pk)).lacks(permission_for(step))
    if lacks:
        raise AlertError(" ".join(lack.what for lack in lacks), "alerts_lapsed")


def _under(actor: AlertActor) -> OpenEntry:
    if actor.entry is None:
        raise ClosedEntryError("an alert of a covert group needs an entry")
    return actor.entry


def _seen(answers: EyeAnswers) -> dict[str, StepField]:
    return {
        "characters": "".join(character.value for character in answers.characters),
        "plate_state": answers.state.value,
        "vehicle": answers.vehicle.value,
    }
