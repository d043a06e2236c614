"""On whose behalf records may be looked at: what the law forbids cannot be stored."""

from typing import Any

import psycopg
import pytest
from django.forms import model_to_dict

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import AUDITOR, OWNER, WEB
from platepost.department.ledger.agencies import set_agency
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from tests.department.emptying import empty
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect
from tests.department.roles import as_role

OAKDALE = Agency(name="oakdale-pd", kind=AgencyKind.IN_STATE, allowed=True, note="agreement 12")
AGREED = (
    "INSERT INTO ledger_verification (agency, says, until, person) VALUES ('oakdale-pd', 's', current_date + 1, 'r');"
    " INSERT INTO ledger_sharing (agency, kind, law, says, purposes, scope, begins, ends, person) VALUES ('oakdale-pd',"
    " 'in_state', 'california', 's', '{stolen vehicle}', '{search}', current_date - 1, current_date + 1, 'r')"
)
OUTSIDE = [kind for kind in AgencyKind if kind is not AgencyKind.IN_STATE]


@pytest.fixture(autouse=True)
def no_agency(connect: Connect) -> None:
    with connect(SUPERUSER) as superuser:
        empty(superuser, "ledger_agency", "ledger_verification", "ledger_sharing")
    with connect(OWNER) as owner:
        owner.execute("UPDATE ledger_law SET law = 'california'")


def events(connect: Connect) -> list[tuple[Any, ...]]:
    with connect(AUDITOR) as auditor:
        return auditor.execute("SELECT event FROM ledger_entry ORDER BY number").fetchall()


def register() -> list[dict[str, Any]]:
    return [model_to_dict(agency) for agency in Agency.objects.all()]


def on_behalf_of(name: str) -> AccessPurpose:
    return AccessPurpose("stolen vehicle", "26-1", on_behalf_of=name)


def test_change_is_entered_with_it(connect: Connect) -> None:
    with connect(SUPERUSER) as superuser:
        superuser.execute("SET session_replication_role = replica")  # who agreed is of no matter here
        superuser.execute(AGREED)
    with as_role(WEB):
        set_agency(OAKDALE, person="r.manager")
        assert register() == [model_to_dict(OAKDALE)]
        open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
        ended = Agency(name="oakdale-pd", kind=AgencyKind.IN_STATE, allowed=False, note="agreement has ended")
        set_agency(ended, person="r.manager")
        with pytest.raises(PurposeError, match="on behalf of oakdale-pd"):
            open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
        assert register() == [model_to_dict(ended)]
    assert events(connect) == [("agency_set",), ("intent",), ("agency_set",), ("refused",)]


@pytest.mark.parametrize("kind", OUTSIDE)
def test_law_allows_no_other_agency(connect: Connect, kind: AgencyKind) -> None:
    with as_role(WEB), pytest.raises(PurposeError, match="the law allows nothing"):
        set_agency(Agency(name="fbi", kind=kind, allowed=True, note=""), person="r.manager")
    assert (register(), events(connect)) == ([], [])
    for role in (OWNER, "postgres"):
        with connect(role) as other, pytest.raises(psycopg.errors.CheckViolation):
            other.execute("INSERT INTO ledger_agency VALUES ('fbi', %s, true, '')", [kind.value])
    with as_role(WEB):
        set_agency(Agency(name="fbi", kind=kind, allowed=False, note="the law"), person="r.manager")
        with pytest.raises(PurposeError, match="on behalf of fbi"):
            open_entry(**ASKED | {"purpose": on_behalf_of("fbi")})
    with connect("postgres") as other, pytest.raises(psycopg.errors.CheckViolation):
        other.execute("UPDATE ledger_agency SET allowed = true")


def test_law_changes_only_where_no_grant_is_against_it(connect: Connect) -> None:
    with connect(OWNER) as owner:
        owner.execute("UPDATE ledger_law SET law = 'other'")
        owner.execute("INSERT INTO ledger_agency VALUES ('fbi', 'federal', true, '')")
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE ledger_law SET law = 'california_highway_patrol'")
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute("INSERT INTO ledger_law VALUES ('california')")


def test_no_row_names_another_law(connect: Connect) -> None:
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("INSERT INTO ledger_agency VALUES ('fbi', 'federal', true, '', 'other')")


def test_unknown_agency(connect: Connect) -> None:
    with as_role(WEB), pytest.raises(PurposeError, match="not in the register"):
        open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
    assert events(connect) == [("refused",)]
