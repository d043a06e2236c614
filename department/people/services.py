"""Changes of people and their rights. Each is one transaction, and the database enters it in the ledger.

`by` is who asks; None is the command line, which acts as the owner of the tables. The database refuses what no one may
do, no matter who asks: see `sql/`.

Roles, certifications and ways to log in wait for a second person, who decides by `decide`. Until two people are there
who can, the command line gives them alone: see `can_approve`.
"""

import base64
import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from psycopg.errors import InsufficientPrivilege, IntegrityError

from platepost.department.database.queries import rows
from platepost.department.database.refusals import refused_as
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.writing import append
from platepost.department.people.authorization import authorization_of
from platepost.department.people.errors import PersonError
from platepost.department.people.hashing import hash_of_code
from platepost.department.people.models import (
    AccessRequest,
    CovertMember,
    DepartmentPerson,
    DispatchConsole,
    LoginLock,
    PersonCertificate,
    ProviderGroup,
    RoleGrant,
    TrainingResult,
)
from platepost.department.people.rights import (
    Certification,
    DepartmentRole,
    Permission,
    TrainingTopic,
    roles_that_may,
)

log = logging.getLogger(__name__)
INVITED = timedelta(hours=72)
"""For so long the code of an invitation is good."""
_CODE_BYTES = 10
TWO = 2
"""People who can approve, from which on the command line gives nothing alone."""
_GIVEN = {"login", "name", "badge", "agency"}
_WHY = {
    "people_person_login_key": "this username is already taken",
    "people_role_once": "they have this role already",
    "people_covert_once": "they are in this group already",
    "people_console_once": "this browser has a name already",
    "people_request_once": "this waits for a second person already",
    "people_request_by_another": "no one changes their own rights",
}
"""What people are told, by the constraint that refuses; triggers say it themselves."""


class Invitation(NamedTuple):
    """A code by which someone logs in once, or the half of it that one of two persons gets."""

    code: str
    half: bool = False


def person_of(login: str) -> DepartmentPerson:
    """Return a person by username.

    Raises:
        PersonError: there is none.

    """
    try:
        return DepartmentPerson.objects.get(login=login)
    except DepartmentPerson.DoesNotExist:
        raise PersonError(f"no one has the username {login!r}") from None


def require_permission(login: str, permission: Permission) -> DepartmentPerson:
    """Return the person who gives a command, who must have a permission now; that they lack it is entered.

    Raises:
        PersonError: no one has the username, or they lack something; the message says what.

    """
    person = DepartmentPerson.objects.filter(login=login.lower()).first()
    lacks = (
        [lack.what for lack in authorization_of(person).lacks(permission)] if person else ["No one has this username."]
    )
    if person is None or lacks:
        append(LedgerEvent.ACCESS_REFUSED, {"person": login, "permission": permission.value, "lacks": lacks})
        raise PersonError(f"{login} may not do this: {' '.join(lacks)}")
    return person


def can_approve() -> int:
    """Return how many people can be the second person. With fewer than two, the command line gives access alone."""
    roles = roles_that_may(Permission.APPROVE_PEOPLE)
    able = DepartmentPerson.objects.filter(disabled_at=None, grants__ended_at=None, grants__role__in=roles)
    return able.distinct().count()


def add_person(
    person: DepartmentPerson,
    roles: Iterable[DepartmentRole] = (),
    by: DepartmentPerson | None = None,
    *,
    batch: UUID | None = None,
) -> Invitation:
    """Add a person, who was made and not saved, with roles; return the code of the invitation.

    Where it is half of the code, the sponsor gets the other half with the approval of the invitation; until then the
    person cannot log in, and until the roles are approved too, they have none. `batch` is the list that it is of.

    Raises:
        PersonError: the username is taken or not a valid one, or the database refuses.

    """
    person.made_by = by
    try:
        person.clean_fields(exclude={field.name for field in person._meta.fields} - _GIVEN)  # noqa: SLF001 - its API
    except ValidationError as error:
        raise PersonError(
            "; ".join(f"{field}: {' '.join(fields)}" for field, fields in error.message_dict.items())
        ) from error
    with in_one_step():
        if _alone(by):
            code = _invite(person)
            person.save(force_insert=True)
            for role in roles:
                RoleGrant.objects.create(person=person, role=role)
            return Invitation(code)
        person.set_unusable_password()
        person.save(force_insert=True)
        for role in roles:
            _request(person, AccessRequest.Kind.ROLE, by, value=role, batch=batch)
        return _first_half(person, by, batch)


