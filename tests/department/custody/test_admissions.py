"""What a key signed after its end counts once two persons admit it, and no longer once that ends."""

from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test import override_settings

from platepost.common.files import StateFile
from platepost.department.custody.admissions import (
    admissions,
    ask_admission,
    confirm_admission,
    end_admission,
    record_stolen,
)
from platepost.department.custody.errors import AdmissionError
from platepost.department.custody.store import CustodyStore
from platepost.department.database.roles import WEB
from platepost.department.people.models import DepartmentPerson
from platepost.department.people.rights import DepartmentRole
from platepost.provisioning.fleet.register import PostKey, PostKeyRegister, PostKeys
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import NOW, SIGNER, Post, deliveries
from tests.department.people.persons import fresh_client_of, new_person
from tests.department.roles import as_role

_REFUSED = psycopg.errors.InsufficientPrivilege | psycopg.errors.CheckViolation
END = NOW - timedelta(days=3)
"""When the unit's key was revoked, while it was away."""


@pytest.fixture(autouse=True)
def people(rows: Rows) -> dict[str, DepartmentPerson]:
    roles = {
        "m.admin": DepartmentRole.ADMINISTRATOR,
        "n.admin": DepartmentRole.ADMINISTRATOR,
        "s.super": DepartmentRole.SUPERVISOR,
        "o.officer": DepartmentRole.OPERATOR,
    }
    return {login: new_person(login, role) for login, role in roles.items()}


@pytest.fixture
def home(opened: Open, ended: dict[str, datetime]) -> CustodyStore:
    """A store to which the unit has brought two reads of each of four days, the first before its key's end."""
    ended[SIGNER.kid] = END
    post, store = Post(), opened()
    assert store.changed_admissions() == frozenset()
    for days in (4, 2, 1, 0):
        post.now = NOW - timedelta(days=days, minutes=1)
        store.keep(deliveries(post.read(), post.read()))
    return store


def verdicts(rows: Rows) -> list[str]:
    return [verdict for (verdict,) in rows("SELECT verdict FROM custody_judged ORDER BY id")]


def ask(*, since: datetime = END, until: datetime = NOW - timedelta(hours=12), key: str = SIGNER.kid) -> int:
    ask_admission("post-1", key, since, until, "in the shop; work order 7731", person="m.admin")
    return admissions()[0].id


def judge_changed(store: CustodyStore) -> None:
    for post in store.changed_admissions():
        for _ in store.judge_again(post):
            pass


def test_two_persons_admit_what_a_named_post_signed_in_a_named_time(home: CustodyStore, rows: Rows) -> None:
    assert verdicts(rows) == ["genuine"] * 2 + ["forged"] * 6
    with as_role(WEB):
        number = ask()
        judge_changed(home)
        assert verdicts(rows).count("genuine") == 2, "one person admits nothing"
        confirm_admission(number, person="s.super")
    judge_changed(home)
    assert verdicts(rows) == ["genuine"] * 6 + ["forged"] * 2, "the last two were signed after the span"
    assert rows("SELECT count(*) FROM custody_read") == [(6,)]
    admitted = "made after its key's end; admitted by m.admin and s.super"
    shown = [reason for (reason,) in rows("SELECT reason FROM custody_judged WHERE verdict = 'genuine' ORDER BY id")]
    assert shown == ["", "", *[admitted] * 4]
    entered = rows(
        "SELECT event, field, value FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event IN ('admission_asked', 'records_admitted') AND field LIKE '%%ed_by' ORDER BY number, field"
    )
    assert entered[-3:] == [
        ("admission_asked", "asked_by", '"m.admin"'),
        ("records_admitted", "asked_by", '"m.admin"'),
        ("records_admitted", "confirmed_by", '"s.super"'),
    ]


