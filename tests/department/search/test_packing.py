"""Indexes of weeks that ended are built anew, once, and those of this week are left."""

from datetime import date, timedelta

import psycopg

from platepost.department.custody.packing import pack_ended_weeks
from platepost.department.database.roles import COMMAND, OWNER
from platepost.department.search.patterns import PlatePattern
from platepost.department.search.plates import PlateQuery, find_plates
from tests.department.lasting import Lasting
from tests.department.roles import as_role
from tests.department.search.conftest import AT, Stock, opened

MONDAY = date(2026, 1, 26)
WEEK = "custody_read_no_hit_20260126"


def test_a_week_is_packed_once_it_has_ended(stock: Stock, superuser: psycopg.Connection, lasting: Lasting) -> None:
    stock({"plate": f"7AB{number:04}", "captured_at": AT + timedelta(seconds=number)} for number in range(200))

    def files() -> set[int]:
        """Return the files of the indexes: one that is built anew has another."""
        fetched = superuser.execute(
            "SELECT pg_relation_filenode(indexrelid) FROM pg_index WHERE indrelid = %s::regclass AND indisvalid", [WEEK]
        )
        return {file for (file,) in fetched}

    superuser.execute("CREATE INDEX place_ccnew ON custody_read_no_hit_20260126 (post)")
    superuser.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'place_ccnew'::regclass")
    superuser.execute(f"COMMENT ON TABLE {WEEK} IS NULL")
    before = files()
    with lasting(OWNER, autocommit=True) as owner:
        assert WEEK not in pack_ended_weeks(owner, today=MONDAY + timedelta(days=6))
        assert files() == before
        assert WEEK in pack_ended_weeks(owner, today=MONDAY + timedelta(days=7))
        assert pack_ended_weeks(owner, today=MONDAY + timedelta(days=7)) == []
    assert superuser.execute("SELECT to_regclass('place_ccnew')").fetchone() == (None,)
    assert len(files()) == len(before)
    assert not files() & before
    with as_role(COMMAND), opened() as entry:
        (fetched,) = find_plates(entry, PlateQuery(PlatePattern.parse("7AB0123"))).plates
    assert fetched.seen.count == 1
