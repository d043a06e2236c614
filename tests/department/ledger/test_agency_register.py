"""On whose behalf records may be looked at: what the law forbids cannot be stored."""

from typing import Any

import psycopg
import pytest
from django.forms import model_to_dict

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import AUDITOR, COMMAND, OWNER
from platepost.department.ledger.agency_register import confirm_agency, set_agency
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.policy import AccessPurpose
from tests.department.emptying import empty
from tests.department.law import bind
from tests.department.ledger.asked import ASKED
from tests.department.ledger.conftest import Connect
from tests.department.people.persons import new_person
from tests.department.roles import as_role

OAKDALE = Agency(name="oakdale-pd", kind=AgencyKind.IN_STATE, allowed=True, note="agreement 12", ori="CA0010100")
AGREED = (
    "INSERT INTO ledger_verification (agency, says, until, person) VALUES ('oakdale-pd', 's', current_date + 1, 'r');"
    " INSERT INTO ledger_sharing (agency, kind, in_state_only, says, purposes, scope, begins, ends, person,"
    " confirmed_by, confirmed_at) VALUES ('oakdale-pd', 'in_state', true, 's', '{stolen vehicle}', '{search}',"
    " current_date - 1, current_date + 1, 'r', 's', now())"
)
OUTSIDE = [kind for kind in AgencyKind if kind is not AgencyKind.IN_STATE]


@pytest.fixture(autouse=True)
def no_agency(connect: Connect) -> None:
    with connect(SUPERUSER) as superuser:
        empty(superuser, "ledger_agency", "ledger_verification", "ledger_sharing")
    with connect(OWNER) as owner:
        bind(owner.execute, "california")


def events(connect: Connect) -> list[tuple[Any, ...]]:
    with connect(AUDITOR) as auditor:
        return auditor.execute("SELECT event FROM ledger_entry ORDER BY number").fetchall()


def register() -> list[dict[str, Any]]:
    return [known(agency) for agency in Agency.objects.all()]


def known(agency: Agency) -> dict[str, Any]:
    return model_to_dict(agency, ["name", "kind", "allowed", "note", "ori"])


def on_behalf_of(name: str) -> AccessPurpose:
    return AccessPurpose("stolen vehicle", "26-1", on_behalf_of=name)


def test_change_is_entered_with_it(connect: Connect) -> None:
    with connect(SUPERUSER) as superuser:
        superuser.execute("SET session_replication_role = replica")  # who agreed is of no matter here
        superuser.execute(AGREED)
    new_person("s.mori", DepartmentRole.SUPERVISOR)
    with as_role(COMMAND):
        set_agency(OAKDALE, person="r.manager")
        assert register() == [known(OAKDALE)]
        with pytest.raises(PurposeError, match="no second person"):
            open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
        confirm_agency("oakdale-pd", person="s.mori")
        open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
        ended = Agency(
            name="oakdale-pd", kind=AgencyKind.IN_STATE, allowed=False, note="agreement has ended", ori="CA0010100"
        )
        set_agency(ended, person="r.manager")
        with pytest.raises(PurposeError, match="on behalf of oakdale-pd"):
            open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
        assert register() == [known(ended)]
    assert [event for (event,) in events(connect) if event in {"intent", "refused"} or "agency" in event] == [
        "agency_set",
        "refused",
        "agency_confirmed",
        "intent",
        "agency_set",
        "refused",
    ]


@pytest.mark.parametrize("kind", OUTSIDE)
def test_law_allows_no_other_agency(connect: Connect, kind: AgencyKind) -> None:
    with as_role(COMMAND), pytest.raises(PurposeError, match="the law allows nothing"):
        set_agency(Agency(name="fbi", kind=kind, allowed=True, note=""), person="r.manager")
    assert (register(), events(connect)) == ([], [])
    for role in (OWNER, "postgres"):
        with connect(role) as other, pytest.raises(psycopg.errors.CheckViolation):
            other.execute("INSERT INTO ledger_agency VALUES ('fbi', %s, true, '')", [kind.value])
    with as_role(COMMAND):
        set_agency(Agency(name="fbi", kind=kind, allowed=False, note="the law"), person="r.manager")
        with pytest.raises(PurposeError, match="on behalf of fbi"):
            open_entry(**ASKED | {"purpose": on_behalf_of("fbi")})
    with connect("postgres") as other, pytest.raises(psycopg.errors.CheckViolation):
        other.execute("UPDATE ledger_agency SET allowed = true")


def test_law_changes_only_where_no_grant_is_against_it(connect: Connect) -> None:
    with connect(OWNER) as owner:
        bind(owner.execute, "other")
        owner.execute("INSERT INTO ledger_agency VALUES ('fbi', 'federal', true, '')")
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.CheckViolation):
        bind(owner.execute, "california_highway_patrol")
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute("INSERT INTO ledger_law SELECT 'california', 'NV', false, false, 0, 9")


def test_no_row_names_another_law(connect: Connect) -> None:
    with as_role(COMMAND):
        set_agency(OAKDALE, person="r.manager")
    with connect(OWNER) as owner, pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("UPDATE ledger_agency SET in_state_only = false")


FALSE_ORIS = {
    "another state's": ("TXDPS0000", "ledger_agency_of_the_state"),
    "another state's police": ("TX1010000", "ledger_agency_of_the_state"),
    "a federal office in the state": ("CAICE0900", "ledger_agency_of_the_state"),
    "none": ("", "ledger_agency_of_the_state"),
    "too short": ("CA001", "ledger_agency_ori"),
    "another agency's": ("CA0010100", "ledger_agency_one_ori"),
}


@pytest.mark.parametrize(("ori", "rule"), FALSE_ORIS.values(), ids=FALSE_ORIS)
def test_agency_of_the_state_has_its_ori(connect: Connect, ori: str, rule: str) -> None:
    with as_role(COMMAND):
        set_agency(OAKDALE, person="r.manager")
        with pytest.raises(PurposeError) as refused:
            set_agency(
                Agency(name="made-up", kind=AgencyKind.IN_STATE, allowed=True, note="", ori=ori), person="r.manager"
            )
    assert rule in str(refused.value.__cause__)
    with connect("postgres") as other, pytest.raises(psycopg.errors.IntegrityError, match=rule):
        other.execute("INSERT INTO ledger_agency VALUES ('made-up', 'in_state', true, '', %s)", [ori])


def test_unknown_agency(connect: Connect) -> None:
    with as_role(COMMAND), pytest.raises(PurposeError, match="not in the register"):
        open_entry(**ASKED | {"purpose": on_behalf_of("oakdale-pd")})
    assert events(connect) == [("refused",)]
