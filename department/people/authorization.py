"""Whether someone may do something now: computed from roles, certificates and training at each question."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from platepost.department.database.queries import rows
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import (
    GRANTS,
    NEEDS,
    Certification,
    DepartmentRole,
    Permission,
    Requirement,
    TrainingTopic,
    roles_that_may,
)
from platepost.department.web.moments import day

_QUERY = """
SELECT person_id, 'role', role, NULL, true FROM people_role WHERE person_id = ANY (%(people)s) AND ended_at IS NULL
UNION ALL
(SELECT DISTINCT ON (person_id, certification) person_id, 'certificate', certification, expires_at, true
FROM people_certificate WHERE person_id = ANY (%(people)s) ORDER BY person_id, certification, noted_at DESC, id DESC)
UNION ALL
(SELECT DISTINCT ON (person_id, topic) person_id, 'training', topic, held_at, passed
FROM people_training WHERE person_id = ANY (%(people)s) ORDER BY person_id, topic, held_at DESC, id DESC)
UNION ALL
SELECT id, 'stranger', ledger_agency_lack(agency, NULL, now()), NULL, true FROM people_person
WHERE id = ANY (%(people)s) AND agency <> (SELECT agency FROM ledger_department)
"""
_WHOM = """
SELECT DISTINCT login FROM people_person AS person JOIN people_role AS held ON held.person_id = person.id
WHERE held.role = ANY (%s) AND held.ended_at IS NULL AND disabled_at IS NULL AND person.id <> %s ORDER BY login LIMIT 5
"""
_HOLDERS = """
SELECT DISTINCT name, login FROM people_person AS person JOIN people_role AS held ON held.person_id = person.id
WHERE held.role = ANY (%s) AND held.ended_at IS NULL AND disabled_at IS NULL ORDER BY name, login
"""
_ADMINISTRATORS = frozenset({DepartmentRole.ADMINISTRATOR})
_MANAGERS = frozenset({DepartmentRole.RECORDS_MANAGER})


@dataclass(frozen=True, slots=True)
class Lack:
    """What someone lacks for a permission."""

    what: str
    """A sentence."""
    ask: tuple[str, ...]
    """Log-ins of people who can help."""


@dataclass(frozen=True)
class Authorization:
    """Someone's roles, certificates, and training at a moment, and what these permit."""

    person: DepartmentPerson
    at: datetime
    roles: frozenset[DepartmentRole]
    certificates: Mapping[Certification, datetime]
    """By certificate, its end."""
    training: Mapping[TrainingTopic, datetime]
    """By topic, until when the last training counts; a topic that was failed is not there."""
    stranger: str | None = None
    """Why the agency of a person who is not the department's own gives no access."""

    def may(self, permission: Permission) -> bool:
        """Return whether the person has a permission at that moment."""
        return next(self._lacking(permission), None) is None

    @cached_property
    def permitted(self) -> frozenset[Permission]:
        """All that the person may at that moment: for menus."""
        return frozenset(filter(self.may, Permission))

    def lacks(self, permission: Permission) -> tuple[Lack, ...]:
        """Return what the person lacks for a permission, and whom to ask; empty if they have it."""
        return tuple(Lack(what, self._whom(roles)) for what, roles in self._lacking(permission))

    def lacks_for_duty(self) -> tuple[Lack, ...]:
        """Return what the person lacks for anything that their roles are for, each once."""
        granted = frozenset().union(*(GRANTS[role] for role in self.roles))
        lacking = dict.fromkeys(lack for permission in sorted(granted) for lack in self._lacking(permission))
        return tuple(Lack(what, ()) for what, _ in lacking)

    def _lacking(self, permission: Permission) -> Iterator[tuple[str, Iterable[DepartmentRole]]]:
        """Yield what is lacking, and the roles that can help."""
        allowed, needed = roles_that_may(permission), NEEDS[permission]
        if self.person.is_disabled:
            yield "Access is disabled.", _ADMINISTRATORS
        elif self.at >= self.person.suspended_at:
            yield f"Access is suspended since {day(self.person.suspended_at)}, for want of a log-on.", _ADMINISTRATORS
        elif permission is not Permission.OWN_ACCOUNT and not self.roles & allowed:
            yield f"This is for: {', '.join(sorted(role.label for role in allowed))}.", _ADMINISTRATORS
        else:
            if self.stranger is not None and needed != Requirement():
                yield f"No agreement gives people of {self.person.agency} access: {self.stranger}.", _MANAGERS
            yield from self._ended(
                "certificate",
                {certification: self.certificates.get(certification) for certification in needed.certifications},
            )
            yield from self._ended("training", {topic: self.training.get(topic) for topic in needed.topics})

    def _ended(
        self, what: str, ends: Mapping[Certification | TrainingTopic, datetime | None]
    ) -> Iterator[tuple[str, Iterable[DepartmentRole]]]:
        helpers = frozenset({DepartmentRole.TRAINER}) if what == "training" else _ADMINISTRATORS
        for kind, end in sorted(ends.items()):
            if end is None:
                yield f"No {kind.label} {what} on file.", helpers
            elif self.at >= end:
                yield f"The {kind.label} {what} ended on {day(end)}.", helpers

    def _whom(self, roles: Iterable[DepartmentRole]) -> tuple[str, ...]:
        return tuple(login for (login,) in rows(_WHOM, [[role.value for role in roles], self.person.pk]))


def people_with(permission: Permission) -> list[str]:
    """Return the names of the people whose roles have a permission, whether or not their training is current."""
    roles = [role.value for role in roles_that_may(permission)]
    return [f"{name} ({login})" for name, login in rows(_HOLDERS, [roles])]


def authorization_of(person: DepartmentPerson, at: datetime | None = None) -> Authorization:
    """Return what someone is authorized to do at a moment, by default now.

    `person` is as it was fetched: fetch it again if it may be old, as in a stream.
    """
    return authorizations([person], at)[0]


def authorizations(people: Iterable[DepartmentPerson], at: datetime | None = None) -> list[Authorization]:
    """Return what each of many people is authorized to do, with one query."""
    of: dict[int, list[tuple[str, str, datetime]]] = {}
    everybody = list(people)
    for person, kind, name, noted, counts in rows(_QUERY, {"people": [person.pk for person in everybody]}):
        if counts:
            of.setdefault(person, []).append((kind, name, noted))
    return [_authorization(person, of.get(person.pk, []), at or timezone.now()) for person in everybody]


def _authorization(person: DepartmentPerson, noted: Iterable[tuple[str, str, datetime]], at: datetime) -> Authorization:
    return Authorization(
        person,
        at,
        frozenset(DepartmentRole(name) for kind, name, _ in noted if kind == "role"),
        {Certification(name): end for kind, name, end in noted if kind == "certificate"},
        {TrainingTopic(name): held + settings.PEOPLE_TRAINING for kind, name, held in noted if kind == "training"},
        next((why for kind, why, _ in noted if kind == "stranger"), None),
    )
