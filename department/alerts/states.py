"""What may become of an alert, in one table. Nothing here knows a database.

An alert is what the department makes of a hit. The database is filled from this table whenever it is migrated, and
refuses each step that is not in it.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from platepost.department.people.rights import NEEDS, Permission, roles_that_may


class AlertState(StrEnum):
    """How far an alert has come."""

    NEW = "new"
    TAKEN = "taken"
    """Someone looks at it."""
    WAITING = "waiting"
    """Confirmed by eye by one person; a second must look."""
    CONFIRMED = "confirmed"
    """By eye. The state's system is asked next."""
    REJECTED = "rejected"
    ACTIONABLE = "actionable"
    CLOSED = "closed"
    """What came of it is noted."""
    WITHDRAWN = "withdrawn"
    """Taken back; someone must say what was done meanwhile."""
    ACCOUNTED = "accounted"
    """Taken back, and that was said."""
    REPEATED = "repeated"
    """Another hit of a vehicle, answered with the first one: see `AlertStep.REPEAT`."""

    @property
    def is_open(self) -> bool:
        """Whether someone has something to do."""
        return self not in {AlertState.REJECTED, AlertState.CLOSED, AlertState.ACCOUNTED, AlertState.REPEATED}


class AlertStep(StrEnum):
    """What someone does about an alert."""

    TAKE = "take"
    CONFIRM = "confirm"
    """By eye: characters, state and vehicle."""
    SECOND = "second"
    """By eye, by a second person."""
    SUBSTITUTE = "substitute"
    """What the policy states where there is no second person; a supervisor reviews it the next day."""
    REJECT = "reject"
    ACTIVE = "active"
    """The state's system says that the entry stands."""
    NOT_PRACTICAL = "not_practical"
    """The state's system could not be asked."""
    CLEARED = "cleared"
    """The state's system says that the entry does not stand."""
    OUTCOME = "outcome"
    OFFER = "offer"
    """To the person who has the next shift."""
    TAKE_OVER = "take_over"
    WITHDRAW = "withdraw"
    """By the program, for a reason that is `WithdrawalReason`."""
    MEANWHILE = "meanwhile"
    """What had been done before it was withdrawn."""
    DISPUTE = "dispute"
    """Its post withdrew it for reading another plate now, but the picture shows the listed one: a supervisor looks."""
    REPEAT = "repeat"
    """Answered with the decision about the first hit of the same vehicle, in the same transaction."""
    REVIEW = "review"
    """Of a substitute, by a supervisor."""
    REOPEN = "reopen"
    """Undo a rejection, with a reason. Everything is compared again."""
    UPHOLD = "uphold"
    """A supervisor has checked a rejection and agrees with it, or has checked a withdrawal that someone disputed."""


class EyeAnswer(StrEnum):
    """What someone sees of the state, or of the vehicle, beside what is listed."""

    SAME = "same"
    OTHER = "other"
    NOT_LISTED = "not_listed"
    CANNOT_TELL = "cannot_tell"


class CharacterAnswer(StrEnum):
    """What someone sees of one character."""

    SAME = "s"
    """The picture shows what is listed."""
    DIFFERS = "d"
    ILLEGIBLE = "i"


class RejectReason(StrEnum):
    """Why a hit is none."""

    MISREAD = "misread"
    OTHER_STATE = "other_state"
    OTHER_VEHICLE = "other_vehicle"
    ILLEGIBLE = "illegible"
    STALE_ENTRY = "stale_entry"


class AlertOutcome(StrEnum):
    """What came of an alert."""

    STOP = "stop"
    RECOVERED = "recovered"
    ARREST = "arrest"
    NOTHING = "nothing"
    WRONG_PERSON = "wrong_person"


