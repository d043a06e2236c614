"""What goes into the ledger: by whom, with which fields, and within which transaction."""

import json
import re
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from platepost.department.database.roles import AUDITOR, COMMAND, KEEPER, PURGER, WEB
from platepost.department.ledger.catalog import BodyClass, LedgerEvent, catalog_rows
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.errors import LedgerError
from platepost.department.ledger.writing import append, enter, entering
from platepost.department.policy.errors import ForbiddenPurposeError, PurposeError
from platepost.department.policy.policy import AccessPurpose
from tests.department.ledger.asked import ASKED, handmade
from tests.department.ledger.conftest import Connect
from tests.department.ledger.test_entries import bodies, entries
from tests.department.roles import as_role

LOG_OFF = {"person": "a.rivera"}
HOLD = {"person": "a.rivera", "hold": 7}
PROGRAMS = (WEB, KEEPER, AUDITOR, PURGER)


def test_catalog_is_in_the_database(connect: Connect) -> None:
    with connect(AUDITOR) as auditor:
        matches = auditor.execute("SELECT event, class, carries, refers_to, writers FROM ledger_event").fetchall()
    expected = [
        {name: list(fields) if isinstance(fields, tuple) else fields for name, fields in row.items()}
        for row in catalog_rows()
    ]
    assert sorted(matches) == sorted(tuple(row.values()) for row in expected)


@pytest.mark.parametrize("event", LedgerEvent)
def test_catalog_is_sound(event: LedgerEvent) -> None:
    carries, may = event.kind.carries.split(), event.kind.may_carry.split()
    assert len(event.kind.fields) == len(carries) + len(may)
    assert event.kind.label
    assert {LedgerEvent(name) for name in event.kind.refers_to} <= set(LedgerEvent)
    if event.kind.retention is BodyClass.PERMANENT:
        assert not {"query", "records", "pictures", "plates", "covert", "person_searched"} & event.kind.fields.keys()


@pytest.mark.parametrize("role", PROGRAMS)
def test_role_enters_what_is_its_own(role: str) -> None:
    """The others are refused by the database, whatever a program sends."""
    refused = []
    with as_role(role), connection.cursor() as cursor:
        for event in (event for event in LedgerEvent if not event.kind.refers_to):
            # On behalf of no one: an agency would have to be in the register. A purpose has to be the policy's.
            known = {"on_behalf_of": None, "purpose": "patrol", "case": "26-1"}
            carried = {name: known.get(name, "x") for name in event.kind.required}
            fields = json.dumps(carried | {"class": "access", "until": "2020-01-01T00:00:00Z"})
            try:
                cursor.execute("SELECT ledger_append(%s, NULL, %s)", [event.value, fields])
            except ProgrammingError:  # of insufficient privilege
                refused.append(event)
            except IntegrityError:  # it may, and no plan, or no change of the law, says so
                assert event in {LedgerEvent.ERASED, LedgerEvent.LAW_CHANGED}
    assert refused == [event for event in LedgerEvent if not event.kind.refers_to and role not in event.kind.writers]


@pytest.mark.parametrize("fields", [{}, {"why": "x"}, {**LOG_OFF, "password": "x"}])
def test_fields_are_those_of_the_catalog(fields: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="log_off carries person, not"):
        append(LedgerEvent.LOG_OFF, fields)


@pytest.mark.parametrize("values", [{"person": None}, {"purpose": None}])
def test_nobody_looks_without_a_name_and_a_purpose(values: dict[str, None]) -> None:
    fields = (
        dict.fromkeys(LedgerEvent.INTENT.kind.required, "x") | {"exigent": False, "query": {}, "groups": []} | values
    )
    with pytest.raises(LedgerError):
        append(LedgerEvent.INTENT, fields)


@pytest.mark.parametrize(("hold", "until"), [("7", "2027-06-01"), (True, "2027-06-01"), (7, "soon"), (7, None)])
def test_fields_are_of_the_catalogs_types(hold: object, until: object) -> None:
    with pytest.raises(LedgerError, match=r"hold_reviewed: (hold must be int|until must be date)"):
        append(LedgerEvent.HOLD_REVIEWED, {"person": "a.rivera", "hold": hold, "reason": "claim", "until": until})