@pytest.mark.parametrize("stolen", [False, True])
def test_what_was_admitted_no_longer_counts_once_that_ends(
    home: CustodyStore, opened: Open, rows: Rows, ended: dict[str, datetime], clock: list[datetime], *, stolen: bool
) -> None:
    with as_role(WEB):
        number = ask(until=NOW)
        confirm_admission(number, person="n.admin")
    judge_changed(home)
    assert verdicts(rows) == ["genuine"] * 8
    clock[0] = NOW + timedelta(days=200)  # long after the register told of the end
    with as_role(WEB):
        (record_stolen if stolen else end_admission)(number, person="s.super")
    store = opened()  # a keeper that did not run meanwhile
    judge_changed(store)
    assert verdicts(rows) == ["genuine"] * 2 + ["forged"] * 6
    assert rows("SELECT count(*) FROM custody_read") == [(2,)]
    with as_role(WEB):
        if stolen:
            with pytest.raises(AdmissionError, match="stolen"):
                ask()
        else:
            assert ask() > number


def test_the_database_holds_each_to_their_part(home: CustodyStore, rows: Rows) -> None:
    with as_role(WEB):
        with pytest.raises(AdmissionError, match="administrator"):
            ask_admission("post-1", SIGNER.kid, END, NOW, "mine", person="o.officer")
        with pytest.raises(AdmissionError, match="over"):
            ask(until=datetime.now(NOW.tzinfo) + timedelta(days=1))
        number = ask()
        for person, why in (("m.admin", "another person"), ("o.officer", "administrator, supervisor")):
            with pytest.raises(AdmissionError, match=why):
                confirm_admission(number, person=person)
        confirm_admission(number, person="s.super")
        with pytest.raises(AdmissionError, match="already"):
            confirm_admission(number, person="n.admin")
        for statement in (
            "UPDATE custody_admission SET until = now()",
            "UPDATE custody_admission SET confirmed_by = 'n.admin', ended_by = 'n.admin'",
            "UPDATE custody_admission SET stolen = true",
            "DELETE FROM custody_admission",
            "INSERT INTO custody_admission (id, confirmed_by) OVERRIDING SYSTEM VALUE VALUES (99, 's.super')",
        ):
            with pytest.raises(DatabaseError) as refused, connection.cursor() as cursor:
                cursor.execute(statement)
            assert isinstance(refused.value.__cause__, _REFUSED)


def test_the_page_offers_keys_that_ended_and_names_both_persons(
    people: dict[str, DepartmentPerson], tmp_path: Path
) -> None:
    since, pem = NOW - timedelta(days=90), SIGNER.public_pem.decode()
    key = PostKey(kid=SIGNER.kid, public_key=pem, since=since, until=END, ended="revoked")
    register = PostKeyRegister(agency="riverside", number=1, issued=NOW, posts=(PostKeys(name="post-1", keys=(key,)),))
    StateFile(tmp_path / "register.json", PostKeyRegister, about="it").write(register)
    asked = {"key": f"post-1 {SIGNER.kid}", "reason": "in the shop"}
    early = {"since": f"{END - timedelta(days=2):%Y-%m-%dT%H:%M}", "until": f"{NOW - timedelta(days=1):%Y-%m-%dT%H:%M}"}
    late = early | {"since": f"{END + timedelta(days=1):%Y-%m-%dT%H:%M}"}
    admin, supervisor, officer = (fresh_client_of(people[login]) for login in ("m.admin", "s.super", "o.officer"))
    with override_settings(STORED_REGISTER=tmp_path / "register.json"), as_role(WEB):
        assert f"post-1: {SIGNER.kid[:12]}, revoked" in admin.get("/admissions/").content.decode()
        assert officer.post("/admissions/ask/", asked | late).status_code == 403
        refused = admin.post("/admissions/ask/", asked | early)
        assert (refused.status_code, "had not ended then" in refused.content.decode()) == (422, True)
        assert admin.post("/admissions/ask/", asked | late).status_code == 302
        (admission,) = admissions()
        assert admin.post(f"/admissions/{admission.id}/confirm/").status_code == 422
        assert supervisor.post(f"/admissions/{admission.id}/confirm/").status_code == 302
        page = officer.get("/admissions/").content.decode()
        assert "Asked by m.admin" in page
        assert "Confirmed by s.super" in page
        assert supervisor.post(f"/admissions/{admission.id}/stolen/").status_code == 302
        assert "the key was stolen" in officer.get("/admissions/").content.decode()
