"""Under the law `strict` no one searches before a supervisor has approved it; the database holds to it, too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_django.fixtures import Settings

from platepost.department.database.roles import COMMAND
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.reviews import decide_search, open_approvals
from platepost.department.ledger.writing import append
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.errors import ApprovalNeededError
from platepost.department.policy.policy import ALARM, DEFAULT, AccessPurpose
from tests.department.law import bind
from tests.department.ledger.asked import handmade
from tests.department.ledger.conftest import Connect
from tests.department.people.persons import client_of, new_person, page_text
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)
CASE = AccessPurpose("stolen vehicle", "26-00417")
QUERY = {"plate": "7AB?12*", "look_alikes": 1}


@pytest.fixture
def strict(connect: Connect, settings: Settings, tmp_path: Path) -> Iterator[psycopg.Connection]:
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_text(DEFAULT.read_text("utf-8").replace('"california"', '"strict"'))
    with connect("postgres") as superuser:
        superuser.autocommit = True
        bind(superuser.execute, "strict")
        yield superuser
        bind(superuser.execute, "california")


def may(query: dict[str, Any], purpose: AccessPurpose = CASE, person: str = "o.person") -> tuple[bool, bool]:
    """Tell whether someone may search by the service, and by hand."""
    with as_role(COMMAND):
        try:
            open_entry(person=person, agency="riverside", purpose=purpose, query=query).shown()
            by_service = True
        except ApprovalNeededError:
            by_service = False
        fields = {
            "person": person,
            "purpose": purpose.purpose,
            "case": purpose.case,
            "reason": purpose.reason,
            "query": query,
        }
        try:
            append(LedgerEvent.INTENT, json.loads(handmade(**fields, exigent=purpose.exigent)))
        except LedgerError as error:
            assert "a supervisor approves each search" in str(error)  # noqa: PT017 - which rule
            return by_service, False
    return by_service, True


def test_search_is_approved_by_somebody_else_first(strict: psycopg.Connection) -> None:
    for login, role in (("o.person", DepartmentRole.OPERATOR), ("s.person", DepartmentRole.SUPERVISOR)):
        new_person(login, role)
    assert may(QUERY) == (False, False)
    (waits,) = [each for each in open_approvals() if each.person == "o.person"]
    assert (waits.purpose, waits.case) == ("stolen vehicle", "26-00417")
    page = client_of(new_person("t.person", DepartmentRole.SUPERVISOR))
    with as_role(COMMAND):
        shown = page_text(page.get("/reviews/"))
        assert "o.person" in shown
        assert "7AB" not in shown
        fields = {"search": waits.entry, "approved": "True", "note": "as the report says"}
        assert page.post("/reviews/", fields).status_code == 302
        assert page.post("/reviews/", fields).status_code == 422, "decided once"
    assert [each for each in open_approvals() if each.person == "o.person"] == []
    assert may(QUERY) == (True, True)
    assert may({**QUERY, "opened": "7AB1123"}) == (True, True), "what narrows it"
    for query, purpose, person in (
        ({"plate": "8QX*"}, CASE, "o.person"),
        (QUERY, AccessPurpose("stolen vehicle", "26-00418"), "o.person"),
        (QUERY, AccessPurpose("patrol"), "o.person"),
        (QUERY, CASE, "p.person"),
    ):
        assert may(query, purpose, person) == (False, False), (query, purpose, person)
    strict.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_is_final")
    strict.execute("UPDATE ledger_entry SET at = at - interval '25 hours' WHERE event = 'search_approved'")
    strict.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_is_final")
    assert may(QUERY) == (False, False), "for a day"


def approved(query: dict[str, Any]) -> None:
    """Have a search of `o.person` approved."""
    assert may(query) == (False, False)
    (*_, waits) = [each for each in open_approvals() if each.person == "o.person"]
    with as_role(COMMAND):
        decide_search(waits.entry, person="s.person", approved=True, note="n")


@pytest.mark.parametrize(
    ("query", "narrower", "wider"),
    [
        (
            {"plate": "7ABC123"},
            [{"posts": ["post-1"]}, {"since": "2026-03-01T00:00:00Z"}, {"opened": "7ABC123", "record": 7}],
            [
                *({"look_alikes": 2}, {"one_wrong": True}, {"departments": ["oakdale-pd"]}),
                {"opened": "8QXZ999", "other_plate": True},
            ],
        ),
        (
            {"posts": ["post-1", "post-2"], "since": "2026-03-01T14:00:00Z", "until": "2026-03-01T15:00:00Z"},
            [{"posts": ["post-2"]}, {"plate": "7A*"}, {"hours": [14]}],
            [{"posts": ["post-1", "post-2", "post-3"]}, {"posts": []}, {"until": "2026-03-31T15:00:00Z"}],
        ),
        (
            {"plate": "7AB?12*", "weekdays": [1], "departments": ["oakdale-pd", "elm-pd"]},
            [{"departments": ["elm-pd"]}],
            [{"weekdays": [1, 2]}, {"departments": ["elm-pd", "far-pd"]}],
        ),
        (
            {"scenes": [{"posts": ["post-1"]}]},
            [],
            [{"scenes": [{"posts": ["post-1"]}, {"posts": ["post-2"]}]}, {"least": 2}],
        ),
    ],
)
def test_what_was_approved_is_narrowed_and_never_widened(
    strict: psycopg.Connection, query: dict[str, Any], narrower: list[dict[str, Any]], wider: list[dict[str, Any]]
) -> None:
    approved(query)
    for more in narrower:
        assert may(query | more) == (True, True), more
    for more in wider:
        assert may(query | more) == (False, False), more


def shown_record(query: dict[str, Any], *, record: int, group: str | None = None) -> str:
    """Have `o.person` be shown a record, and return the entry."""
    purpose = AccessPurpose(ALARM) if "console" in query else CASE
    with as_role(COMMAND), open_entry(person="o.person", agency="riverside", purpose=purpose, query=query) as entry:
        entry.fetched(records=[record], group=group)
    return str(entry.entry)


def test_a_picture_is_one_of_a_read_that_an_approved_search_has_shown(strict: psycopg.Connection) -> None:
    asked = {"record": 7, "picture": "patch"}
    console = shown_record({"console": [7]}, record=7)
    approved(QUERY)
    matches = shown_record({**QUERY, "opened": "7AB1123", "record": 7}, record=7)
    covert = shown_record({**QUERY, "opened": "7AB1123", "record": 8}, record=8, group="narcotics")
    assert may({**asked, "found_by": matches}) == (True, True)
    assert may({**asked, "found_by": covert, "record": 8}) == (True, True)
    for other in ({}, {"found_by": matches, "record": 8}, {"found_by": covert}, {"found_by": console}):
        assert may({**asked, **other}) == (False, False), "neither that search nor another one showed it"
    for purpose, person in ((CASE, "p.person"), (AccessPurpose("stolen vehicle", "26-00418"), "o.person")):
        assert may({**asked, "found_by": matches}, purpose, person) == (False, False)
    approved({"record": 9, "picture": "patch"})
    assert may({"record": 9, "picture": "patch"}) == (True, True), "or it was approved itself"


def test_own_approval_and_a_denial_let_nobody_search(strict: psycopg.Connection) -> None:
    for person, by, approved in (("s.person", "s.person", True), ("q.person", "s.person", False)):
        assert may(QUERY, CASE, person) == (False, False)
        (waits,) = [each for each in open_approvals() if each.person == person]
        with as_role(COMMAND):
            decide_search(waits.entry, person=by, approved=approved, note="n")
        assert may(QUERY, CASE, person) == (False, False)


def test_what_is_no_search_or_cannot_wait(strict: psycopg.Connection) -> None:
    assert may(QUERY, AccessPurpose("stolen vehicle", reason="a child was taken", exigent=True)) == (True, True)
    assert may({"console": True}, AccessPurpose(ALARM)) == (True, True)
    bind(strict.execute, "california")
    assert may(QUERY)[1], "no other law asks for it"
