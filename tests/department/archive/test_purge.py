"""A purge lets go what is due and nothing that is held, and what remains is proved without a gap."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from pytest_django.fixtures import Settings

from platepost.department.archive.errors import ArchiveRefusedError
from platepost.department.archive.holds import HoldScope, folded_plates, lift_hold, place_again, place_hold
from platepost.department.archive.purge import (
    Certifier,
    approve_purge,
    approved_plans,
    carry_out,
    certificate,
    plan_purge,
    planned_parts,
    replay,
)
from platepost.department.archive.retention import FIRST, due
from platepost.department.custody.certificate import read_certificate, summed
from platepost.department.custody.errors import CustodyError
from platepost.department.custody.rebuild import rebuild
from platepost.department.custody.store import CustodyStore
from platepost.department.database.roles import KEEPER, OWNER, PURGER, WEB
from platepost.department.people.rights import DepartmentRole
from platepost.department.policy.law import LAWS
from platepost.department.search.saved import discard_search, saved_searches
from platepost.wire.contract.examples import example_audit
from tests.department.archive.conftest import CONSENT, OLD, Purge, Vault, Verify, passage
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import CHAIN, COVERT, GROUP, Post, deliveries
from tests.department.emptying import empty
from tests.department.law import establish
from tests.department.people.persons import client_of, new_person
from tests.department.roles import as_role
from tests.waiting import until

SOON = date(2027, 6, 1)
WEEK = timedelta(weeks=1)


def hold(**scope: object) -> int:
    with as_role(WEB):
        created = place_hold(
            person="a.rivera", kind="evidence", case="26-417", reason="homicide", review_on=SOON,
            scope=HoldScope(**scope),  # type: ignore[arg-type]
        )  # fmt: skip
    return int(created.pk)


def stored_counts(rows: Rows) -> dict[str, int]:
    tables = ("record", "read", "hit", "picture", "audit")
    return {name: rows(f"SELECT count(*) FROM custody_{name}")[0][0] for name in tables}


def test_all_that_is_due_goes_and_the_rest_verifies(
    store: CustodyStore, vault: Vault, opened: Open, post: Post
) -> None:
    rows, purge, verify = vault
    ranges = [store.holding(chain).ranges() for chain in (CHAIN, COVERT)]
    assert stored_counts(rows) == {"record": 51, "read": 39, "hit": 6, "picture": 45, "audit": 3}
    purge(classes=["no_hit"])
    assert stored_counts(rows) == {"record": 15, "read": 3, "hit": 6, "picture": 9, "audit": 3}
    assert verify().problems == ()
    purge()
    assert stored_counts(rows) == {"record": 0, "read": 0, "hit": 0, "picture": 0, "audit": 0}
    report = verify()
    assert (report.problems, report.records) == ((), 0)
    again = opened()
    assert [again.holding(chain).ranges() for chain in (CHAIN, COVERT)] == ranges
    # What comes again is counted and receipted, and not stored.
    assert again.keep(deliveries(*post.store.records[:5])) == {CHAIN}
    assert stored_counts(rows)["record"] == 0
    (new,) = post.record(1)
    again.keep(deliveries(new))
    assert stored_counts(rows)["record"] == 1
    assert verify().problems == ()


def test_month_is_published_with_what_went_before(store: CustodyStore, vault: Vault) -> None:
    """Where the law lets reads be kept for three weeks, the first of a month are gone when it is published."""
    rows, purge, _ = vault
    count = "SELECT name, n FROM sharing_counts('2000-01-01', '2999-01-01') WHERE part IN ('posts', 'reads') ORDER BY 1"
    before = rows(count)
    assert before == [("posts", 1), ("reads", 39)]
    purge()
    assert stored_counts(rows)["read"] == 0
    assert rows(count) == before


def ids(rows: Rows, where: str) -> list[int]:
    return [number for (number,) in rows(f"SELECT id FROM custody_record WHERE {where} ORDER BY id")]


@pytest.mark.usefixtures("on_the_map")
def test_held_outlives_its_partition_until_the_hold_is_lifted(
    store: CustodyStore, rows: Rows, purge: Purge, verify: Verify
) -> None:
    verbatim = "SELECT id, body, digest, retained_from FROM custody_record ORDER BY id"
    before = {row[0]: row for row in rows(verbatim)}
    weeks = [OLD + week * WEEK for week in range(4)]
    (hit, *_), (read,) = (
        ids(rows, "id IN (SELECT record_id FROM custody_hit WHERE covert_group IS NULL)"),
        ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC105')"),
    )
    holds = [
        # The passage whole: hit, read, withdrawal, and the covert hit, of which anyone who holds it knows nothing.
        hold(records=[hit]),
        hold(records=[read]),
        hold(plates=["7ABC203"], since=weeks[0], until=weeks[3]),
        # Without plates also what the post said of itself.
        hold(posts=["post-1"], since=weeks[1], until=weeks[1] + timedelta(hours=1)),
        hold(plates=["7ABC003"], since=weeks[1], until=weeks[3]),
        hold(posts=["post-2"], since=weeks[0], until=weeks[3]),
    ]
    for lifted, left in ((None, 4 + 17 + 1), (holds[3], 4 + 1 + 1), (holds[0], 2), (holds[1], 1), (holds[2], 0)):
        if lifted is not None:
            with as_role(WEB):
                lift_hold(person="b.lee", hold=lifted, because="closed")
        plan = purge(classes=["log"]) if lifted else purge()
        after = rows(verbatim)
        assert len(after) == left
        assert after == [before[row[0]] for row in after]
        report = verify()
        assert (report.problems, report.records) == ((), left)
    counts = "SELECT sum((counts ->> 'records')::int), count(covert_group) FROM archive_outcome WHERE plan = %s"
    assert rows(counts, plan) == [(1, 0)]


def test_hold_of_a_plate_keeps_reads_that_may_be_of_it(
    opened: Open, law: str, clock: list[datetime], vault: Vault, post: Post
) -> None:
    """Where something hid a character, too: a search for the plate finds them."""
    establish(LAWS[law])
    clock[0] = OLD
    texts = ("7ABC105", "7A?C10?", "7A?C99?", "??B?1??", "7ABC10?5")
    created = [post.read(captured=OLD, passage=passage(number), text=text) for number, text in enumerate(texts)]
    opened().keep(deliveries(*created))
    hold(plates=["7ABC105"], since=OLD, until=OLD + WEEK)
    vault.purge(classes=["no_hit"])
    assert vault.rows("SELECT plate_fold FROM custody_read ORDER BY record_id") == [("7ABC105",), ("7A?C10?",)]


@pytest.mark.parametrize("holding", ["", "post-1", "7ABC123", "post-2", "8XYZ999"])
@pytest.mark.usefixtures("law", "on_the_map")
def test_withdrawal_that_came_after_midnight_is_held_with_its_hit(
    opened: Open, clock: list[datetime], vault: Vault, post: Post, holding: str
) -> None:
    """The week's part ends between them. A hit alone would say that it stood."""
    establish(LAWS["california"])
    store, monday = opened(), datetime(2024, 2, 5, tzinfo=UTC)
    for seconds in (-10, 10):
        clock[0] = post.now = monday + timedelta(seconds=seconds)
        store.keep(deliveries(post.hit(captured=clock[0]) if seconds < 0 else post.withdrawal()))
    scope = {"posts" if holding.startswith("post") else "plates": [holding]} if holding else {}
    hold(**scope, since=monday - timedelta(minutes=1), until=monday)
    vault.purge(classes=["hit"])
    left = [*vault.rows("SELECT 'hit' FROM custody_hit"), *vault.rows("SELECT 'withdrawal' FROM custody_withdrawal")]
    assert left == ([("hit",), ("withdrawal",)] if holding in {"", "post-1", "7ABC123"} else [])


