"""What a test does to the database of an open outbox, which no one else may open."""

from collections.abc import Callable
from typing import Any, TypeVar

from platepost.device.outbox.database import Connection
from platepost.device.outbox.outbox import Outbox

T = TypeVar("T")
ROOTS = {
    "chain": 2,
    "record": 3,
    "sqlite_autoindex_record_1": 4,
    "record_order": 5,
    "record_pictures": 7,
    "dropped": 9,
    "gap": 10,
    "loss": 11,
}
"""Where the tables begin in an outbox that was made new."""


def inside(outbox: Outbox, work: Callable[[Connection], T]) -> T:
    """Return what `work` says of the database."""
    return outbox._file.run(work)


def execute(outbox: Outbox, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement, and return its rows."""
    return inside(outbox, lambda connection: connection.execute(sql, values).fetchall())