def test_change_and_entry_are_one_transaction(connect: Connect) -> None:
    with as_role(COMMAND):
        with entering(LedgerEvent.HOLD_PLACED, HOLD) as entry:
            entry["reason"] = "evidence"
        with pytest.raises(ZeroDivisionError), entering(LedgerEvent.LOG_OFF, LOG_OFF):
            raise ZeroDivisionError
        with pytest.raises(LedgerError), entering(LedgerEvent.HOLD_PLACED, HOLD), connection.cursor() as cursor:
            cursor.execute("INSERT INTO ledger_agency VALUES ('nowhere-pd', 'in_state', true, '', 'CA0010100')")
        with transaction.atomic():
            enter(LedgerEvent.LOG_OFF, LOG_OFF)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ledger_agency WHERE name = 'nowhere-pd'")
            assert cursor.fetchone() == (0,), "what cannot be entered is not done"
    (placed, off) = entries(connect)
    assert (placed[1], off[1]) == ("hold_placed", "log_off")
    assert bodies(connect, placed[2]) == {**HOLD, "reason": "evidence"}


def test_entry_of_a_change_needs_its_transaction() -> None:
    with pytest.raises(LedgerError, match="needs the transaction"):
        enter(LedgerEvent.LOG_OFF, LOG_OFF)


@pytest.mark.parametrize(
    ("purpose", "word"),
    [
        (AccessPurpose("curiosity"), None),
        (AccessPurpose("stolen vehicle"), None),
        (AccessPurpose("patrol", reason="for ICE"), "ICE"),
    ],
)
def test_refused_purpose_is_entered_and_opens_nothing(
    connect: Connect, purpose: AccessPurpose, word: str | None
) -> None:
    with as_role(COMMAND), pytest.raises(PurposeError) as refused:
        open_entry(**ASKED | {"purpose": purpose})
    assert isinstance(refused.value, ForbiddenPurposeError) == (word is not None)
    ((_, event, entry, _),) = entries(connect)
    fields = bodies(connect, entry)
    assert event == "refused"
    assert (fields["person"], fields["purpose"], fields["query"]) == ("a.rivera", purpose.purpose, ASKED["query"])
    assert (fields["why"], fields.get("word")) == (str(refused.value), word)
    assert "forbidden" not in fields, "the first try is nobody's but the person's"


def test_second_forbidden_word_within_a_day_is_for_the_auditors(connect: Connect) -> None:
    for person, reported in (("a.rivera", None), ("b.chen", None), ("a.rivera", "immigration")):
        asked = {**ASKED, "person": person, "purpose": AccessPurpose("patrol", reason="a detainer")}
        with as_role(WEB), pytest.raises(ForbiddenPurposeError) as refused:
            open_entry(**asked)
        assert refused.value.is_again == (reported is not None)
        assert bodies(connect, entries(connect)[-1][2]).get("forbidden") == reported


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"purpose": "patrol", "reason": "for I.C.E."}, 'the policy forbids it: immigration, by "I.C.E"'),
        ({"purpose": "patrol", "reason": "for ICE"}, 'the policy forbids it: immigration, by "ICE"'),
        ({"purpose": "curiosity"}, "not a purpose of the policy"),
        ({"purpose": "stolen vehicle"}, "needs a case number"),
        ({"purpose": "stolen vehicle", "case": "??"}, "not a case number of this department"),
        ({"purpose": "stolen vehicle", "case": "."}, "not a case number of this department"),
        ({"purpose": "missing person", "exigent": True}, "an exigent search needs a reason"),
        ({"purpose": "hot list alarm", "query": {"plate": "TEST123"}}, "for steps at the console alone"),
        ({"purpose": "stolen vehicle", "case": "26-1", "query": {"console": [1]}}, "the console shows hits"),
        ({"purpose": "audit", "query": {"plate": "TEST123"}}, "for these roles alone: auditor"),
        ({"purpose": "audit", "query": {"plate": "TEST123", "sample": 1}}, "for these roles alone: auditor"),
    ],
)
def test_database_lets_nobody_look_for_what_the_policy_has_not(fields: dict[str, object], why: str) -> None:
    with as_role(COMMAND), pytest.raises(PurposeError, match=re.escape(why.replace('"', "'"))):
        append(LedgerEvent.INTENT, json.loads(handmade(**fields)))
