"""Entries: made before anything is read, closed by what was shown, never changed."""

import hashlib
import json
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import AUDITOR, COMMAND, KEEPER, OWNER, PURGER, WEB
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.entries import OpenEntry, Viewer, open_entry
from platepost.department.ledger.errors import ClosedEntryError, LedgerError
from platepost.department.ledger.verify import verify_ledger
from platepost.department.ledger.writing import append
from platepost.department.policy.policy import DEFAULT
from tests.department.ledger.asked import ASKED, handmade
from tests.department.ledger.conftest import Connect, Damaging
from tests.department.roles import as_role


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entries(connect: Connect) -> list[tuple[Any, ...]]:
    with connect(AUDITOR) as other:
        return other.execute("SELECT number, event, entry, refers_to FROM ledger_entry ORDER BY number").fetchall()


def bodies(connect: Connect, entry: object) -> dict[str, Any]:
    with connect(SUPERUSER) as other:
        rows = other.execute("SELECT field, value FROM ledger_body WHERE entry = %s", [entry])
        return {field: json.loads(value) for field, value in rows}


def is_open(entry: object, role: str = WEB) -> bool:
    with as_role(role), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('platepost.entry', %s, true), ledger_open()", [str(entry)])
        cursor.execute("SELECT ledger_open()")
        (matches,) = cursor.fetchone()
    return bool(matches)


def test_intent_is_committed_before_it_may_read(connect: Connect) -> None:
    with as_role(COMMAND):
        entry = open_entry(**ASKED, groups=["narcotics"])
    assert entries(connect) == [(1, "intent", entry.entry, None)]
    fields = {"case": "26-00417", "reason": None, "on_behalf_of": None, "exigent": False, "groups": ["narcotics"]}
    policy = hashlib.sha256(DEFAULT.read_bytes()).hexdigest()
    assert bodies(connect, entry.entry) == {**ASKED, "purpose": "stolen vehicle", **fields, "policy": policy}


def test_what_was_fetched_closes_it(connect: Connect) -> None:
    with as_role(COMMAND):
        with open_entry(**ASKED) as entry:
            entry.fetched(records=[7, 5])
            entry.fetched(records=[7], pictures=[(5, "patch")])
        assert not is_open(entry.entry)
    (_, (_, event, shown, refers_to)) = entries(connect)
    assert (event, refers_to) == ("shown", entry.entry)
    assert bodies(connect, shown) == {"records": [7, 5], "pictures": [[5, "patch"]], "covert": {}}
    with pytest.raises(ClosedEntryError):
        entry.fetched(records=[8])


def test_what_others_are_shown_too_is_entered_of_each_in_one_step(connect: Connect) -> None:
    with as_role(COMMAND):
        entry = open_entry(**ASKED, groups=["narcotics"])
        entry.fetched(records=[5, 7], pictures=[(5, "patch")])
        entry.fetched(records=[9], group="narcotics")
        entry.shown(also_to=[Viewer("b.chen", "springfield"), Viewer("c.diaz", "shelbyville")])
        assert not is_open(entry.entry)
    created = entries(connect)
    opened, closed = [created[0], *created[1:3]], created[3:]
    assert [event for _, event, *_ in created] == ["intent"] * 3 + ["shown"] * 3
    assert [refers_to for *_, refers_to in closed] == [intent for _, _, intent, _ in opened]
    fields = [bodies(connect, intent) for _, _, intent, _ in opened]
    people = [("a.rivera", "springfield"), ("b.chen", "springfield"), ("c.diaz", "shelbyville")]
    assert [(each.pop("person"), each.pop("agency")) for each in fields] == people
    assert fields[0] == fields[1] == fields[2]
    shown = {"records": [5, 7], "pictures": [[5, "patch"]]}
    covert = {"covert": {"narcotics": {"records": [9], "pictures": []}}}
    assert [bodies(connect, each) for _, _, each, _ in closed] == [shown | covert] * 3
    with connect(KEEPER) as other:
        assert verify_ledger(other).problems == []
        asked = "SELECT count(DISTINCT transaction), count(DISTINCT salt) FROM ledger_entry NATURAL JOIN ledger_body"
        assert other.execute(asked).fetchall() == [(2, 3 * 10 + 3 * 3)]


def test_others_are_entered_with_it_or_nobody_is(connect: Connect) -> None:
    entry = open_entry(**ASKED)
    entry.shown()
    with pytest.raises(LedgerError):
        entry.shown(also_to=[Viewer("b.chen", "springfield")])
    assert len(entries(connect)) == 2


def test_an_error_on_the_way_is_entered_with_what_had_been_fetched(connect: Connect) -> None:
    def fail() -> None:
        with open_entry(**ASKED) as entry:
            entry.fetched(records=[7])
            raise ZeroDivisionError

    with as_role(COMMAND), pytest.raises(ZeroDivisionError):
        fail()
    (_, (_, event, failed, _)) = entries(connect)
    assert event == "failed"
    assert bodies(connect, failed) == {"records": [7], "pictures": [], "covert": {}, "reason": "ZeroDivisionError"}


def test_an_intent_is_closed_once() -> None:
    entry = open_entry(**ASKED)
    entry.shown()
    with pytest.raises(LedgerError):
        entry.shown()


def test_nothing_is_opened_within_a_transaction(connect: Connect) -> None:
    with transaction.atomic(), pytest.raises(LedgerError, match="within a transaction"):
        open_entry(**ASKED)
    assert entries(connect) == []


