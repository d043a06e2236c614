"""What the database itself sees to: partitions, rights, and rows that no one sees without an entry in the ledger."""

from datetime import UTC, datetime

import pytest
from django.db import Error, connection, transaction

from platepost.department.custody.projections import PROJECTIONS, Projection
from platepost.department.custody.tables import OF_CHAIN
from platepost.department.database.roles import KEEPER, WEB
from tests.department.planting import planting
from tests.department.roles import as_role

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 18, 12, tzinfo=UTC)
RECORD = (
    "INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict, reason, names,"
    " covert_group, codec, body) VALUES (%s, 'log', %s, %s, 't', 'post-1', sha256('a'), '', 'unreadable', '', false,"
    " %s, 0, 'a')"
)


def execute(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def refused(sql: str, *values: object) -> bool:
    try:
        with transaction.atomic():
            execute(sql, *values)
    except Error:
        return True
    return False


def partitions() -> set[str]:
    return {str(name) for (name,) in execute("SELECT relname FROM pg_class WHERE relname ~ 'custody.*_[0-9]{8}$'")}


def test_the_keeper_makes_the_partitions_of_weeks() -> None:
    with as_role(KEEPER):
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-23')")
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-23')")
        execute(RECORD, 1, AT, AT, None)
    created = partitions()
    assert {"custody_record_log_20260316", "custody_record_log_20260323", "custody_read_no_hit_20260316"} <= created
    assert not any(name.endswith("20260309") for name in created)


def test_no_number_stands_twice_in_a_partition() -> None:
    with as_role(KEEPER):
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-18')")
        execute(RECORD, 1, AT, AT, None)
        assert refused(RECORD, 1, AT.replace(hour=13), AT, None)


def test_a_chain_is_found_by_its_index() -> None:
    fields = {"post": "post-1", "chain": "a", "begin": 1}
    find = f"EXPLAIN SELECT * FROM custody_judged WHERE {OF_CHAIN}"
    with as_role(KEEPER), connection.cursor() as cursor:
        # A bitmap of the same index stands on lines of its own, which a table's statistics bring about.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("SELECT custody_make_partitions('2019-03-18', '2019-03-18')")
        cursor.execute(find, fields)
        plan = [line for (line,) in cursor.fetchall()]
    scans = [line for line in plan if " on custody_record" in line]
    assert scans
    assert all("custody_line" in line for line in scans)


def test_the_keeper_neither_changes_nor_deletes_a_record() -> None:
    with as_role(KEEPER):
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-18')")
        execute(RECORD, 1, AT, AT, None)
        assert refused("UPDATE custody_record SET verdict = 'genuine'")
        assert refused("DELETE FROM custody_record")
        assert refused("TRUNCATE custody_record")
        assert refused("DELETE FROM custody_read")
        assert refused("DROP TABLE custody_record_log_20260316")


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.table)
def test_a_projection_has_the_columns_of_its_table_in_their_order(projection: Projection) -> None:
    in_order = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    assert [name for (name,) in execute(in_order, projection.table)] == [*projection.all_columns]


def test_the_web_sees_no_record_without_an_entry() -> None:
    with as_role(KEEPER):
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-18')")
        execute(RECORD, 1, AT, AT, None)
        assert execute("SELECT count(*) FROM custody_judged") == [(1,)]
    with as_role(WEB):
        assert execute("SELECT count(*) FROM custody_judged") == [(0,)]
        assert execute("SELECT count(*) FROM custody_record") == [(0,)]
        assert refused("SELECT count(*) FROM custody_record_log_20260316")
        assert refused("SELECT custody_make_partitions('2026-03-18', '2026-03-18')")


def test_the_status_page_sees_what_is_held_but_for_covert_chains() -> None:
    held = "INSERT INTO custody_holding VALUES ('post-1', %s, %s, '[]', '[]', '[]', '[]')"
    with as_role(KEEPER):
        execute(held, "open", None)
        execute(held, "covert", "vice")
    with as_role(WEB):
        assert execute("SELECT chain FROM custody_holding") == [("open",)]


def test_the_keeper_takes_back_nothing_that_it_has_not_judged_anew() -> None:
    row = "INSERT INTO custody_withdrawal VALUES (%s, 'hit', %s, 'post-1', NULL, 'h', 'p', %s, 'stolen', 'not_listed')"
    anew = (
        "INSERT INTO custody_rejudged (record_id, class, retained_from, at, verdict, reason)"
        " VALUES (%s, 'hit', %s, %s, %s, '')"
    )
    with as_role(KEEPER):
        execute("SELECT custody_make_partitions('2026-03-18', '2026-03-18')")
        with connection.cursor() as cursor, planting(cursor):
            cursor.executemany(row, [(number, AT, AT) for number in (1, 2, 3)])
        execute(anew, 2, AT, AT, "forged")
        execute(anew, 3, AT, AT, "forged")
        execute(anew, 3, AT, AT, "genuine")
        execute("SELECT custody_retract('{1,2,3}')")
        assert execute("SELECT record_id FROM custody_withdrawal ORDER BY 1") == [(1,), (3,)]
