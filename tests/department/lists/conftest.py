"""Fixtures of the lists' tests: people, clients that are logged in as them, and empty tables."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.lists.models import ListEntry
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.people.services import join_covert
from platepost.department.policy.policy import DEFAULT
from tests.department.emptying import empty, empty_ledger
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role
from tests.department.search.conftest import Stock, stock, superuser

__all__ = ["Stock", "stock", "superuser"]
Made: TypeAlias = Callable[..., ListEntry]
TABLES = ("lists_entry", "lists_recovery", "lists_import", "lists_imported", "lists_request", "lists_lead")


@pytest.fixture(autouse=True)
def emptied(superuser: psycopg.Connection, settings: Settings, tmp_path: Path) -> Iterator[psycopg.Connection]:
    """Have the tables empty, and a policy that asks for second persons for little: the default asks for each entry."""
    policy = tmp_path / "policy.toml"
    text = DEFAULT.read_text("utf-8").replace('two_persons = ["all"]', 'two_persons = ["covert", "safe"]')
    policy.write_text(text, "utf-8")
    settings.POLICY_FILE = policy
    empty(superuser, *TABLES)
    superuser.execute("UPDATE lists_policy SET two_persons = '{covert,safe}', at_once = '{}', dispatchers = '{}'")
    yield superuser
    empty(superuser, *TABLES)
    empty_ledger(superuser)  # which names this policy: others count what was done under another one than theirs


@pytest.fixture
def people() -> dict[str, DepartmentPerson]:
    """Make an operator in a covert group, one who is in none, two supervisors, of whom one is in it, and an auditor."""
    with as_role(OWNER):
        return _made_people()


def _made_people() -> dict[str, DepartmentPerson]:
    created = {
        "a.rivera": new_person("a.rivera", DepartmentRole.OPERATOR),
        "b.chen": new_person("b.chen", DepartmentRole.SUPERVISOR),
        "c.doe": new_person("c.doe", DepartmentRole.SUPERVISOR),
        "d.audit": new_person("d.audit", DepartmentRole.AUDITOR),
        "e.lapsed": new_person("e.lapsed", DepartmentRole.SUPERVISOR, current=False),
        "f.other": new_person("f.other", DepartmentRole.OPERATOR),
    }
    for login in ("a.rivera", "b.chen"):
        join_covert(created[login], "narcotics")
    return created


@pytest.fixture
def as_web() -> Iterator[None]:
    """Work as the role of the pages."""
    with as_role(COMMAND):
        yield


def entry_of(plate: str = "7ABC123", **more: Any) -> ListEntry:
    """Make an entry, which is not saved."""
    why = {"purpose": "stolen vehicle", "case_number": "26-00417", "reason": "taken on Main Street"}
    fields = {"category": "stolen_vehicle", "priority": 2, **why}
    return ListEntry(plate=plate, **{**fields, "expires_at": timezone.now() + timedelta(days=1), **more})


def stored_entries(**by: Any) -> list[ListEntry]:
    """Return entries as the owner of the tables sees them, without an entry in the ledger, by their numbers."""
    with as_role(OWNER):
        return list(ListEntry.objects.filter(**by).order_by("pk"))


def fresh_client(person: DepartmentPerson) -> Client:
    """Return a client of someone who has just shown their second factor."""
    with as_role(OWNER):
        client = client_of(person)
        session = client.session
        # Ahead: a machine that does much else may need more than five minutes for a test.
        shown = {"method": "mfa", "type": "totp", "at": time.time() + 3600, "reauthenticated": True}
        session["account_authentication_methods"] = [shown]
        session["account_authentication_methods_user"] = str(person.pk)
        session.save()
    return client
