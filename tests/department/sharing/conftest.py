"""A department that keeps its policy: the people it takes, and what its records say."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zlib import crc32

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from platepost.department.audits.models import AuditPlan
from platepost.department.audits.services import plan_audits
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import policy_in_force
from platepost.department.sharing.agencies import (
    confirm_agency,
    confirm_agreement,
    enter_agreement,
    register_agency,
    verify_agency,
)
from platepost.department.sharing.clauses import publish_policy
from platepost.department.sharing.models import SharingAgreement
from tests.department.archive.conftest import superuser
from tests.department.custody.conftest import database
from tests.department.emptying import empty, empty_ledger
from tests.department.law import bind, establish
from tests.department.ledger.asked import handmade
from tests.department.people.persons import new_person

__all__ = ["database", "superuser"]
AGENCIES = ("ledger_sharing", "ledger_verification", "ledger_agency")
Enter = Callable[..., None]


def sql(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall()) if cursor.description else []


def enter(event: str = "intent", **fields: object) -> None:
    """Enter something as the owner, in whatever transaction there is."""
    message = json.dumps(fields)
    if event == "intent":
        message = handmade(**{"person": "o.person", "policy": policy_in_force().digest} | fields)
    sql("SELECT ledger_append(%s, NULL, %s)", event, message)


def in_state(agency: str, *, allowed: bool = True, note: str = "its chief wrote") -> Agency:
    """Make an agency of the state, with an ORI of its own."""
    return Agency(name=agency, kind=AgencyKind.IN_STATE, allowed=allowed, note=note, ori=ori(agency))


def ori(agency: str) -> str:
    ((state,),) = sql("SELECT state FROM ledger_law")
    return f"{state}{crc32(agency.encode()) % 10**5:05}00"


def agreed_with(agency: str, *, person: str = "r.manager", **more: Any) -> SharingAgreement:
    """Have an agency of the state in the register, verified, with an agreement in force, by two persons."""
    today = timezone.localdate()
    register_agency(in_state(agency), person=person)
    if Agency.objects.filter(name=agency, confirmed_by=None).exists():
        confirm_agency(agency, person="s.person")
    verify_agency(agency, "called back", today + timedelta(days=30), person=person)
    fields = {"says": "MOU 12", "purposes": ["stolen vehicle"], "scope": ["search", "release"]}
    created = enter_agreement(
        agency, person=person, **fields | {"begins": today, "ends": today + timedelta(days=90)} | more
    )
    confirm_agreement(created, person="s.person")
    return created


@pytest.fixture
def people(db: None) -> dict[str, DepartmentPerson]:
    roles = {"o": DepartmentRole.OPERATOR, "r": DepartmentRole.RECORDS_MANAGER, "a": DepartmentRole.AUDITOR}
    created = {who: new_person({"r": "r.manager"}.get(who, f"{who}.person"), role) for who, role in roles.items()}
    return created | {"s": new_person("s.person", DepartmentRole.SUPERVISOR)}


@pytest.fixture
def no_agency(superuser: psycopg.Connection) -> None:
    empty_ledger(superuser)  # of other tests' searches, under other policies
    empty(superuser, *AGENCIES, "sharing_policy")
    bind(superuser.execute, "california")


@pytest.fixture
def all_clauses_met(db: None, people: dict[str, DepartmentPerson]) -> dict[str, DepartmentPerson]:
    """Have every clause met, in one transaction."""
    # The ledger keeps what other tests entered: here that was two months ago.
    ((role,),) = sql("SELECT current_user")
    sql("SET LOCAL ROLE NONE")
    sql("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")
    sql("UPDATE ledger_entry SET at = at - interval '60 days'")
    sql("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final")
    sql(f"SET LOCAL ROLE {role}")
    publish_policy(person="r.manager", hearing=timezone.now().date())
    establish(LAWS["california"])
    sql(
        "INSERT INTO lists_request (kind, state, version, published_at) VALUES ('complete', 'published', 7, now())",
    )
    begins = timezone.now() - timedelta(days=1)
    planned = AuditPlan(kind="audit", auditor="a.person", every_days=30, samples=9, days_to_finish=9, begins=begins)
    plan_audits(planned, person="a.person")
    sql("INSERT INTO ledger_sent (destination, at) VALUES ('heads', now())")
    enter(purpose="stolen vehicle", case="26-00417")
    return people
