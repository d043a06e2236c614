"""Places: the numbers by which other parts of the post name records that wait.

A file numbers its rows itself, and the one that takes the place of a damaged one gives the same numbers to other
records. So a place says too at which opening of a file it was given. One of an earlier opening means nothing any more:
anyone who still has it can neither delete another record by it, nor keep one from being sent.
"""

from collections.abc import Collection

from platepost.device.outbox.database import Connection

_SPAN = 2**48
"""The numbers of one opening lie within half of it around 0. Those of the first opening are places as they are."""


def place_of(number: int, opening: int) -> int:
    """Return the place of the row `number`, at an opening counted from 0."""
    return opening * _SPAN + number


def number_of(place: int, opening: int) -> int | None:
    """Return the number of the row at `place`, or None if the place was given at another opening."""
    number = place - opening * _SPAN
    return number if -_SPAN // 2 <= number < _SPAN // 2 else None


class Excluded:
    """Records that are left out of an answer: their numbers in the table `excluded` of one connection at a time.

    From one question to the next few of thousands change: changing those costs a tenth of naming them all in the
    question.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._places: frozenset[int] = frozenset()

    def put(self, connection: Connection, places: Collection[int], opening: int) -> None:
        """Have the numbers of these places in the table, and no others; `opening` is the connection's."""
        if connection is not self._connection:
            connection.execute("CREATE TEMP TABLE IF NOT EXISTS excluded (sequence INTEGER PRIMARY KEY) STRICT")
            connection.execute("DELETE FROM excluded")
            self._connection, self._places = connection, frozenset()
        requested = frozenset(places)
        before, self._connection = self._places, None  # an error on the way leaves the table to be made again
        connection.executemany("DELETE FROM excluded WHERE sequence = ?", _numbers(before - requested, opening))
        connection.executemany("INSERT INTO excluded (sequence) VALUES (?)", _numbers(requested - before, opening))
        self._connection, self._places = connection, requested


def _numbers(places: Collection[int], opening: int) -> list[tuple[int]]:
    numbers = (number_of(place, opening) for place in places)
    return [(number,) for number in numbers if number is not None]
