"""What else has a term goes by a plan: bodies of the ledger, saved work, list entries, leads, exercises, decisions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import transaction

from platepost.department.archive import purge as purging
from platepost.department.archive.holds import HoldScope, place_hold
from platepost.department.archive.purge import certificate
from platepost.department.custody.certificate import read_certificate
from platepost.department.database.roles import COMMAND, KEEPER, OWNER, ROLES
from platepost.department.ledger.entries import open_entry
from platepost.department.ledger.verify import verify_ledger
from platepost.department.policy.law import LAWS
from platepost.department.policy.policy import AccessPurpose
from tests.department.archive.conftest import Purge, Rows
from tests.department.emptying import empty as emptied
from tests.department.law import establish
from tests.department.planting import planting
from tests.department.roles import as_role

LEAST = "UPDATE ledger_class SET least = '{} days'; UPDATE archive_law SET floor_days = {} WHERE class LIKE 'ledger%%'"

# Rows of each kind by a name, days ago. Their terms are 366 days; the case CV-9 is on hold.
OLD_AND_YOUNG = """
INSERT INTO lists_entry (purpose, reason, case_number, made_at, expires_at, id, plate, category, priority, author,
    second_person, distribution)
SELECT 'wanted person', name, of, now() - created * interval '1 day', now() - over * interval '1 day', id, '7ABC123',
    'felony', 2, 'a', false, CASE WHEN name LIKE 'covert%' THEN 'narcotics' END
FROM (VALUES (1, 'gone', '26-1', 500, 400), (2, 'young', '26-1', 500, 300), (3, 'in force', '26-1', 300, -60),
    (4, 'held', 'CV-9', 500, 400), (5, 'young lead', '26-1', 500, 400), (6, 'held lead', 'CV-9', 500, 400),
    (7, 'old lead', '26-1', 500, 400), (8, 'covert', '26-1', 500, 400), (9, 'covert, held', 'CV-9', 500, 400),
    (10, 'covert, old lead', '26-1', 500, 400)) AS given (id, name, of, created, over);
INSERT INTO lists_lead (plate_fold, entry_id, record_id, found_at)
SELECT name, entry, 1, now() - days * interval '1 day'
FROM (VALUES ('gone', 7, 400), ('gone, too', 2, 400), ('young', 5, 300), ('held', 6, 400), ('covert', 10, 400))
    AS given (name, entry, days);
INSERT INTO people_exercise (exercises, person_id, topic, asked, "right", done_at)
SELECT name, (SELECT min(id) FROM people_person), 'policy', 1, 1, now() - days * interval '1 day'
FROM (VALUES ('gone', 400), ('young', 300)) AS given (name, days);
INSERT INTO people_training (topic, person_id, trainer_id, held_at, passed, noted_at)
SELECT topic, (SELECT min(id) FROM people_person), (SELECT max(id) FROM people_person), at, false, at
FROM (VALUES ('policy', 900), ('policy', 400), ('security', 900), ('practical', 900), ('practical', 300))
    AS given (topic, days), LATERAL (SELECT now() - days * interval '1 day' AS at) AS noted;
BEGIN;
SET LOCAL session_replication_role = replica;
CREATE TEMPORARY TABLE given ON COMMIT DROP AS SELECT * FROM (VALUES
    (901, 'gone', 400, true, '2023-06-01Z'::timestamptz), (902, 'young', 300, true, '2023-06-01Z'),
    (903, 'never told', 400, false, '2023-06-01Z'), (904, 'in the time', 400, true, '2024-06-01Z'),
    (905, 'by its passage', 400, true, '2023-06-01Z'), (906, 'by its number', 400, true, '2023-06-01Z'),
    (907, 'covert', 400, true, '2023-06-01Z'), (908, 'its hit went', 300, true, '2023-06-01Z'),
    (909, 'both went', 400, true, '2023-06-01Z')
) AS given (id, name, days, notified, seen);
INSERT INTO custody_hit (record_id, passage, captured_at, class, retained_from, post, hit, plate_read, plate_key,
    plate_fold, plate_matched, match, category, priority, hotlist_stale, synthetic, held, state_agreement)
SELECT id, name, seen, 'hit', current_date, 'p', '', '', '', '', '', 'exact', '', 1, false, false, false, '' FROM given
WHERE name NOT LIKE '%went';
INSERT INTO alerts_alert (record_id, captured_at, retained_from, post, hit, arrived_at, category, priority, match,
    hotlist_stale, held, second_needed, changed_at)
