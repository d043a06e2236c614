"""What else has a term goes by a plan: bodies of the ledger, and work that people saved."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import transaction

from department.archive import purge as purging
from department.archive.holds import HeldScope, place_hold
from department.archive.purge import certificate
from department.archive.retention import establish
from department.custody.certificate import read_certificate
from department.database.roles import KEEPER, WEB, as_role
from department.ledger.entries import open_entry
from department.ledger.verify import verify_ledger
from department.policy.policy import AccessPurpose
from tests.department.archive.conftest import Purge, Rows

LEAST = "UPDATE ledger_class SET least = '{} days'; UPDATE archive_law SET floor_days = {} WHERE class LIKE 'ledger%%'"


@pytest.fixture
def ending_now(empty: None, superuser: psycopg.Connection) -> Iterator[None]:
    """Have the year of the ledger's bodies be over at once: their time is the database's."""
    superuser.execute(LEAST.format(0, 0))
    superuser.execute("TRUNCATE search_saved")
    yield
    superuser.execute("TRUNCATE archive_part, archive_plan, archive_outcome, archive_hold, archive_term")
    superuser.execute(LEAST.format(366, 366))


def looked(case: str, *records: int) -> None:
    why = {"person": "a.rivera", "agency": "demo", "purpose": AccessPurpose("criminal investigation", case)}
    with open_entry(**why, query={"plate": "TEST123"}) as entry:
        entry.fetched(records=records)


@pytest.mark.usefixtures("ending_now", "law")
def test_bodies_and_saved_work_go_by_a_plan_but_for_what_is_held(
    purge: Purge,
    rows: Rows,
    superuser: psycopg.Connection,
    certifier: purging.Certifier,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(purging, "ERASED_AT_ONCE", 2)
    establish("california")
    # Held by its number; nobody keeps such a record here, as the purge of a partition may have left it.
    superuser.execute("INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records)"
                      " VALUES ('restored backup', 'b', 'c', 'd', '2027-01-01', '{812}')")  # fmt: skip
    now = datetime.now(UTC)
    with as_role(WEB):
        scope = HeldScope(since=datetime(2024, 1, 1, tzinfo=UTC), until=now)
        said = {"person": "a.rivera", "kind": "litigation", "case": "CV-9", "reason": "claim"}
        place_hold(**said, review_on=now.date(), scope=scope)
        for case, record in (("26-1", 811), ("CV-9", 811), ("26-2", 812), ("26-3", 813)):
            looked(case, record)
    for work, days in (("26-1", 31), ("CV-9", 31), ("26-1", 29)):
        superuser.execute("INSERT INTO search_saved (person, work, at, fields)"
                          " VALUES ('a', %s, now() - %s * interval '1 day', '{}')", [work, days])  # fmt: skip
    plan = purge()
    bodies = "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'intent' AND field = 'case'"
    assert sorted(json.loads(value) for (value,) in rows(bodies) if "26-" in value or "CV" in value) == ["26-2", "CV-9"]
    assert {json.loads(value)[0] for (value,) in rows(
        "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'shown' AND field = 'records'"
        " AND value LIKE '%%[81%%'")} == {811, 812}  # fmt: skip
    assert rows("SELECT work FROM search_saved ORDER BY 1") == [("26-1",), ("CV-9",)]
    with psycopg.connect(superuser.info.dsn, user=KEEPER, autocommit=True) as keeper:
        assert verify_ledger(keeper).problems == []
    with transaction.atomic():
        first, *_ = certificate(plan)
    said = read_certificate(json.loads(first)["certificate"], certifier.keys())
    parts = {part.retention: part for part in said.parts}
    assert (parts["saved_work"].records, parts["saved_work"].held) == (1, 1)
    assert (parts["ledger_access"].records >= 4, parts["ledger_access"].held) == (True, 5), "the hold, too"
