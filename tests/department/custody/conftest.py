"""Fixtures of custody's tests: a database of records, emptied after each test."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

import pytest
from django.db import connection

from platepost.department.custody.bucket import PictureBucket
from platepost.department.custody.store import CustodyStore
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.wire.records import Keyring
from tests.department.custody.posts import NOW, SIGNER
from tests.department.emptying import empty_custody
from tests.department.lasting import Lasting

Open: TypeAlias = Callable[[], CustodyStore]
Rows: TypeAlias = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def keys() -> dict[str, Keyring]:
    """What the register says, to be changed by a test."""
    return {"post-1": Keyring.from_pem(SIGNER.public_pem)}


@pytest.fixture
def ended() -> dict[str, datetime]:
    """Which keys the register says have ended, and when, to be changed by a test."""
    return {}


@pytest.fixture
def clock() -> list[datetime]:
    """The custodian's clock, to be set by a test."""
    return [NOW]


@pytest.fixture
def database(cluster: PrivateCluster, transactional_db: None) -> str:
    """Where the tests' database is, for a role to be added."""
    return f"host={cluster.folder} dbname={connection.settings_dict['NAME']}"


@pytest.fixture
def rows(lasting: Lasting, transactional_db: None) -> Iterator[Rows]:
    """Asks the database as a superuser, and empties custody's tables in the end."""
    with lasting(SUPERUSER, autocommit=True) as superuser:
        yield lambda sql, *values: superuser.execute(sql, values).fetchall()
        empty_custody(superuser)


@pytest.fixture
def pictures() -> PictureBucket | None:
    """Where pictures lie; in the database if None."""
    return None


@pytest.fixture
def opened(
    *,
    database: str,
    rows: Rows,
    keys: dict[str, Keyring],
    ended: dict[str, datetime],
    clock: list[datetime],
    pictures: PictureBucket | None,
) -> Iterator[Open]:
    """Opens the store again, as after an end."""
    stores: list[CustodyStore] = []

    def again() -> CustodyStore:
        for store in stores:
            store.close()
        custody_store = CustodyStore(
            f"{database} user={KEEPER} application_name=records",
            keys=lambda post: keys.get(post, Keyring(())),
            ended=lambda _: ended,
            now=lambda: clock[0],
            bucket=pictures,
        )
        stores.append(custody_store)
        return custody_store

    yield again
    for store in stores:
        store.close()