def invite(person: DepartmentPerson, by: DepartmentPerson | None = None, *, alone: bool = False) -> Invitation:
    """Have someone set up their log-in again; return the code, or half of it: see `add_person`.

    Their factors are deleted once it is approved.

    Args:
        person: who.
        by: who asks.
        alone: whether it needs no second person, as where a breach is contained.

    Raises:
        PersonError: it is the person who asks, or the database refuses.

    """
    if by == person:
        raise PersonError("no one invites themselves")
    with in_one_step():
        return Invitation(_invite_again(person)) if alone or _alone(by) else _first_half(person, by)


def give_role(
    person: DepartmentPerson, role: DepartmentRole, by: DepartmentPerson | None = None, *, batch: UUID | None = None
) -> None:
    """Ask for a role. Raises PersonError: they have it, or another that it does not go with; or `by` may not."""
    with in_one_step():
        if _alone(by):
            RoleGrant.objects.create(person=person, role=role)
        else:
            _request(person, AccessRequest.Kind.ROLE, by, value=role, batch=batch)


def decide(request: AccessRequest, by: DepartmentPerson, *, approve: bool) -> Invitation | None:
    """Approve or reject, as the second person, what someone asked for; return the other half of an invitation's code.

    Raises:
        PersonError: `by` may not, is the person or the one who asked, or it was decided.

    """
    (invitation,) = decide_all([request], by, approve=approve)
    return invitation


def decide_all(requests: Iterable[AccessRequest], by: DepartmentPerson, *, approve: bool) -> list[Invitation | None]:
    """Approve or reject several requests in their order, all or none, as `decide` does one. Raises PersonError."""
    with in_one_step():
        return [_decide(request, by, approve=approve) for request in requests]


def end_role(person: DepartmentPerson, role: DepartmentRole, by: DepartmentPerson | None = None) -> None:
    """End a role. Raises PersonError: they do not have it, or `by` may not."""
    with in_one_step():
        ended = RoleGrant.objects.filter(person=person, role=role, ended_at=None)
        if not ended.update(ended_at=timezone.now(), ended_by=by):
            raise PersonError(f"{person.login} does not have the role {role.label}")


def note_certificate(
    person: DepartmentPerson,
    certification: Certification,
    expires_at: datetime,
    by: DepartmentPerson | None = None,
    *,
    batch: UUID | None = None,
) -> None:
    """Ask for a certification to be noted, and its end. Raises PersonError: `by` may not."""
    with in_one_step():
        if _alone(by):
            PersonCertificate.objects.create(person=person, certification=certification, expires_at=expires_at)
        else:
            _request(
                person, AccessRequest.Kind.CERTIFICATION, by, value=certification, expires_at=expires_at, batch=batch
            )


def note_training(
    person: DepartmentPerson, topic: TrainingTopic, *, held_at: datetime, passed: bool, trainer: DepartmentPerson
) -> None:
    """Note the result of training. Raises PersonError: the trainer is none, or it is the person; or it is to come."""
    note_trainings(person, [topic], held_at=held_at, passed=passed, trainer=trainer)


def note_trainings(
    person: DepartmentPerson,
    topics: Iterable[TrainingTopic],
    *,
    held_at: datetime,
    passed: bool,
    trainer: DepartmentPerson,
) -> None:
    """Note the same result in several topics by one statement, all or none. Raises PersonError: see `note_training`."""
    if held_at > timezone.now():
        raise PersonError("training is noted once it was held")
    if not RoleGrant.objects.filter(person=trainer, role=DepartmentRole.TRAINER, ended_at=None).exists():
        raise PersonError(f"{trainer.login} is not a trainer")
    with in_one_step():
        TrainingResult.objects.bulk_create(
            TrainingResult(person=person, topic=topic, held_at=held_at, passed=passed, trainer=trainer)
            for topic in topics
        )


def join_covert(person: DepartmentPerson, group: str, *, end: bool = False) -> None:
    """Put a person into a covert group, or take them out. Raises PersonError: they are, or are not, in it."""
    with in_one_step():
        if not end:
            CovertMember.objects.create(person=person, group=group)
        elif not CovertMember.objects.filter(person=person, group=group, left_at=None).update(left_at=timezone.now()):
            raise PersonError(f"{person.login} is not in {group}")


def covert_groups(person: DepartmentPerson) -> list[str]:
    """Return the covert groups that a person is in now, by name."""
    return sorted(person.covert.filter(left_at=None).values_list("group", flat=True))


def map_group(name: str, role: DepartmentRole, *, end: bool = False) -> None:
    """Have an identity provider's group stand for a role, or end that. Raises PersonError: not for this role."""
    with in_one_step():
        if end:
            ProviderGroup.objects.filter(name=name, role=role).delete()
        else:
            ProviderGroup.objects.get_or_create(name=name, role=role)


def take_groups(person: DepartmentPerson, provider: str, groups: Iterable[str]) -> None:
    """Give and end the roles that an identity provider's groups stand for. Raises PersonError: duties are apart."""
    with in_one_step():
        rows("SELECT people_take_groups(%s, %s, %s)", [person.pk, provider, list(groups)])