class WithdrawalReason(StrEnum):
    """Why an alert was withdrawn."""

    TEXT_CHANGED = "text_changed"
    """The post: the plate reads otherwise by now."""
    NOT_LISTED = "not_listed"
    """The post: the entry left its list."""
    SIGNATURE = "signature"
    """The record is not the post's own after all."""
    ENTRY_REMOVED = "entry_removed"
    """The entry was taken off the list, or ended."""


class MeanwhileAnswer(StrEnum):
    """What had been done when an alert was withdrawn."""

    NOTHING = "nothing"
    UNITS_SENT = "units_sent"
    STOP = "stop"
    ARREST = "arrest"


LOOKED_AT = (AlertState.TAKEN, AlertState.WAITING, AlertState.CONFIRMED, AlertState.ACTIONABLE)
"""Someone has taken it, and its outcome is still open."""
TRANSITIONS: Mapping[AlertStep, Mapping[AlertState, AlertState]] = {
    AlertStep.TAKE: {AlertState.NEW: AlertState.TAKEN},
    AlertStep.CONFIRM: {AlertState.TAKEN: AlertState.CONFIRMED},
    AlertStep.SECOND: {AlertState.WAITING: AlertState.CONFIRMED},
    AlertStep.SUBSTITUTE: {AlertState.WAITING: AlertState.CONFIRMED},
    AlertStep.REJECT: dict.fromkeys(LOOKED_AT, AlertState.REJECTED),
    AlertStep.ACTIVE: {AlertState.CONFIRMED: AlertState.ACTIONABLE},
    AlertStep.NOT_PRACTICAL: {AlertState.CONFIRMED: AlertState.ACTIONABLE},
    AlertStep.CLEARED: dict.fromkeys((AlertState.CONFIRMED, AlertState.ACTIONABLE), AlertState.REJECTED),
    AlertStep.OUTCOME: {AlertState.ACTIONABLE: AlertState.CLOSED},
    AlertStep.OFFER: {state: state for state in LOOKED_AT},
    AlertStep.TAKE_OVER: {state: state for state in LOOKED_AT},
    AlertStep.WITHDRAW: dict.fromkeys((AlertState.NEW, *LOOKED_AT, AlertState.CLOSED), AlertState.WITHDRAWN),
    AlertStep.MEANWHILE: {AlertState.WITHDRAWN: AlertState.ACCOUNTED},
    AlertStep.DISPUTE: {state: state for state in (AlertState.WITHDRAWN, AlertState.ACCOUNTED)},
    AlertStep.REPEAT: {AlertState.NEW: AlertState.REPEATED},
    AlertStep.REVIEW: {state: state for state in AlertState},
    AlertStep.REOPEN: {AlertState.REJECTED: AlertState.TAKEN, AlertState.REPEATED: AlertState.NEW},
    AlertStep.UPHOLD: {state: state for state in (AlertState.REJECTED, AlertState.WITHDRAWN, AlertState.ACCOUNTED)},
}
"""By step, from which state it leads to which."""
NEAR = {(AlertStep.CONFIRM, AlertState.TAKEN): AlertState.WAITING}
"""Where a step leads of a match that needs a second person."""
_PERMISSIONS = dict.fromkeys((AlertStep.REVIEW, AlertStep.UPHOLD), Permission.REVIEW_EXIGENT)


def permission_for(step: AlertStep) -> Permission:
    """Return what a step needs."""
    return _PERMISSIONS.get(step, Permission.ANSWER_HITS)


def transition_rows() -> Iterator[dict[str, object]]:
    """Yield the rows of the database's table `alerts_transition`."""
    for step, ways in TRANSITIONS.items():
        # No one but the program withdraws.
        roles = frozenset() if step is AlertStep.WITHDRAW else roles_that_may(permission_for(step))
        needed = NEEDS[permission_for(step)]
        for before, after in ways.items():
            yield {
                "step": step,
                "from_state": before,
                "to_state": after,
                "near_state": NEAR.get((step, before), after),
                "roles": sorted(roles),
                "certifications": sorted(needed.certifications),
                "topics": sorted(needed.topics),
            }