@pytest.mark.usefixtures("law", "on_the_map")
def test_what_a_post_said_then_is_held_though_it_came_later(
    opened: Open, clock: list[datetime], vault: Vault, post: Post
) -> None:
    """The post was away for a day: what it noted of itself meanwhile is what the hold asks for."""
    establish(LAWS["california"])
    created = []
    for hours in (-1, 1, 3):
        post.now = OLD + timedelta(hours=hours)
        created.append(post.recorder.record(example_audit("boot", occurred=post.now)))
    clock[0] = OLD + timedelta(days=1)
    opened().keep(deliveries(*created))
    hold(posts=["post-1"], since=OLD, until=OLD + timedelta(hours=2))
    hold(posts=["post-2"], since=OLD - timedelta(days=2), until=OLD + timedelta(hours=5))
    vault.purge(classes=["log"])
    assert vault.rows("SELECT at FROM custody_audit") == [(OLD + timedelta(hours=1),)]


def test_plates_of_a_hold_are_one_a_line_as_people_write_them() -> None:
    assert folded_plates("7abc 105\r\n\r\n8-xoi 99\n") == ["7ABC105", "8X0199"]
    assert folded_plates(" \n") == []


@pytest.mark.parametrize("plates", ["7ABC105, 8XYZ999", "7ABC105 8XYZ999", "7A?C105", "7ABC105;"])
def test_what_is_no_plate_a_line_holds_nothing_and_is_refused(plates: str) -> None:
    with pytest.raises(ArchiveRefusedError, match="one a line"):
        folded_plates(plates)


