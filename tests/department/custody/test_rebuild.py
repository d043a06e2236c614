"""What people see can be made again from the records, the same row by row."""

from collections import deque
from collections.abc import Iterator

import psycopg
import pytest

from platepost.department.custody.projections import PROJECTIONS
from platepost.department.custody.rebuild import rebuild
from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import OWNER
from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.records import Keyring
from tests.department.custody.conftest import Open, Rows
from tests.department.custody.posts import GROUP, HIT, SIGNER, Post, deliveries
from tests.department.lasting import Lasting
from tests.department.planting import planting

TABLES = [*(each.table for each in PROJECTIONS), "custody_tally"]


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, user=OWNER, autocommit=True) as connection:
        yield connection


@pytest.fixture
def filled_store(opened: Open, keys: dict[str, Keyring]) -> None:
    """Have records of every kind, some of them judged later."""
    post = Post()
    created = [post.read(), post.read(HIT), post.hit(), post.hit(GROUP), post.withdrawal()]
    signer = ExampleSigner()
    keys["post-1"] = Keyring.from_pem(signer.public_pem)
    store = opened()
    store.keep(deliveries(*created, *example_records(signer).values()))
    store.keep(deliveries(*created))
    keys["post-1"] = Keyring.from_pem(signer.public_pem, SIGNER.public_pem)
    deque(store.judge_again("post-1"))
    store.close()


def content(rows: Rows) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(f"SELECT * FROM {table} WHERE to_jsonb({table})->>'verdict' IS DISTINCT FROM 'duplicate'"
                        " ORDER BY 1, 2, 3, 4, 5") for table in TABLES}  # fmt: skip


def test_all_is_the_same_row_by_row(filled_store: None, rows: Rows, owner: psycopg.Connection) -> None:
    before = content(rows)
    assert all(before[each.table] for each in PROJECTIONS if each.table != "custody_access")
    done = rebuild(owner, repair=False)
    assert done.identical
    assert done.rows == sum(len(before[each.table]) for each in PROJECTIONS)
    with owner.transaction():
        for each in PROJECTIONS:
            owner.execute(f"DELETE FROM {each.table}")
        owner.execute("DELETE FROM custody_tally WHERE verdict <> 'duplicate'")
    assert not rebuild(owner).identical
    after = content(rows)
    for table in TABLES[:-1]:
        assert after[table] == before[table]
    assert [row[:6] for row in after["custody_tally"]] == [row[:6] for row in before["custody_tally"] if row[5]]
    assert rebuild(owner).identical


def test_a_row_that_somebody_changed_is_named_and_mended(
    filled_store: None, rows: Rows, owner: psycopg.Connection, lasting: Lasting
) -> None:
    before = content(rows)["custody_read"]
    withdrawn = len(content(rows)["custody_withdrawal"])
    owner.execute("UPDATE custody_read SET plate_key = '1AAA111' WHERE class = 'hit'")
    with lasting(SUPERUSER) as superuser, planting(superuser):
        superuser.execute(
            "INSERT INTO custody_withdrawal SELECT record_id + 1000000, class, retained_from, post, covert_group,"
            " hit, passage, at, category, reason FROM custody_withdrawal"
        )
    checked = rebuild(owner, repair=False)
    assert dict(checked.missing) == {"custody_read": 1 + 0}
    assert dict(checked.extra) == {"custody_read": 1, "custody_withdrawal": withdrawn}
    assert content(rows)["custody_read"] != before
    rebuild(owner)
    assert content(rows)["custody_read"] == before
    assert rebuild(owner, repair=False).identical


def test_a_damaged_record_is_named(filled_store: None, rows: Rows, owner: psycopg.Connection) -> None:
    ((damaged,),) = owner.execute("SELECT id FROM custody_record WHERE class = 'no_hit' LIMIT 1").fetchall()
    owner.execute("UPDATE custody_record SET body = '\\\\x00' WHERE id = %s", [damaged])
    assert rebuild(owner, repair=False).damaged == [damaged]