def test_a_ledger_that_cannot_be_written_opens_nothing(connect: Connect) -> None:
    with as_role(AUDITOR), pytest.raises(LedgerError, match="cannot be written"):
        open_entry(**ASKED)
    assert entries(connect) == []


@pytest.mark.parametrize("event", [LedgerEvent.SHOWN, LedgerEvent.FAILED])
def test_what_closes_refers_to_an_intent(event: LedgerEvent) -> None:
    shown = open_entry(**ASKED)
    shown.shown()
    fields = {"records": [], "pictures": [], "covert": {}} | ({"reason": "x"} if event is LedgerEvent.FAILED else {})
    for refers_to in (None, uuid4()):
        with pytest.raises(LedgerError):
            append(event, fields, refers_to=refers_to)


def test_event_that_is_not_in_the_catalog_is_refused(connect: Connect) -> None:
    with connect(WEB) as other, pytest.raises(psycopg.errors.CheckViolation, match="no event"):
        other.execute("SELECT ledger_append('unheard_of', NULL, '{}')")


def test_number_that_is_rolled_back_is_given_again(connect: Connect) -> None:
    with connect(COMMAND) as other:
        other.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
        other.rollback()
    open_entry(**ASKED)
    assert [number for number, *_ in entries(connect)] == [1]


def test_numbers_have_no_gap_with_many_at_once(connect: Connect) -> None:
    def enter() -> None:
        with connect(COMMAND) as other:
            for _ in range(20):
                other.execute("SELECT ledger_append('intent', NULL, %s)", [handmade()])
                other.commit()

    threads = [threading.Thread(target=enter) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connect(KEEPER) as other:
        verdict = verify_ledger(other)
    assert verdict.entries == 100
    assert verdict.problems == []


@pytest.mark.parametrize(
    "fields",
    [
        {"query": {"z": 1.50, "a": None, "note": 'a "quoted"  name, \\ and \u2028 é'}},
        {"case": None, "groups": ["a", "b"], "query": {"posts": []}},
    ],
    ids=["odd", "several"],
)
def test_database_and_verifier_agree(connect: Connect, fields: dict[str, Any]) -> None:
    append(LedgerEvent.INTENT, json.loads(handmade(**fields)))
    with connect(KEEPER) as other:
        assert verify_ledger(other).problems == []


class TestOpen:
    """When records may be read by an entry."""

    def test_after_its_commit(self) -> None:
        assert is_open(open_entry(**ASKED).entry)

    def test_not_without_one(self, connect: Connect) -> None:
        with connect(WEB) as other:
            assert other.execute("SELECT ledger_open(), ledger_groups()").fetchone() == (False, [])
        assert not is_open(uuid4())
        assert not is_open("")

    def test_not_in_the_transaction_that_made_it(self, connect: Connect) -> None:
        """Rolled back, nothing would tell of what was read."""
        with connect(COMMAND) as other:
            query = "SELECT set_config('platepost.entry', ledger_append('intent', NULL, %s)::text, false)"
            other.execute(query, [handmade()])
            other.execute("SAVEPOINT within")
            assert other.execute("SELECT ledger_open()").fetchone() == (False,)
            other.commit()
            assert other.execute("SELECT ledger_open()").fetchone() == (True,)

    def test_not_by_an_entry_of_another_event(self) -> None:
        entry = open_entry(**ASKED)
        fields: dict[str, object] = {"records": [], "pictures": [], "covert": {}}
        assert not is_open(append(LedgerEvent.SHOWN, fields, refers_to=entry.entry))

    def test_not_when_it_is_old(self, damaging: Damaging) -> None:
        entry = open_entry(**ASKED)
        with damaging() as superuser:
            superuser.execute("UPDATE ledger_entry SET at = at - interval '5 minutes'")
        assert not is_open(entry.entry)

    def test_groups_are_the_entry_s_own(self, connect: Connect) -> None:
        entry = open_entry(**ASKED, groups=["narcotics", "homicide"])
        with connect(WEB) as other:
            asked = "SELECT ledger_groups() FROM set_config('platepost.entry', %s, false)"
            other.execute(asked, [str(entry.entry)])
            assert other.execute("SELECT ledger_groups()").fetchone() == (["narcotics", "homicide"],)
            entry.shown()
            assert other.execute("SELECT ledger_groups()").fetchone() == ([],)


class TestFinal:
    """No one changes what was entered."""

    @pytest.mark.parametrize("role", [OWNER, WEB, AUDITOR, PURGER, "postgres"])
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entry SET at = now()",
            "DELETE FROM ledger_entry",
            "TRUNCATE ledger_entry CASCADE",
            "UPDATE ledger_body SET value = ''",
            "TRUNCATE ledger_body",
            "DELETE FROM ledger_body",
            "SET session_replication_role = replica; DELETE FROM ledger_entry",
        ],
    )
    def test_by(self, connect: Connect, role: str, statement: str) -> None:
        open_entry(**ASKED)
        with connect(role) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(statement)

    def test_owner_is_refused_where_no_row_would_change(self, connect: Connect) -> None:
        with connect(OWNER) as other, pytest.raises(psycopg.Error, match="never changed"):
            other.execute("UPDATE ledger_entry SET at = now() WHERE number = -1")


def test_entry_is_a_type() -> None:
    """What is no entry opens nothing in the database, no matter who makes one."""
    assert not is_open(OpenEntry(uuid4()).entry)