def test_what_others_are_judged_by_never_goes(opened: Open, law: str, clock: list[datetime], vault: Vault) -> None:
    rows, purge, verify = vault
    establish(LAWS[law])
    clock[0] = OLD
    post = Post(now=OLD)
    store = opened()
    store.keep(deliveries(*post.record(2), post.drop((3, 4)), post.change_key(), *post.record(1)))
    purge()
    assert rows("SELECT names, class, count(*) FROM custody_record GROUP BY 1, 2") == [(True, "held", 2)]
    # A key is known that came before the purge.
    (later,) = post.record(1)
    again = opened()
    again.keep(deliveries(later))
    assert rows("SELECT DISTINCT verdict FROM custody_judged") == [("genuine",)]
    assert verify().problems == ()
    purge(classes=["no_hit"])
    assert stored_counts(rows)["record"] == 3


def test_records_of_wrong_clocks_go_by_a_reviewed_plan_alone(
    store: CustodyStore, clock: list[datetime], vault: Vault, post: Post
) -> None:
    rows, purge, verify = vault
    created = []
    for number, year in enumerate((2015, 2038)):
        post.now = datetime(year, 5, 1, tzinfo=UTC)
        created.append(post.read(captured=post.now, passage=passage(number)))
    clock[0] = OLD + 3 * WEEK
    store.keep(deliveries(*created))
    purge()
    assert ids(rows, "class = 'doubtful'") == ids(rows, "true") != []
    number = hold(records=ids(rows, "class = 'doubtful'")[:1])
    purge(review="the clock of post-1 was wrong, seen by r.lee")
    assert rows("SELECT class FROM custody_record") == [("held",)]
    assert verify().problems == ()
    with as_role(WEB):
        lift_hold(person="b.lee", hold=number, because="closed")
    purge()
    assert stored_counts(rows)["record"] == stored_counts(rows)["picture"] == 0
    assert verify().problems == ()


@pytest.mark.usefixtures("law")
def test_what_has_no_partitions_is_overdue_too(
    opened: Open, clock: list[datetime], vault: Vault, post: Post, superuser: psycopg.Connection
) -> None:
    """No one looked at them, and no one was told: records of a wrong clock, and a search that someone saved."""
    establish(LAWS["california_highway_patrol"])
    over = "SELECT class, overdue FROM archive_due WHERE begins = '-infinity' ORDER BY 1"
    superuser.execute("TRUNCATE search_saved")
    clock[0], store = OLD, opened()
    for days, overdue in ((10, None), (59.5, False), (61, True)):
        store.keep(deliveries(post.read(captured=OLD.replace(year=2015), passage=passage(round(days)))))
        ago = "SET {0} = now() - %s * interval '1 day' WHERE {0} < now() - interval '1 year'"
        superuser.execute("INSERT INTO search_saved (person, work, at, fields) VALUES ('a', '1', '2024-01-31', '{}')")
        superuser.execute(f"UPDATE search_saved {ago.format('at')}", [days])
        superuser.execute(f"UPDATE custody_record {ago.format('retained_from')} AND class = 'doubtful'", [days])
        notified = [] if overdue is None else [("doubtful", overdue), ("saved_work", overdue)]
        assert vault.rows(over) == notified
        with as_role(WEB):
            assert sorted((part.retention, part.overdue) for part in due() if part.begins == FIRST) == notified
    number = hold(records=ids(vault.rows, "class = 'doubtful' AND retained_from < now() - interval '60 days'"))
    assert vault.rows(over) == [("doubtful", False), ("saved_work", True)], "what is held may be older"
    with as_role(WEB):
        lift_hold(person="b.lee", hold=number, because="closed")
    vault.purge(classes=["saved_work"])
    assert vault.rows(over) == [("doubtful", True)]
    vault.purge(review="looked at")
    assert vault.rows(over) == []


