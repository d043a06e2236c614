"""What the program of `dispatchers` does: import it once Django is set up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import login
from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.utils import timezone

from platepost.common.errors import PlatepostError
from platepost.department.alerts import actions, shift
from platepost.department.alerts.actions import AlertActor, AlertRejection, EyeAnswers
from platepost.department.alerts.alerts import alert_of, open_alerts
from platepost.department.alerts.characters import compared
from platepost.department.alerts.states import (
    AlertOutcome,
    AlertState,
    CharacterAnswer,
    EyeAnswer,
    MeanwhileAnswer,
    RejectReason,
)
from platepost.department.custody.reading import whole_records
from platepost.department.ledger.entries import open_entry
from platepost.department.people import services
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import Certification, DepartmentRole, TrainingTopic
from platepost.department.people.sessions import SessionStore
from platepost.department.policy.policy import ALARM, AccessPurpose
from platepost.wire.records import Hit, read_event


def make(agency: str, people: Mapping[str, DepartmentRole]) -> None:
    """Make people with certificates and training, and who trained them."""
    now, trainer = timezone.now(), DepartmentPerson.objects.filter(login="trainer").first()
    if trainer is None:
        trainer = DepartmentPerson(login="trainer", name="Trainer", agency=agency)
        services.add_person(trainer, [DepartmentRole.TRAINER])
    for username, role in people.items():
        person = DepartmentPerson(login=username, name=username.capitalize(), agency=agency)
        services.add_person(person, [role])
        for certification in Certification:
            services.note_certificate(person, certification, now + timedelta(days=365))
        for topic in TrainingTopic:
            services.note_training(person, topic, held_at=now, passed=True, trainer=trainer)
        # No one has its secret: this person logs in by `log_in` alone.
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": ""})


def done(asked: Mapping[str, Any]) -> Any:
    """Do what is asked, and return the answer in JSON's types."""
    connection.close()  # the database may have ended and begun again
    person = services.person_of(asked["login"])
    if asked["do"] == "log_in":
        return _log_in(person)
    return list(_decide(person, asked["plate"], asked["decisions"]))


def _log_in(person: DepartmentPerson) -> str:
    request = HttpRequest()
    request.session = SessionStore()
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
    record_authentication(request, person, method="mfa", type="totp", reauthenticated=True)
    # As long as the session: no one could show the second factor again.
    request.session["account_authentication_methods"][-1]["at"] += settings.SESSION_COOKIE_AGE
    request.session.save()
    return str(request.session.session_key)


def _decide(person: DepartmentPerson, plate: str, decisions: Sequence[str]) -> Iterator[dict[str, str]]:
    hit = _newest(person, plate)
    for decision in decisions:
        refused = "" if hit else "there is no open hit of this plate"
        alert = hit and alert_of(hit[0])
        if hit and alert:
            try:
                _step(decision, hit[1], alert.state)(AlertActor(person), alert.record_id, alert.revision)
            except (PlatepostError, DatabaseError) as error:
                refused = str(error)
            alert = alert_of(alert.record_id)
        fields = {"post": alert.post, "state": alert.state.value} if alert else {"post": "", "state": ""}
        yield {"decision": decision, **fields, "refused": refused}


def _newest(person: DepartmentPerson, plate: str) -> tuple[int, Hit] | None:
    """Return the newest open hit of a plate, and the number of its record, as the console shows it."""
    records = [alert.record_id for alert in open_alerts()]
    query = {"console": records}
    with open_entry(person=person.login, agency=person.agency, purpose=AccessPurpose(ALARM), query=query) as entry:
        shown = whole_records(entry, records=records)
    hits = ((stored.id, read_event(stored.restored().event or {}).data) for stored, _ in reversed(shown))
    return next(((record, hit) for record, hit in hits if isinstance(hit, Hit) and hit.plate_read == plate), None)


def _step(decision: str, hit: Hit, state: AlertState) -> Callable[[AlertActor, int, int], object]:
    """Return the department's own service for a decision about a hit, whose alert is in some state."""
    same = [CharacterAnswer.SAME for _ in compared(hit.plate_read, hit.plate_matched)]
    seen = EyeAnswers(same, EyeAnswer.SAME, EyeAnswer.SAME)
    steps: dict[str, Callable[[AlertActor, int, int], object]] = {
        "take": _take,
        "confirm": partial(actions.confirm, answers=seen),
        "second": partial(actions.second, answers=seen),
        "active": actions.system_active,
        "cleared": actions.system_cleared,
        "not_practical": partial(actions.system_not_practical, because="the line was down"),
    }
    if decision in steps:
        return steps[decision]
    if decision in {reason.value for reason in RejectReason}:
        return partial(actions.reject, rejection=AlertRejection(RejectReason(decision)))
    if state is AlertState.WITHDRAWN:
        return partial(actions.record_meanwhile, done=MeanwhileAnswer(decision))
    return partial(actions.close, outcome=AlertOutcome(decision))


def _take(actor: AlertActor, record: int, revision: int) -> object:
    if shift.acknowledged_until(actor.person) is None:
        shift.acknowledge(actor.person, shift.shift_start())
    return actions.take(actor, record, revision)