SELECT id, seen, CASE WHEN name LIKE '%went' THEN now() - interval '400 days' ELSE current_date END, 'p', name,
    seen, '', 1, 'exact', false, false, false, seen FROM given;
INSERT INTO alerts_decision (record_id, hit, at, published_at, post, number, decision, covert_group)
SELECT id, name, now() - days * interval '1 day', CASE WHEN notified THEN now() END, 'p', 1, 'rejected',
    CASE WHEN name = 'covert' THEN 'narcotics' END FROM given;
INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records, passages) VALUES
    ('evidence', 'CV-10', 'c', 'd', '2027-01-01', '{900}', '{by its passage}'),
    ('evidence', 'CV-11', 'c', 'd', '2027-01-01', '{906}', '{}');
COMMIT;
"""
STAYING = {
    "lists_entry": (
        "reason",
        {"young", "in force", "held", "young lead", "held lead", "old lead", "covert, held", "covert, old lead"},
    ),
    "lists_lead": ("plate_fold", {"young", "held"}),
    "people_exercise": ("exercises", {"young"}),
    "people_training": (
        "topic || (now()::date - held_at::date)",
        {"policy400", "security900", "practical900", "practical300"},
    ),
    "alerts_decision": (
        "hit",
        {"young", "never told", "in the time", "by its passage", "by its number", "its hit went"},
    ),
    # Alerts stay with their hits, and with their decisions.
    "alerts_alert": (
        "hit",
        {"gone", "young", "never told", "in the time", "by its passage", "by its number", "covert", "its hit went"},
    ),
}
"""By table, what a row is named by, and which rows no plan takes yet."""


@pytest.fixture
def ending_now(empty: None, superuser: psycopg.Connection) -> Iterator[None]:
    """Have the year of the ledger's bodies be over at once: their time is the database's."""
    superuser.execute(LEAST.format(0, 0))
    emptied(superuser, "search_saved")
    yield
    emptied(superuser, "archive_part", "archive_plan", "archive_outcome", "archive_hold", "archive_term", *STAYING)
    superuser.execute(LEAST.format(366, 366))


def shown_record(case: str, *records: int) -> None:
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
    establish(LAWS["california"])
    # The law has set the year of the ledger's bodies anew.
    with superuser.transaction():
        superuser.execute("SET CONSTRAINTS archive_lawful DEFERRED")
        superuser.execute(LEAST.format(0, 0))
        superuser.execute("UPDATE archive_term SET floor_days = 0, kept_days = 0 WHERE class LIKE 'ledger%'")
    # Held by its number; no one keeps such a record here, as the purge of a partition may have left it.
    superuser.execute("INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records)"
                      " VALUES ('restored backup', 'b', 'c', 'd', '2027-01-01', '{812}')")  # fmt: skip
    now = datetime.now(UTC)
    with as_role(COMMAND):
        scope = HoldScope(since=datetime(2024, 1, 1, tzinfo=UTC), until=now)
        purge_certificate = {"person": "a.rivera", "kind": "litigation", "case": "CV-9", "reason": "claim"}
        place_hold(**purge_certificate, review_on=now.date(), scope=scope)
        for case, record in (("26-1", 811), ("CV-9", 811), ("cv-9", 811), ("26-2", 812), ("26-3", 813)):
            shown_record(case, record)
    for work, days in (("26-1", 31), ("Cv-9", 31), ("26-1", 29)):
        superuser.execute("INSERT INTO search_saved (person, work, at, fields)"
                          " VALUES ('a', %s, now() - %s * interval '1 day', '{}')", [work, days])  # fmt: skip
    plan = purge()
    bodies = "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'intent' AND field = 'case'"
    left = sorted(
        case for case in (json.loads(value) or "" for (value,) in rows(bodies)) if case[:3].upper() in {"26-", "CV-"}
    )
    assert left == ["26-2", "CV-9", "cv-9"], "a case is the same, however people type it"
    assert {json.loads(value)[0] for (value,) in rows(
        "SELECT value FROM ledger_body JOIN ledger_entry USING (entry) WHERE event = 'shown' AND field = 'records'"
        " AND value LIKE '%%[81%%'")} == {811, 812}  # fmt: skip
    assert rows("SELECT work FROM search_saved ORDER BY 1") == [("26-1",), ("Cv-9",)]
    with psycopg.connect(superuser.info.dsn, user=KEEPER, autocommit=True) as keeper:
        assert verify_ledger(keeper).problems == []
    with transaction.atomic():
        first, *_ = certificate(plan)
    purge_certificate = read_certificate(json.loads(first)["certificate"], certifier.keys())
    parts = {part.retention: part for part in purge_certificate.parts}
    assert (parts["saved_work"].records, parts["saved_work"].held) == (1, 1)
    # What other tests entered is there, too.
    assert parts["ledger_access"].records >= 4
    assert parts["ledger_access"].held >= 5, "the hold, too"


@pytest.mark.usefixtures("ending_now", "law")
def test_whether_an_entry_is_held_goes_through_no_holds(superuser: psycopg.Connection) -> None:
    superuser.execute(
        "INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records) SELECT 'restored backup',"
        " 'CV-' || number, 'c', 'd', '2027-01-01', ARRAY[1000000 + number] FROM generate_series(1, 3000) AS number"
    )
    superuser.execute("ANALYZE archive_hold")
    with as_role(COMMAND):
        shown_record("26-1", 5)
    # Found first: on the way to the last entry lie those that other tests took back.
    last = "SELECT entry FROM ledger_entry WHERE event = 'intent' ORDER BY number DESC LIMIT 1"
    ((entry,),) = superuser.execute(last)
    asked = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT archive_entry_held(%s)"
    superuser.execute(asked, [entry])  # plans
    ((fields,),) = superuser.execute(asked, [entry])
    assert fields[0]["Plan"]["Shared Hit Blocks"] + fields[0]["Plan"]["Shared Read Blocks"] < 300


@pytest.mark.usefixtures("ending_now", "law", "on_the_map")
def test_rows_of_each_kind_go_by_a_plan_once_they_are_old_and_not_held(
    purge: Purge, rows: Rows, superuser: psycopg.Connection, certifier: purging.Certifier
) -> None:
    establish(LAWS["california"])
    superuser.execute("SELECT custody_make_partitions(current_date, current_date)")
    with planting(superuser):
        superuser.execute(OLD_AND_YOUNG)
    scope = HoldScope(since=datetime(2024, 1, 1, tzinfo=UTC), until=datetime.now(UTC), posts=["p"], plates=["7XYZ999"])
    with as_role(COMMAND):
        fields = {"person": "a.rivera", "kind": "litigation", "case": "CV-9", "reason": "claim"}
        place_hold(**fields, review_on=datetime.now(UTC).date(), scope=scope)
    assert rows("SELECT over_at > now() FROM lists_entry WHERE reason = 'in force'") == [(True,)]
    for role in {*ROLES} - {OWNER}:
        superuser.execute(f"SET ROLE {role}")
        for relation in (
            *STAYING,
            "lists_entry_kind",
            "lists_lead_kind",
            "alerts_decision_kind",
            "people_training_kind",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                superuser.execute(f"DELETE FROM {relation}")
        superuser.execute("RESET ROLE")
    plan = purge()
    for table, (name, staying) in STAYING.items():
        assert {row for (row,) in rows(f"SELECT {name} FROM {table}")} == staying, table
    with transaction.atomic():
        first, *_ = certificate(plan)

    def counts(signed: str) -> dict[str, tuple[int, int]]:
        parts = read_certificate(signed, certifier.keys()).parts
        return {part.retention: (part.records, part.held) for part in parts if part.retention in fields}

    fields = {
        "list_entry": (1, 1),
        "lookback": (2, 1),
        "training": (1, 0),
        "training_noted": (1, 0),
        "decision": (2, 3),
    }
    assert counts(json.loads(first)["certificate"]) == fields
    ((covert,),) = rows("SELECT certificate FROM custody_certificate WHERE covert_group = 'narcotics'")
    assert counts(covert) == {"list_entry": (1, 1), "lookback": (1, 0), "decision": (1, 0)}
    shown = rows("SELECT class, (shown ->> 'records')::int, (shown ->> 'held')::int FROM archive_part")
    planned = {retention: counted for retention, *counted in shown if retention in fields}
    assert planned == {retention: [gone + held, held] for retention, (gone, held) in fields.items()}, "nothing covert"
    purge()
    assert rows("SELECT FROM lists_entry WHERE reason = 'old lead'") == [], "after its last lead"