def test_plans_are_carried_out_one_after_the_other_though_people_work_on(
    store: CustodyStore, vault: Vault, certifier: Certifier, superuser: psycopg.Connection
) -> None:
    """One plan moves to what is held, another's records are gone by then; someone discards what they saved."""
    superuser.execute("TRUNCATE search_saved")
    for number in range(2):
        superuser.execute(
            "INSERT INTO search_saved (person, work, at, fields) VALUES ('d.fox', %s, '2024-01-31', '{}')", [number]
        )
    hold(records=ids(vault.rows, "class = 'log'")[:1])
    with as_role(WEB):
        planned = [plan_purge("a.rivera", CONSENT, classes=each).plan for each in (["log"], ["log", "hit"], ["no_hit"])]
        planned.append(plan_purge("a.rivera", CONSENT, classes=["saved_work"]).plan)
        for plan in planned:
            approve_purge("b.lee", plan)
        discard_search("d.fox", saved_searches("d.fox")[0].id)
    with as_role(PURGER):
        for plan in approved_plans():
            carry_out(plan, certifier)
    assert vault.rows("SELECT class, count(*) FROM custody_record GROUP BY 1 ORDER BY 1") == [("held", 1), ("hit", 12)]
    done = dict(vault.rows("SELECT plan, done_at IS NOT NULL FROM archive_plan"))
    assert [done[plan] for plan in planned] == [True, False, True, True], "the second plan's records are gone"
    assert vault.rows("SELECT count(*) FROM search_saved") == [(0,)]


def test_page_says_that_an_approved_plan_is_stale(store: CustodyStore, approved: UUID) -> None:
    client = client_of(new_person("e.ruiz", DepartmentRole.RECORDS_MANAGER))
    with as_role(WEB):
        assert "to be carried out tonight" in client.get("/archive/").content.decode()
        hold(plates=["7ABC105"], since=OLD, until=OLD + WEEK)
        page = client.get("/archive/").content.decode()
    assert ("stale: make another" in page, "carried out tonight" in page) == (True, False)


def test_doubtful_record_that_is_young_stays(
    opened: Open, law: str, clock: list[datetime], vault: Vault, post: Post
) -> None:
    """A capture of 2015 that came yesterday is a day old."""
    establish(LAWS[law])
    clock[0] = datetime.now(UTC) - timedelta(days=1)
    opened().keep(deliveries(post.read(captured=OLD), *post.record(1)))
    vault.purge(review="looked at")
    assert vault.rows("SELECT class, count(*) FROM custody_record GROUP BY 1") == [("doubtful", 2)]


