"""What salvage has found so far: noted in the new outbox's own file until it is done, so that no memory is taken."""

from collections.abc import Iterator
from dataclasses import dataclass

from platepost.device.outbox.database import Connection
from platepost.device.outbox.rows import COVERT
from platepost.device.outbox.salvage.forest import Spot

_AT_ONCE = 500
_TABLES = """
CREATE TABLE found (
    id     TEXT PRIMARY KEY,
    chain  TEXT NOT NULL,
    number INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    page   INTEGER NOT NULL,
    age    INTEGER NOT NULL,
    cell   INTEGER NOT NULL,
    oldest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE known (place INTEGER PRIMARY KEY) STRICT;
"""
_FORMER = f"chain IS NOT ? AND NOT (place <= {COVERT} AND ?)"
"""Chain that goes on, and whether covert chains do."""


@dataclass(frozen=True, slots=True)
class ReadableRecord:
    """A record that can be read."""

    id: str
    chain: str
    number: int
    place: int
    """Where it stood in the outbox: its number, or a negative one if it is of a former chain."""
    spot: Spot


class Finds:
    """The records that can be read, and the places where there were any.

    Args:
        notes: a database that has room for two tables.

    """

    def __init__(self, notes: Connection) -> None:
        self._notes = notes
        for statement in _TABLES.split(";"):
            notes.execute(statement)

    def forget(self) -> None:
        """Remove the tables."""
        self._notes.execute("DROP TABLE found")
        self._notes.execute("DROP TABLE known")

    def add(self, find: ReadableRecord) -> None:
        """Note a record, unless it is noted already."""
        spot = find.spot
        self._notes.execute(
            "INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (find.id, find.chain, find.number, find.place, spot.page, spot.age, spot.place, spot.oldest),
        )

    def know(self, place: int) -> None:
        """Note that there was a record at a place."""
        self._notes.execute("INSERT OR IGNORE INTO known VALUES (?)", (place,))

    def gone(self) -> list[int]:
        """Return the places of records that there were and that were not found, except covert ones."""
        sql = f"SELECT place FROM known WHERE place > {COVERT} EXCEPT SELECT place FROM found ORDER BY place"  # noqa: S608 - a constant
        return [place for (place,) in self._notes.execute(sql)]

    def are_all(self) -> bool:
        """Tell whether every record that there was, covert ones too, was found."""
        return self._notes.execute("SELECT place FROM known EXCEPT SELECT place FROM found").fetchone() is None

    def count(self) -> int:
        """Return how many records were found."""
        return int(self._notes.execute("SELECT count(*) FROM found").fetchone()[0])

    def last_chain(self) -> str | None:
        """Return the chain of the last record that was of no former chain when it was stored."""
        sql = "SELECT chain FROM found WHERE place > 0 ORDER BY id DESC LIMIT 1"
        row = self._notes.execute(sql).fetchone()
        return None if row is None else str(row[0])

    def later(self, chain: str, number: int) -> Iterator[ReadableRecord]:
        """Yield the records of a chain after a number, in order."""
        while page := self._select("chain = ? AND number > ? ORDER BY number", (chain, number)):
            yield from page
            number = page[-1].number

    def all(self) -> Iterator[ReadableRecord]:
        """Yield every record in the order of its making."""
        return self._ordered("1", ())

    def former(self, chain: str | None, *, covert: bool) -> Iterator[ReadableRecord]:
        """Yield the records of other chains than the one that goes on, and than the covert ones if these do."""
        return self._ordered(_FORMER, (chain, covert))

    def former_count(self, chain: str | None, *, covert: bool) -> int:
        """Return how many these are."""
        sql = f"SELECT count(*) FROM found WHERE {_FORMER}"  # noqa: S608 - a constant
        return int(self._notes.execute(sql, (chain, covert)).fetchone()[0])

    def present(self, chain: str | None, *, covert: bool) -> Iterator[ReadableRecord]:
        """Yield all others."""
        return self._ordered(f"NOT ({_FORMER})", (chain, covert))

    def _ordered(self, condition: str, values: tuple[object, ...]) -> Iterator[ReadableRecord]:
        after = ""
        while page := self._select(f"{condition} AND id > ? ORDER BY id", (*values, after)):
            yield from page
            after = page[-1].id

    def _select(self, condition: str, values: tuple[object, ...]) -> list[ReadableRecord]:
        # A few at a time: an answer that is not read to its end would keep the new outbox's log from being emptied.
        sql = f"SELECT * FROM found WHERE {condition} LIMIT {_AT_ONCE}"  # noqa: S608 - only what stands here
        return [
            ReadableRecord(name, chain, number, place, Spot(page, age, cell, bool(oldest)))
            for name, chain, number, place, page, age, cell, oldest in self._notes.execute(sql, values)
        ]
