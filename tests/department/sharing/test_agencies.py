"""Agencies: what a law forbids is refused by form, service, ORM and SQL; no query is answered outside an agreement."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from platepost.department.database.roles import COMMAND, OWNER, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.models import Agency, AgencyKind
from platepost.department.ledger.writing import append
from platepost.department.people.authorization import authorization_of
from platepost.department.people.errors import PersonError
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole, Permission
from platepost.department.people.services import give_role
from platepost.department.policy.errors import PurposeError
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import DEFAULT, AccessPurpose
from platepost.department.sharing.agencies import (
    confirm_agency,
    confirm_agreement,
    end_agreement,
    enter_agreement,
    register_agency,
    verify_agency,
)
from platepost.department.sharing.errors import SharingError, refusals
from platepost.department.sharing.models import SharingAgreement
from tests.department.emptying import empty
from tests.department.law import bind
from tests.department.ledger.asked import ASKED, handmade
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role
from tests.department.sharing.conftest import AGENCIES, agreed_with, in_state, sql

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_agency")]
OUTSIDE = [kind.value for kind in AgencyKind if kind is not AgencyKind.IN_STATE]
BOUND = [law.name for law in LAWS.values() if law.shares_in_state_only]
Pages = Callable[..., Any]
TODAY = timezone.now().date()
SAID: dict[str, Any] = {"says": "MOU 3", "purposes": ["patrol"], "scope": ["search"]}
TERM = {"begins": TODAY, "ends": TODAY + timedelta(days=30)}
AGREED = (
    "INSERT INTO ledger_sharing (agency, says, purposes, scope, begins, ends, person)"
    " VALUES (%s, 'MOU', '{patrol}', '{search}', current_date, current_date + %s, %s)"
)


def outside(kind: str) -> None:
    register_agency(Agency(name="outside", kind=AgencyKind(kind), allowed=False, note="n"), person="r.manager")


def agree_outside(_: str, agency: str = "outside", days: int = 30) -> SharingAgreement:
    return enter_agreement(agency, **SAID, begins=TODAY, ends=TODAY + timedelta(days=days), person="r.manager")


class Forbidden(NamedTuple):
    """What is tried of a kind of agency, in four ways, after something was made ready."""

    rule: str
    says: str
    """What the form says, beginning with a refusal or that there is no such choice."""
    form: Callable[[Pages, str], HttpResponse]
    service: Callable[[str], object]
    orm: Callable[[str], object]
    sql: Callable[[str], object]
    ready: Callable[[str], object] = lambda _: None


FORBIDDEN = {
    "a grant": Forbidden(
        "ledger_agency_in_state",
        "Refused: the law allows nothing",
        form=lambda pages, kind: pages(
            "/agencies/set/", name="outside", title="Outside", kind=kind, allowed="on", note="n"
        ),
        service=lambda kind: register_agency(
            Agency(name="outside", kind=AgencyKind(kind), allowed=True, note="n"), person="r.manager"
        ),
        orm=lambda kind: Agency(name="outside", kind=kind, allowed=True, note="n").save_base(force_insert=True),
        sql=lambda kind: sql("INSERT INTO ledger_agency (name, kind, allowed, note) VALUES ('o', %s, true, 'n')", kind),
    ),
    "an agreement": Forbidden(
        "sharing_in_state",
        "Select a valid choice. outside is not one",
        ready=outside,
        form=lambda pages, _: pages("/agencies/agree/", agency="outside", **SAID, **TERM),
        service=agree_outside,
        orm=lambda _: SharingAgreement.objects.create(agency_id="outside", person="r.manager", **SAID, **TERM),
        sql=lambda _: sql(AGREED, "outside", 30, "r.manager"),
    ),
    "another kind, where there is an agreement": Forbidden(
        "sharing_in_state",
        "Refused: the law allows no",
        ready=lambda _: agreed_with("oakdale-pd"),
        form=lambda pages, kind: pages("/agencies/set/", name="oakdale-pd", title="Oakdale", kind=kind, note="n"),
        service=lambda kind: register_agency(
            Agency(name="oakdale-pd", kind=AgencyKind(kind), allowed=False, note="n"), person="r.manager"
        ),
        orm=lambda kind: Agency.objects.filter(name="oakdale-pd").update(kind=kind, allowed=False),
        sql=lambda kind: sql("UPDATE ledger_agency SET allowed = false, kind = %s", kind),
    ),
    "no end": Forbidden(
        "sharing_ends",
        "Refused: an agreement ends",
        ready=lambda _: agreed_with("oakdale-pd"),
        form=lambda pages, _: pages("/agencies/agree/", agency="oakdale-pd", **SAID, begins=TODAY, ends="2099-01-01"),
        service=lambda _: agree_outside("", "oakdale-pd", 1097),
        orm=lambda _: SharingAgreement.objects.create(
            agency_id="oakdale-pd", person="r.manager", **SAID, begins=TODAY, ends=date(2099, 1, 1)
        ),
        sql=lambda _: sql(AGREED, "oakdale-pd", 1097, "r.manager"),
    ),
    "by an operator": Forbidden(
        "sharing_role",
        "You may not do this",
        ready=lambda _: agreed_with("oakdale-pd"),
        form=lambda pages, _: pages("/agencies/agree/", "o", agency="oakdale-pd", **SAID, **TERM),
        service=lambda _: verify_agency("oakdale-pd", "seen", TODAY, person="o.person"),
        orm=lambda _: SharingAgreement.objects.create(agency_id="oakdale-pd", person="o.person", **SAID, **TERM),
        sql=lambda _: sql(AGREED, "oakdale-pd", 30, "o.person"),
    ),
    "an agreement that was ended": Forbidden(
        "sharing_final",
        "Refused: this cannot be changed",
        ready=lambda _: end_agreement(agreed_with("oakdale-pd"), person="r.manager"),
        form=lambda pages, _: pages("/agencies/end/", agreement=SharingAgreement.objects.get().pk),
        service=lambda _: end_agreement(SharingAgreement.objects.get(), person="r.manager"),
        orm=lambda _: SharingAgreement.objects.update(ended_at=None, ended_by=None),
        sql=lambda _: sql("UPDATE ledger_sharing SET ends = ends + 1"),
    ),
}


@pytest.fixture
def pages(people: dict[str, DepartmentPerson]) -> Pages:
    clients = {who: fresh_client_of(people[who]) for who in "or"}
    return lambda address, who="r", **fields: clients[who].post(address, fields)


@pytest.mark.parametrize("law", BOUND)
def test_forbidden_grants(
    law: str, pages: Pages, superuser: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_text(DEFAULT.read_text("utf-8").replace('"california"', f'"{law}"'))
    bind(superuser.execute, law)
    for name, case in FORBIDDEN.items():
        # A rule that is the same for every kind is tried with one.
        for kind in OUTSIDE if "in_state" in case.rule and law == "california" else OUTSIDE[:1]:
            empty(superuser, *AGENCIES)
            case.ready(kind)
            before = sql("SELECT (SELECT count(*) FROM ledger_agency WHERE allowed), count(*) FROM ledger_sharing")
            with as_role(COMMAND):
                answer = case.form(pages, kind)
            assert answer.status_code in {403, 409}, (name, kind)
            assert case.says in answer.content.decode(), (name, kind, answer.content.decode())
            for way in (case.service, case.orm, case.sql):
                by_service = way is case.service
                with (
                    pytest.raises(SharingError) as refused,
                    as_role(WEB if by_service else OWNER),
                    refusals(),
                    transaction.atomic(),
                ):
                    way(kind)
                assert refused.value.rule == case.rule, (name, kind)
            after = sql("SELECT (SELECT count(*) FROM ledger_agency WHERE allowed), count(*) FROM ledger_sharing")
            assert after == before, name


def run(query: str, values: Sequence[Any] = ()) -> None:
    sql(query, *values)


def test_no_change_of_the_law_leaves_a_grant_behind(people: dict[str, DepartmentPerson]) -> None:
    bind(run, "other")
    outside("federal")
    sql("UPDATE ledger_agency SET allowed = true")
    created = agree_outside("")
    sql("UPDATE ledger_agency SET allowed = false")
    with pytest.raises(SharingError), refusals():
        bind(run, "california")
    end_agreement(created, person="r.manager")
    bind(run, "california")


def test_register_by_its_page(pages: Pages, people: dict[str, DepartmentPerson]) -> None:
    with as_role(COMMAND):
        client, supervisor = fresh_client_of(people["r"]), fresh_client_of(people["s"])
        pages(
            "/agencies/set/",
            name="oakdale-pd",
            title="Oakdale Police Department",
            ori="CA0010100",
            kind="in_state",
            allowed="on",
            note="its chief wrote",
        )
        pages("/agencies/verify/", agency="oakdale-pd", says="called back", until=TODAY + timedelta(days=9))
        assert pages("/agencies/agree/", agency="oakdale-pd", **SAID, **TERM).status_code == 302
        agreement = SharingAgreement.objects.get().pk
        for what, named in (("agency", {"agency": "oakdale-pd"}), ("agreement", {"agreement": agreement})):
            own = pages(f"/agencies/confirm/{what}/", **named)
            assert (own.status_code, "another person than" in own.content.decode()) == (409, True)
            with pytest.raises(PurposeError, match=r"no second person|no active agreement"):
                open_entry(**ASKED | {"purpose": AccessPurpose("patrol", on_behalf_of="oakdale-pd")})
            assert supervisor.post(f"/agencies/confirm/{what}/", named).status_code == 302
        page = client.get("/agencies/").content.decode()
    assert "Verified by r.manager" in page
    assert "search for patrol" in page
    with as_role(COMMAND):
        open_entry(**ASKED | {"purpose": AccessPurpose("patrol", on_behalf_of="oakdale-pd")}).shown()
        pages("/agencies/end/", agreement=SharingAgreement.objects.get().pk)
        with pytest.raises(PurposeError, match="no active agreement"):
            open_entry(**ASKED | {"purpose": AccessPurpose("patrol", on_behalf_of="oakdale-pd")})
    events = [
        event for (event,) in sql("SELECT event FROM ledger_entry WHERE event ~ '^(agency|sharing)' ORDER BY number")
    ]
    assert events[-6:] == [
        "agency_set",
        "agency_verified",
        "sharing_agreed",
        "agency_confirmed",
        "sharing_confirmed",
        "sharing_ended",
    ]


def test_person_of_another_agency_needs_its_agreement(people: dict[str, DepartmentPerson]) -> None:
    """Whoever enters an agency by a label, an office or a vendor among them, no one of it searches."""
    of_oakdale = DepartmentPerson.objects.create(login="b.stone", name="B", agency="oakdale-pd")
    with pytest.raises(PersonError, match="no agreement gives people of this agency access"):
        give_role(of_oakdale, DepartmentRole.OPERATOR)
    give_role(of_oakdale, DepartmentRole.TRAINER)
    agreed_with("oakdale-pd", purposes=["patrol"])
    colleague = new_person("c.reed", DepartmentRole.OPERATOR)
    DepartmentPerson.objects.filter(pk=colleague.pk).update(agency="oakdale-pd")
    colleague.refresh_from_db()
    asked = ASKED | {"person": "c.reed", "agency": "oakdale-pd"}
    with as_role(COMMAND):
        assert authorization_of(colleague).may(Permission.SEARCH)
        open_entry(**asked | {"purpose": AccessPurpose("patrol")}).shown()
        with pytest.raises(LedgerError):
            open_entry(**asked | {"purpose": AccessPurpose("stolen vehicle", "26-1")})
        end_agreement(SharingAgreement.objects.get(), person="r.manager")
        (lack,) = authorization_of(colleague).lacks(Permission.SEARCH)
        assert (lack.what, lack.ask) == (
            "No agreement gives people of oakdale-pd access: no active agreement covers this purpose.",
            ("r.manager",),
        )
        assert authorization_of(colleague).may(Permission.SEE_STATUS)
        with pytest.raises(LedgerError):
            open_entry(**asked | {"purpose": AccessPurpose("patrol")})


def test_days_of_an_agreement_are_the_department_s(
    people: dict[str, DepartmentPerson], superuser: psycopg.Connection
) -> None:
    agreed_with("oakdale-pd", begins=date(2026, 6, 1), ends=date(2026, 6, 30))
    superuser.execute("SET session_replication_role = replica")  # all of it was entered in May
    for table, column in (("verification", "at"), ("sharing", "at"), ("sharing", "confirmed_at")):
        superuser.execute(f"UPDATE ledger_{table} SET {column} = '2026-05-01'")
    superuser.execute("SET session_replication_role = origin")
    superuser.execute("UPDATE ledger_department SET timezone = 'America/Los_Angeles'")
    asked = "SELECT ledger_agency_refusal('oakdale-pd', 'stolen vehicle', 'search', %s) IS NULL"
    begin, minute = datetime(2026, 6, 1, 7, tzinfo=UTC), timedelta(minutes=1)
    moments = [begin - minute, begin, begin + timedelta(days=30) - minute, begin + timedelta(days=30)]
    matches = [sql(asked, moment) for moment in moments]
    superuser.execute("UPDATE ledger_department SET timezone = 'UTC'")
    assert matches == [[(False,)], [(True,)], [(True,)], [(False,)]]


# --- random agreements

DAYS = st.integers(-3, 3)
PURPOSES = ("stolen vehicle", "patrol", "missing person")
SOME = st.lists(st.sampled_from(PURPOSES), min_size=1, unique=True)
AGREEMENT = st.fixed_dictionaries(
    {
        "agency": st.sampled_from(("oakdale-pd", "elm-pd")),
        "purposes": SOME,
        "scope": st.lists(st.sampled_from(SharingAgreement.SCOPES), min_size=1, unique=True),
        "begins": DAYS,
        "length": st.integers(0, 3),
        "ended": st.booleans(),
    }
)
REGISTER = st.fixed_dictionaries({"allowed": st.sampled_from((True, True, False)), "until": st.integers(-2, 3)})


def is_covered(agency: str, purpose: str, register: dict[str, Any], agreements: list[dict[str, Any]]) -> bool:
    known = register.get(agency)
    return (
        known is not None
        and known["allowed"]
        and known["until"] >= 0
        and any(
            each["agency"] == agency
            and purpose in each["purposes"]
            and "search" in each["scope"]
            and not each["ended"]
            and each["begins"] <= 0 <= each["begins"] + each["length"]
            for each in agreements
        )
    )


def is_answered(purpose: AccessPurpose, *, by_hand: bool) -> bool:
    """Ask for an entry, by the service or by the database's function."""
    fields = json.loads(handmade(purpose=purpose.purpose, case=purpose.case, on_behalf_of=purpose.on_behalf_of))
    try:
        if by_hand:
            append(LedgerEvent.INTENT, fields)
        else:
            open_entry(**ASKED | {"purpose": purpose})
    except (PurposeError, LedgerError):
        return False
    return True


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    agreements=st.lists(AGREEMENT, max_size=4),
    register=st.fixed_dictionaries({"oakdale-pd": REGISTER, "elm-pd": REGISTER}),
)
def test_no_query_is_answered_outside_an_agreement(
    people: dict[str, DepartmentPerson],
    superuser: psycopg.Connection,
    agreements: list[dict[str, Any]],
    register: dict[str, dict[str, Any]],
) -> None:
    empty(superuser, *AGENCIES)
    today = timezone.now().date()
    for name, known in register.items():
        register_agency(in_state(name, allowed=known["allowed"]), person="r.manager")
        confirm_agency(name, person="s.person")
        query = (
            "INSERT INTO ledger_verification (agency, says, until, person, at) VALUES (%s, 's', %s, 'r.manager', %s)"
        )
        sql(query, name, today + timedelta(days=known["until"]), timezone.now() - timedelta(days=9))
    for each in agreements:
        begins = today + timedelta(days=each["begins"])
        term = {"begins": begins, "ends": begins + timedelta(days=each["length"])}
        rate = 60 if "query" in each["scope"] else None
        said_of = {"says": "s", "purposes": each["purposes"], "scope": each["scope"], "per_hour": rate}
        created = enter_agreement(each["agency"], **said_of, **term, person="r.manager")
        confirm_agreement(created, person="s.person")
        if each["ended"]:
            end_agreement(created, person="r.manager")
    for agency in (*register, "nobody-pd"):
        for purpose in PURPOSES:
            asked = AccessPurpose(purpose, "26-1", on_behalf_of=agency)
            with as_role(COMMAND):
                answered = [is_answered(asked, by_hand=by_hand) for by_hand in (False, True)]
            assert answered == [is_covered(agency, purpose, register, agreements)] * 2, (agency, purpose)
