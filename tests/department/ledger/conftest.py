"""An empty ledger for each test, and how to damage one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from platepost.department.database.cluster import SUPERUSER
from tests.department import emptying

Connect = Callable[[str], psycopg.Connection]
Damaging = Callable[[], AbstractContextManager[psycopg.Connection]]


@pytest.fixture
def damaging(connect: Connect) -> Damaging:
    """Return how to change the ledger's tables as a superuser can, who takes the triggers away meanwhile."""

    @contextmanager
    def taken_away() -> Iterator[psycopg.Connection]:
        with connect(SUPERUSER) as connection:
            for verb in ("DISABLE", "ENABLE ALWAYS"):
                for trigger in ("ledger_body_is_final", "ledger_body_ends_with_its_class"):
                    connection.execute(f"ALTER TABLE ledger_body {verb} TRIGGER {trigger}")
                connection.execute(f"ALTER TABLE ledger_entry {verb} TRIGGER ledger_entry_is_final")
                if verb == "DISABLE":
                    yield connection

    return taken_away


@pytest.fixture(autouse=True)
def empty_ledger(connect: Connect) -> Iterator[None]:
    """Begin with none, and leave none: what a test has entered, or damaged, is committed; Django cannot remove it."""
    for begins in (True, False):
        with connect(SUPERUSER) as connection:
            emptying.empty_ledger(connection)
        if begins:
            yield
