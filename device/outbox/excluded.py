"""Records that are left out of an answer, in a table in memory.

From one question to the next few of thousands change: changing those costs a tenth of naming them all in the question.
"""

from collections.abc import Collection

from device.outbox.database import Connection


class Excluded:
    """The numbers in the table `excluded` of one connection at a time."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._numbers: frozenset[int] = frozenset()

    def put(self, connection: Connection, numbers: Collection[int]) -> None:
        """Have these numbers in the table, and no others."""
        if connection is not self._connection:
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS excluded (sequence INTEGER PRIMARY KEY) STRICT")
            connection.execute("DELETE FROM excluded")
            self._connection, self._numbers = connection, frozenset()
        wanted = frozenset(numbers)
        before, self._connection = self._numbers, None  # an error on the way leaves the table to be made anew
        connection.executemany("DELETE FROM excluded WHERE sequence = ?", [(number,) for number in before - wanted])
        connection.executemany("INSERT INTO excluded (sequence) VALUES (?)", [(number,) for number in wanted - before])
        self._connection, self._numbers = connection, wanted
