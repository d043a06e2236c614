"""Persons for tests: with roles, and certificates and training that count or have ended."""

import re
from datetime import timedelta

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils import timezone

from platepost.department.database.queries import rows
from platepost.department.people.models import DepartmentPerson, PersonCertificate, RoleGrant, TrainingResult
from platepost.department.people.rights import Certification, DepartmentRole, TrainingTopic


def new_person(
    login: str = "a.rivera",
    *roles: DepartmentRole,
    current: bool = True,
    factor: bool = True,
) -> DepartmentPerson:
    """Make a person as the command line does.

    Args:
        login: unique.
        roles: what they are.
        current: whether certificates and training count; all ended a minute ago where False.
        factor: whether they have a second factor, of which nothing can be used.

    """
    ((own,),) = rows("SELECT agency FROM ledger_department")
    person = DepartmentPerson.objects.create(login=login, name=login.title(), agency=own)
    end = timezone.now() + (timedelta(days=100) if current else -timedelta(minutes=1))
    trainer, _ = DepartmentPerson.objects.get_or_create(login="trainer", defaults={"name": "T", "agency": "academy"})
    RoleGrant.objects.get_or_create(person=trainer, role=DepartmentRole.TRAINER)
    for role in roles:
        RoleGrant.objects.create(person=person, role=role)
    PersonCertificate.objects.bulk_create(
        PersonCertificate(person=person, certification=certification, expires_at=end) for certification in Certification
    )
    TrainingResult.objects.bulk_create(
        TrainingResult(person=person, topic=topic, held_at=end - timedelta(days=365), passed=True, trainer=trainer)
        for topic in TrainingTopic
    )
    if factor:
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "of no use"})
    return person


def client_of(person: DepartmentPerson) -> Client:
    """Return a client that is logged in as the person."""
    client = Client()
    client.force_login(person)
    return client


def page_text(answer: HttpResponse) -> str:
    """Return a page without its forms' random tokens, in which a few letters of a plate can come up by chance."""
    return re.sub('name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


def fresh_client_of(person: DepartmentPerson) -> Client:
    """Return a client that is logged in as the person, who has just shown their second factor again."""
    client = client_of(person)
    request = HttpRequest()
    request.session = client.session
    record_authentication(request, person, method="mfa", type="totp", reauthenticated=True)
    request.session.save()
    return client