def test_search_forgets_what_went(store: CustodyStore, rows: Rows, purge: Purge, superuser: psycopg.Connection) -> None:
    # A note beside each read, also of a plate of which one read stays.
    superuser.execute(
        "TRUNCATE search_correction; INSERT INTO search_correction (record_id, plate_fold, retained_from, person,"
        " corrected, corrected_fold, entry) SELECT record_id, plate_fold, retained_from, 'a', plate_fold, plate_fold,"
        " gen_random_uuid() FROM custody_read"
    )
    notes = "SELECT plate_fold, count(*) FROM search_correction GROUP BY 1 ORDER BY 1"
    weeks = "SELECT plate_fold, cardinality(weeks) FROM search_plate ORDER BY 1"
    assert len(rows(weeks)) == 37
    hold(plates=["7ABC105"], since=OLD, until=OLD + 3 * WEEK)
    purge(classes=["no_hit"])
    assert rows(weeks) == [("7ABC105", 1), ("7ABC123", 3)]
    assert rows(notes) == [("7ABC105", 1), ("7ABC123", 3)]
    hold(records=ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC123')")[:1])
    purge()
    assert rows(weeks) == [("7ABC105", 1), ("7ABC123", 1)]
    assert rows(notes) == [("7ABC105", 1), ("7ABC123", 1)]


def test_rebuild_after_a_purge_changes_nothing(store: CustodyStore, rows: Rows, purge: Purge, database: str) -> None:
    hold(plates=["7ABC105"], since=OLD, until=OLD + 3 * WEEK)
    counted = "SELECT * FROM custody_tally ORDER BY 1, 2, 3, 4, 5"
    before = rows(counted)
    purge()
    with psycopg.connect(database, user=OWNER, autocommit=True) as owner:
        assert rebuild(owner, repair=False).identical
        rebuild(owner)
    assert rows(counted) == before


def test_days_are_parts_where_the_ceiling_is_short(
    law: str, opened: Open, clock: list[datetime], vault: Vault, post: Post
) -> None:
    rows, purge, verify = vault
    establish(LAWS["california_highway_patrol"])
    store = opened()
    for day in range(3):
        clock[0] = post.now = OLD + timedelta(days=day)
        store.keep(deliveries(post.read(captured=clock[0]), *post.record(1)))
    # The week, and the one that is made ahead; other tests have left others, which are empty.
    of_then = "ends - begins = %s::interval AND date_trunc('week', begins) IN ('2024-01-29', '2024-02-12')"
    count = f"SELECT count(*) FROM archive_due WHERE class = %s AND {of_then}"
    assert rows(count, "no_hit", "1 day") == [(2 * 7,)]
    assert rows(count, "log", "7 days") == [(2,)]
    purge(classes=["no_hit", "hit"])
    assert stored_counts(rows) == {"record": 3, "read": 0, "hit": 0, "picture": 0, "audit": 3}
    assert verify().problems == ()


# --- proof


def test_certificate_names_no_covert_record(
    store: CustodyStore, purge: Purge, certifier: Certifier, rows: Rows
) -> None:
    plan = purge()
    with transaction.atomic():
        first, *lines = certificate(plan)
    purge_certificate = read_certificate(json.loads(first)["certificate"], certifier.keys())
    assert purge_certificate.ranges == summed(lines)
    assert sum(part.records for part in purge_certificate.parts) == 48
    assert sum(part.hits for part in purge_certificate.parts) == 3
    assert (purge_certificate.planned_by, purge_certificate.approved_by, purge_certificate.resolution) == (
        "a.rivera",
        "b.lee",
        "2026-117",
    )
    assert not any(COVERT.chain in line.decode() for line in (first, *lines))
    shown = [part.shown["records"] for part in planned_parts(plan)]
    assert sum(shown) == 48
    with as_role(WEB), pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT records FROM archive_part")
    groups = [group for (group,) in rows("SELECT covert_group FROM custody_certificate ORDER BY 1 NULLS FIRST")]
    assert groups == [None, GROUP]


VANISH = (
    "INSERT INTO custody_purged SELECT gen_random_uuid(), post, chain, sequence, sequence, previous, digest, true"
    " FROM custody_record WHERE sequence = 30 AND covert_group IS NULL;"
    " DELETE FROM custody_record WHERE sequence = 30 AND covert_group IS NULL"
)


def test_purge_that_nobody_certified_is_named(
    store: CustodyStore, purge: Purge, verify: Verify, superuser: psycopg.Connection
) -> None:
    purge(classes=["no_hit"])
    assert verify().problems == ()
    tables = ("custody_purged", "custody_certificate", "custody_record")
    for table in tables:
        superuser.execute(f"CREATE TEMPORARY TABLE before_{table} AS TABLE {table}")
    for change in (
        # Someone makes a record vanish and says that it was purged; with the certificate of another plan, too.
        VANISH,
        "UPDATE custody_purged SET last = last + 1 WHERE first = 2",
        "DELETE FROM custody_purged WHERE first = 2",
        "UPDATE custody_certificate SET plan = gen_random_uuid()",
        "UPDATE custody_certificate SET certificate = overlay(certificate PLACING 'x' FROM 300)",
    ):
        superuser.execute(change)
        assert "purged" in {problem.kind.value for problem in verify().problems}, change
        empty(superuser, *tables)
        for table in tables:
            superuser.execute(f"INSERT INTO {table} TABLE before_{table}")
        assert verify().problems == ()


def test_restored_backup_is_purged_again_and_what_was_held_is_held(
    store: CustodyStore, superuser: psycopg.Connection, vault: Vault, certifier: Certifier
) -> None:
    rows, purge, verify = vault
    hold(plates=["7ABC105"], since=OLD, until=OLD + 3 * WEEK)
    backup = ["custody_record", "custody_picture", "custody_read", "custody_hit", "custody_withdrawal", "custody_audit"]
    for table in backup:
        superuser.execute(f"CREATE TEMPORARY TABLE backup_{table} AS TABLE {table}")
    purge()
    left, ranges = (
        stored_counts(rows),
        rows("SELECT post, chain, first, last, digest FROM custody_purged ORDER BY 1, 2, 3"),
    )
    # Restored as of before the hold, the plan and the purge.
    empty(superuser, "archive_hold", "archive_plan", "archive_part", "archive_outcome")
    empty(superuser, "custody_purged", "custody_purged_tally", "custody_certificate", *backup)
    superuser.execute("SELECT custody_make_partitions('2024-01-31', '2024-02-14')")
    for table in backup:
        superuser.execute(f"INSERT INTO {table} TABLE backup_{table}")
    (filed,) = certifier.folder.glob("*.jsonl")
    signed, lines = filed.read_bytes(), filed.read_bytes().splitlines()
    (held,) = (place for place, line in enumerate(lines) if line.isdigit())
    for place, other in ((1, b"{}"), (held, b"999999")):  # what went, and what was held
        filed.write_bytes(b"\n".join([*lines[:place], other, *lines[place + 1 :]]) + b"\n")
        with as_role(WEB), pytest.raises(CustodyError, match="the lines of the certificate were changed"):
            replay("root", certifier)
    filed.write_bytes(signed)
    with as_role(WEB):
        (plan,) = replay("root", certifier)
        assert replay("root", certifier) == []
    with as_role(PURGER):
        carry_out(plan, certifier)
    assert stored_counts(rows) == left
    assert rows("SELECT post, chain, first, last, digest FROM custody_purged ORDER BY 1, 2, 3") == ranges
    assert rows("SELECT kind, cardinality(records) FROM archive_hold") == [("restored backup", 1)]
    assert verify().problems == ()
    with as_role(WEB):
        assert replay("root", certifier) == []


def test_holds_that_came_after_a_backup_are_placed_again(
    store: CustodyStore, rows: Rows, superuser: psycopg.Connection, tmp_path: Path, settings: Settings
) -> None:
    settings.ARCHIVE_HOLDS = tmp_path / "holds.jsonl"
    covert = ids(rows, "covert_group IS NOT NULL")[0]
    read = ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC105')")[0]
    placed = [hold(records=[read, covert], groups=[GROUP]), hold(plates=["7ABC105"], since=OLD, until=OLD + 3 * WEEK)]
    with as_role(WEB):
        lift_hold(person="b.lee", hold=hold(records=[read]), because="closed")
    what = (
        "SELECT kind, case_number, person, reason, review_on, plates, since, until, groups, cardinality(passages)"
        " FROM archive_hold WHERE lifted_at IS NULL ORDER BY id"
    )
    before = rows(what)
    assert len(before) == len(placed)
    # Restored as of before the holds; a post sent the record again, which has another number now.
    empty(superuser, "archive_hold")
    superuser.execute("UPDATE custody_record SET id = id + 100000 WHERE id = ANY (%s)", [[read, covert]])
    superuser.execute("UPDATE custody_read SET record_id = record_id + 100000 WHERE record_id = %s", [read])
    superuser.execute("UPDATE custody_hit SET record_id = record_id + 100000 WHERE record_id = %s", [covert])
    with as_role(WEB):
        assert [place_again("root", tmp_path / "holds.jsonl") for _ in range(2)] == [0, 0]
        assert rows(what) == before
        assert rows("SELECT records FROM archive_hold ORDER BY id LIMIT 1") == [
            (sorted([read + 100000, covert + 100000]),)
        ]
        superuser.execute("DELETE FROM custody_record WHERE id > 100000")
        empty(superuser, "archive_hold")
        assert place_again("root", tmp_path / "holds.jsonl") == 2


# --- beside others


def waits(rows: Rows) -> bool:
    return bool(rows("SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
                     " WHERE datname = current_database())"))  # fmt: skip


PLACE = (
    "INSERT INTO archive_hold (kind, case_number, person, reason, review_on, records)"
    " VALUES ('evidence', '26-1', 'a', 'b', '2027-06-01', ARRAY[%s::bigint])"
)
RUN = "SELECT archive_purge_part(%s, 'no_hit', '2024-01-29Z')"


@pytest.fixture
def approved(store: CustodyStore) -> UUID:
    with as_role(WEB):
        plan = plan_purge("a.rivera", CONSENT, classes=["no_hit"]).plan
        approve_purge("b.lee", plan)
    return plan


def test_hold_that_comes_first_is_honored_by_a_purge_under_way(
    approved: UUID, rows: Rows, database: str, certifier: Certifier, verify: Verify
) -> None:
    """The first part is gone; then someone places a hold, and has not committed when the next part begins."""
    held = ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC105')")[0]
    with (
        psycopg.connect(database, user=PURGER) as purger,
        psycopg.connect(database, user=WEB) as web,
        ThreadPoolExecutor(1) as thread,
    ):
        purger.execute(RUN, [approved])
        purger.commit()
        web.execute(PLACE, [held])
        done = thread.submit(purger.execute, RUN.replace("01-29", "02-05"), [approved])
        until(lambda: waits(rows))
        web.commit()
        done.result(60)
        purger.commit()
    with as_role(PURGER):
        carry_out(approved, certifier)
    assert ids(rows, "class = 'held'") == [held]
    assert rows("SELECT count(*) FROM custody_picture WHERE record_id = %s", held) == [(1,)]
    assert ids(rows, "class = 'no_hit'") == []
    assert verify().problems == ()


def test_hold_that_comes_too_late_is_refused(approved: UUID, rows: Rows, database: str) -> None:
    """No one is told that something is held which is gone."""
    wanted = ids(rows, "id IN (SELECT record_id FROM custody_read WHERE plate_fold = '7ABC005')")[0]
    with (
        psycopg.connect(database, user=PURGER) as purger,
        psycopg.connect(database, user=WEB) as web,
        ThreadPoolExecutor(1) as thread,
    ):
        purger.execute(RUN, [approved])
        placed = thread.submit(web.execute, PLACE, [wanted])
        until(lambda: waits(rows))
        purger.commit()
        with pytest.raises(psycopg.errors.CheckViolation, match="not kept any more"):
            placed.result(60)


def test_purge_waits_for_whoever_reads_and_the_keeper_goes_on(
    approved: UUID, store: CustodyStore, post: Post, vault: Vault, database: str
) -> None:
    rows = vault.rows
    with (
        psycopg.connect(database, user=KEEPER) as reader,
        psycopg.connect(database, user=PURGER) as purger,
        ThreadPoolExecutor(1) as thread,
    ):
        reader.execute("SELECT count(*) FROM custody_record")
        done = thread.submit(purger.execute, RUN, [approved])
        until(lambda: waits(rows))
        for _ in range(3):
            store.keep(deliveries(post.read(captured=post.now)))
        assert not done.done()
        reader.commit()
        done.result(60)
        for week in ("02-05", "02-12"):
            purger.execute(RUN.replace("01-29", week), [approved])
    # What came meanwhile is of a week that was to go: no one had approved that.
    assert len(ids(rows, "class = 'no_hit'")) == 12 + 3
    assert {problem.kind.value for problem in vault.verify().problems} == {"purged"}, "not certified yet"
