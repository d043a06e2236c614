"""Fixtures of search's tests: reads put into custody's table as the keeper puts them there."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg.types.json import Jsonb

from platepost.department.database.cluster import SUPERUSER
from platepost.department.database.roles import COMMAND, KEEPER
from platepost.department.ledger.entries import OpenEntry, open_entry
from platepost.department.policy.policy import AccessPurpose
from tests.department.emptying import empty
from tests.department.lasting import Lasting
from tests.department.planting import planting
from tests.department.roles import as_role

AT = datetime(2026, 1, 28, 12, tzinfo=UTC)
"""A Wednesday."""
Stock: TypeAlias = Callable[[Iterable[dict[str, Any]]], None]
_COLUMNS = {
    "class": "no_hit",
    "post": "post-1",
    "covert_group": None,
    "passage": "p",
    "confidence": 0.9,
    "region": None,
    "direction": "approaching",
    "camera": "main",
    "lane": None,
    "hits": [],
}


@pytest.fixture
def superuser(lasting: Lasting, transactional_db: None) -> Iterator[psycopg.Connection]:
    """Connect to the test's database as its superuser; reads and dictionary are empty before and after."""
    with lasting(SUPERUSER, autocommit=True) as created:
        empty(created, "custody_read", "search_plate")
        yield created
        empty(created, "custody_read", "search_plate")


def keep_reads(superuser: psycopg.Connection, reads: Iterable[dict[str, Any]], *, numbers: Iterator[int]) -> None:
    """Insert reads of plates, given by `plate` and by whatever columns differ from a plain read's."""
    rows = []
    for read in reads:
        plate, at = read["plate"], read.get("captured_at", AT)
        times = {"captured_at": at, "first_seen": at, "last_seen": at, "retained_from": at}
        plates = {"plate_read": plate, "plate_key": plate, "plate_fold": plate.translate(str.maketrans("OI", "01"))}
        given = {name: value for name, value in read.items() if name != "plate"}
        rows.append({"record_id": next(numbers), **_COLUMNS, **times, **plates, **given})
    with planting(superuser):
        _insert(superuser, rows)


def _insert(superuser: psycopg.Connection, rows: list[dict[str, Any]]) -> None:
    superuser.execute(f"SET ROLE {KEEPER}")
    days = {row["retained_from"].date() for row in rows}
    for week in {day - timedelta(days=day.weekday()) for day in days}:
        superuser.execute("SELECT custody_make_partitions(%s, %s)", [week, week])
    superuser.execute(
        "INSERT INTO custody_read SELECT * FROM jsonb_populate_recordset(NULL::custody_read, %s)",
        [Jsonb(rows, dumps=lambda cleaned: json.dumps(cleaned, default=datetime.isoformat))],
    )
    superuser.execute("RESET ROLE")


def keep_record(superuser: psycopg.Connection, number: int, at: datetime = AT) -> None:
    """Insert the record of a read, if it is not there: whose picture is looked at is a record's."""
    superuser.execute(
        "INSERT INTO custody_record (id, class, retained_from, kept_at, topic, post, digest, type, verdict, reason,"
        " names, codec, body)"
        " SELECT %(id)s, 'no_hit', %(at)s, %(at)s, 't', 'post-1', %(digest)s, 'y', 'genuine', '', true, 0, ''"
        " WHERE NOT EXISTS (SELECT FROM custody_record WHERE id = %(id)s)",
        {"id": number, "at": at, "digest": bytes(32)},
    )


@pytest.fixture
def stock(superuser: psycopg.Connection) -> Stock:
    """Insert reads: see `keep_reads`."""
    numbers = iter(range(1, 1_000_000))
    return lambda reads: keep_reads(superuser, reads, numbers=numbers)


@pytest.fixture
def entry(superuser: psycopg.Connection) -> Iterator[OpenEntry]:
    """Open a ledger entry, as the role of the pages."""
    with as_role(COMMAND), opened() as created:
        yield created


def opened(*groups: str) -> OpenEntry:
    return open_entry(person="a", agency="b", purpose=AccessPurpose("drill", "D-1"), query={}, groups=groups)