def disable(person: DepartmentPerson, by: DepartmentPerson | None = None) -> None:
    """End a person's access: sessions at their next request, streams at their next event.

    An auditor's, by a supervisor in an incident of that account, for 24 hours: see `end_disabled`. The system's log has
    that too, which a department sends to another machine: no one here decides alone who sees it.

    Raises:
        PersonError: `by` may not.

    """
    with in_one_step():
        person.disabled_at, person.changed_by = timezone.now(), by
        person.save(update_fields=["disabled_at", "changed_by"])
        person.refresh_from_db(fields=["disabled_until"])
    if person.disabled_until is not None:
        log.critical("%s disabled the auditor %s until %s", by, person, person.disabled_until.isoformat())


def end_disabled() -> None:
    """Give auditors their access back whom a supervisor disabled for a day that is over."""
    rows("SELECT people_end_disabled()::text")


def reinstate(person: DepartmentPerson, by: DepartmentPerson | None = None) -> None:
    """Give access back to anyone who was disabled, or suspended because they did not log on. Raises PersonError."""
    with in_one_step():
        person.disabled_at = None
        person.active_from = timezone.now()
        person.changed_by = by
        person.save(update_fields=["disabled_at", "active_from", "changed_by"])


def release(person: DepartmentPerson, by: DepartmentPerson | None = None) -> int:
    """Release the locks of a person's passwords and codes; return how many. Raises PersonError: it is the person."""
    with in_one_step():
        return LoginLock.objects.filter(person=person, released_at=None).update(
            released_at=timezone.now(), released_by=by
        )


def name_console(device: UUID, name: str, by: DepartmentPerson) -> None:
    """Name a browser a dispatch console, in place of what it was. Raises PersonError: `by` may not."""
    with in_one_step():
        DispatchConsole.objects.filter(device=device, ended_at=None).update(ended_at=timezone.now(), ended_by=by)
        DispatchConsole.objects.create(device=device, name=name, named_by=by)


def end_console(console: DispatchConsole, by: DepartmentPerson) -> None:
    """Have a console be one no longer; another of its name stays. Raises PersonError: `by` may not."""
    with in_one_step():
        DispatchConsole.objects.filter(pk=console.pk, ended_at=None).update(ended_at=timezone.now(), ended_by=by)


def _alone(by: DepartmentPerson | None) -> bool:
    return by is None and can_approve() < TWO


def _decide(request: AccessRequest, by: DepartmentPerson, *, approve: bool) -> Invitation | None:
    request.decided_by = by
    request.decided_at = timezone.now()
    request.approved = approve
    request.save(update_fields=["decided_by", "decided_at", "approved"])
    if not approve or request.kind != AccessRequest.Kind.INVITATION:
        return None
    halves = [half_of(request, which) for which in ("first", "second")]
    _invite_again(request.person, "-".join(halves))
    return Invitation(halves[1], half=True)


def _request(
    person: DepartmentPerson,
    kind: AccessRequest.Kind,
    by: DepartmentPerson | None,
    *,
    value: str = "",
    expires_at: datetime | None = None,
    batch: UUID | None = None,
) -> AccessRequest:
    return AccessRequest.objects.create(
        person=person, kind=kind, value=value, expires_at=expires_at, requested_by=by, batch=batch
    )


def _first_half(person: DepartmentPerson, by: DepartmentPerson | None, batch: UUID | None = None) -> Invitation:
    return Invitation(half_of(_request(person, AccessRequest.Kind.INVITATION, by, batch=batch), "first"), half=True)


def half_of(request: AccessRequest, which: str) -> str:
    """Return half of an invitation's code. It follows from the request and `secret-key`, and is stored nowhere."""
    derived = salted_hmac(f"platepost.department.people.invitation.{which}", str(request.pk), algorithm="sha256")
    return _readable(derived.digest()[: _CODE_BYTES // 2])


def _invite_again(person: DepartmentPerson, code: str = "") -> str:
    Authenticator.objects.filter(user=person).delete()
    code = _invite(person, code)
    person.save(update_fields=["password", "invited_until"])
    return code


def _invite(person: DepartmentPerson, code: str = "") -> str:
    code = code or _readable(secrets.token_bytes(_CODE_BYTES))
    person.password = hash_of_code(code)
    person.invited_until = timezone.now() + INVITED
    return code


def _readable(code: bytes) -> str:
    text = base64.b32encode(code).decode("ascii").lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


@contextmanager
def in_one_step() -> Iterator[None]:
    """Work in one transaction. Raises PersonError: the database refuses."""
    also = (IntegrityError, InsufficientPrivilege)
    with refused_as(PersonError, "people_", messages=_WHY, also=also), transaction.atomic():
        yield
