"""The law is changed by two persons, with its entry, or not at all; a law of no list states all that it asks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, transaction
from pytest_django.fixtures import Settings

from platepost.department.config.checks import _law
from platepost.department.database.roles import OWNER, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import append
from platepost.department.people.models import DepartmentPerson
from platepost.department.policy.errors import PolicyError
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import DEFAULT, read_policy
from platepost.department.sharing import laws
from platepost.department.sharing.errors import SharingError
from tests.department.law import OTHER_LAW, bind, establish
from tests.department.people.persons import fresh_client_of
from tests.department.roles import as_role
from tests.department.sharing.conftest import agreed_with, sql

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_agency")]
People = dict[str, DepartmentPerson]


@pytest.fixture
def file(settings: Settings, tmp_path: Path, superuser: psycopg.Connection) -> Callable[[str, str], None]:
    """Return how to write another law into the policy file; afterwards California's binds the database again."""
    settings.POLICY_FILE = tmp_path / "policy.toml"
    settings.POLICY_FILE.write_bytes(DEFAULT.read_bytes())
    establish(LAWS["california"])

    def written(law: str, more: str = "") -> None:
        text = DEFAULT.read_text("utf-8").replace('law = "california"', f'law = "{law}"')
        settings.POLICY_FILE.write_text(text + more)

    return written


def changes() -> list[dict[str, Any]]:
    """Return the fields of the entries of changes of the law, of which tests before this one may have left some."""
    matches = sql(
        "SELECT json_object_agg(field, value::json)::text FROM ledger_entry JOIN ledger_body USING (entry)"
        " WHERE event = 'law_changed' GROUP BY number ORDER BY number"
    )
    return [json.loads(fields) for (fields,) in matches]


def test_two_persons_change_the_law(people: People, file: Callable[..., None], superuser: psycopg.Connection) -> None:
    manager, supervisor = fresh_client_of(people["r"]), fresh_client_of(people["s"])
    file("california_highway_patrol")
    before = changes()
    try:
        with as_role(WEB):
            page = manager.get("/policy/").content.decode()
            assert "the database enforces california until two persons" in page
            assert "Not reviewed by counsel" in page
            assert "Veh. Code 2413" in page
            assert manager.post("/policy/law/propose/").status_code == 302
            refused = manager.post("/policy/law/confirm/")
            assert (refused.status_code, "another person than" in refused.content.decode()) == (409, True)
            assert (laws.bound_law()["law"], changes()) == ("california", before)
            assert [fault.name for fault in _law()][:1] == ["law_differs"]
            assert supervisor.post("/policy/law/confirm/").status_code == 302
            assert [*_law()] == []
        (fields,) = changes()[len(before) :]
        assert (fields["person"], fields["second_person"]) == ("r.manager", "s.person")
        assert (fields["before"]["law"], fields["after"]) == ("california", LAWS["california_highway_patrol"].bound())
        assert sql("SELECT law, ceiling_days FROM archive_term WHERE class = 'no_hit'") == [
            ("california_highway_patrol", 60)
        ]
    finally:
        bind(superuser.execute, "california")


def test_law_that_forbids_a_grant_is_not_confirmed_and_nothing_of_it_is_done(
    people: People, file: Callable[..., None]
) -> None:
    agreed_with("oakdale-pd")
    file("virginia")
    before = changes(), sql("SELECT class, law FROM archive_term ORDER BY class")
    with as_role(WEB):
        laws.propose_law(person="r.manager")
        with pytest.raises(SharingError, match="ORI that begins with the state"):
            laws.confirm_law(person="s.person")
    assert (changes(), sql("SELECT class, law FROM archive_term ORDER BY class")) == before
    assert laws.bound_law()["law"] == "california"


CONFIRM = "UPDATE sharing_law SET confirmed_by = '{}', confirmed_at = now()"
REFUSED: dict[str, tuple[str, str]] = {
    "the owner, without an entry": (OWNER, "UPDATE ledger_law SET law = 'other', in_state_only = false"),
    "the owner, with an entry by one person": (OWNER, "SELECT sharing_bind_law(:other, 'root', NULL)"),
    "the owner, with an entry by one person twice": (OWNER, "SELECT sharing_bind_law(:other, 'r.m', 'R.M')"),
    "the owner, without a law": (OWNER, "DELETE FROM ledger_law"),
    "the pages": (WEB, "UPDATE ledger_law SET law = 'other'"),
    "the pages, by the function": (WEB, "SELECT sharing_bind_law(:other, 'r.manager', 's.person')"),
    "the pages, by an operator": (WEB, "INSERT INTO sharing_law (law, person) VALUES (:other, 'o.person')"),
    "the pages, confirmed by an operator": (
        WEB,
        CONFIRM.format("o.person"),
    ),
    "the pages, confirmed by the same": (
        WEB,
        CONFIRM.format("r.manager"),
    ),
    "the pages, with another law": (WEB, "UPDATE sharing_law SET law = '{}', confirmed_by = 's.person'"),
}


@pytest.mark.parametrize(("role", "statement"), REFUSED.values(), ids=REFUSED)
def test_database_changes_no_law_otherwise(
    people: People, file: Callable[..., None], role: str, statement: str
) -> None:
    file("virginia")
    before = laws.bound_law()
    with as_role(WEB):
        laws.propose_law(person="r.manager")
    other = json.dumps({**LAWS["california"].bound(), "law": "other", "in_state_only": False})
    with as_role(role), pytest.raises(DatabaseError), transaction.atomic():
        sql(statement.replace(":other", f"'{other}'"))
    assert laws.bound_law() == before


def test_entry_of_a_change_that_was_none_is_refused(people: People, file: Callable[..., None]) -> None:
    fields = {"person": "r.manager", "second_person": "s.person", "before": None, "after": LAWS["virginia"].bound()}
    with as_role(WEB), pytest.raises(LedgerError):
        append(LedgerEvent.LAW_CHANGED, fields)


def test_check_shows_a_law_that_nobody_entered(
    people: People, file: Callable[..., None], superuser: psycopg.Connection
) -> None:
    try:
        bind(superuser.execute, "california_highway_patrol")
        assert [fault.name for fault in _law()] == ["law_differs", "law_not_entered"]
    finally:
        bind(superuser.execute, "california")


def test_other_law_states_retention_and_sharing(file: Callable[..., None], settings: Settings) -> None:
    file("other")
    with pytest.raises(PolicyError, match="states retention and sharing"):
        read_policy(settings.POLICY_FILE)
    for lacking in ("keep_at_least_days", "keep_at_most_days", "shares_in_state_only", "state", "sources"):
        lines = [line for line in OTHER_LAW.splitlines() if not line.startswith(lacking)]
        file("other", "\n".join(lines))
        with pytest.raises(PolicyError, match=f"other_law.{lacking}: Field required"):
            read_policy(settings.POLICY_FILE)
    file("california", OTHER_LAW)
    with pytest.raises(PolicyError, match="no other law has one"):
        read_policy(settings.POLICY_FILE)
    file("other", OTHER_LAW.replace("keep_at_least_days = 0", "keep_at_least_days = 36524"))
    with pytest.raises(PolicyError, match="two days more"):
        read_policy(settings.POLICY_FILE)
    file("other", OTHER_LAW)
    assert read_policy(settings.POLICY_FILE).law.state == "CA"


def test_every_law_cites_its_sources() -> None:
    assert {"california", "minnesota", "virginia"} <= LAWS.keys()
    for law in LAWS.values():
        assert law.sources, law.name
        assert law.publication, law.name
