"""Records that are left out of an answer, in a table in memory.

From one question to the next few of thousands change: changing those costs a tenth of naming them all in the question.
"""

from collections.abc import Collection

from device.outbox.database import Connection
from device.outbox.places import number_of


class Excluded:
    """The numbers in the table `excluded` of one connection at a time."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._places: frozenset[int] = frozenset()

    def put(self, connection: Connection, places: Collection[int], opening: int) -> None:
        """Have the numbers of these places in the table, and no others; `opening` is the connection's."""
        if connection is not self._connection:
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS excluded (sequence INTEGER PRIMARY KEY) STRICT")
            connection.execute("DELETE FROM excluded")
            self._connection, self._places = connection, frozenset()
        wanted = frozenset(places)
        before, self._connection = self._places, None  # an error on the way leaves the table to be made anew
        connection.executemany("DELETE FROM excluded WHERE sequence = ?", _numbers(before - wanted, opening))
        connection.executemany("INSERT INTO excluded (sequence) VALUES (?)", _numbers(wanted - before, opening))
        self._connection, self._places = connection, wanted


def _numbers(places: Collection[int], opening: int) -> list[tuple[int]]:
    numbers = (number_of(place, opening) for place in places)
    return [(number,) for number in numbers if number is not None]
