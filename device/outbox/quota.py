"""What is dropped when the outbox is full: pictures of reads, then reads, both counted; never anything else.

The oldest go first, and before all others those that a broker has acknowledged: someone may have them.
"""

import logging
from typing import Any

from platepost.device.outbox import rows
from platepost.device.outbox.database import Connection
from platepost.wire.records import Dropped, SequenceRange
from platepost.wire.records.canonical import dump, parse, without_pictures

log = logging.getLogger(__name__)

MIB = 1024 * 1024
HEADROOM = 4096
RANGES_AN_ACCOUNT = 1000
"""At most so many ranges of dropped reads in one account; what is left comes in the next."""


class Quota:
    """Keeps the records of an outbox within `limit` bytes, as far as pictures and reads can make room."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._above = False

    def measure(self, connection: Connection) -> None:
        """Count the bytes that the records have now."""
        self.size = connection.execute("SELECT coalesce(sum(size), 0) FROM record").fetchone()[0]

    def enforce(self, connection: Connection) -> None:
        """Make room if the limit is passed, within the caller's transaction.

        A little more is made than is needed: the account of what was dropped must not cost the next read.
        """
        target = self.limit if self.size <= self.limit else max(0, self.limit - max(self.limit // 64, HEADROOM))
        while self.size > target:
            if not (self._strip_oldest(connection) or self._drop_oldest(connection)):
                if self.size > self.limit and not self._above:
                    log.error("outbox above its quota with nothing left that may be dropped")
                self._above = self.size > self.limit
                return
        self._above = False

    def give_up(self, connection: Connection, size: int) -> bool:
        """Drop pictures and reads of `size` bytes, within the caller's transaction; return whether any were left."""
        target = self.size - size
        before = self.size
        while self.size > target and (self._strip_oldest(connection) or self._drop_oldest(connection)):
            pass
        return self.size < before

    def totals(self, connection: Connection) -> tuple[int, int]:
        """Return how many reads and how many reads' pictures were dropped since the outbox was made."""
        reads, pictures = connection.execute("SELECT reads, pictures FROM dropped").fetchone()
        return reads, pictures

    def take_pending(self, connection: Connection) -> Dropped | None:
        """Return what is not yet accounted for, and mark it as accounted, within the caller's transaction."""
        reads, pictures = connection.execute("SELECT reads_pending, pictures_pending FROM dropped").fetchone()
        if not reads and not pictures:
            return None
        ranges = connection.execute(
            "SELECT first, last FROM gap ORDER BY first LIMIT ?", (RANGES_AN_ACCOUNT,)
        ).fetchall()
        if ranges:
            connection.execute("DELETE FROM gap WHERE first <= ?", (ranges[-1][0],))
        # Counted again from the ranges: a count that does not match them could never be reported, and would be forever.
        left = "(SELECT coalesce(sum(last - first + 1), 0) FROM gap)"
        connection.execute(f"UPDATE dropped SET reads_pending = {left}, pictures_pending = 0")
        if not ranges and not pictures:
            return None
        return Dropped(
            reads=sum(last - first + 1 for first, last in ranges),
            pictures=pictures,
            sequences=tuple(SequenceRange(first=first, last=last) for first, last in ranges),
        )

    def _strip_oldest(self, connection: Connection) -> bool:
        row = _oldest(
            connection,
            "SELECT sequence, body, size FROM record INDEXED BY record_pictures"
            " WHERE sent = ? AND rank = 3 AND has_pictures = 1 ORDER BY sequence LIMIT 1",
        )
        if row is None:
            return False
        sequence, body, size = row
        stripped = dump(without_pictures(parse(body)))
        rows.strip(connection, sequence, stripped)
        connection.execute("UPDATE dropped SET pictures = pictures + 1, pictures_pending = pictures_pending + 1")
        self.size -= size - len(stripped)
        return True

    def _drop_oldest(self, connection: Connection) -> bool:
        row = _oldest(
            connection,
            "DELETE FROM record WHERE sequence ="
            " (SELECT sequence FROM record WHERE sent = ? AND rank = 3 ORDER BY sequence LIMIT 1)"
            " RETURNING sequence, size, number, CASE WHEN number IS NULL THEN NULL ELSE body END",
        )
        if row is None:
            return False
        sequence, size, number, body = row
        connection.execute("UPDATE dropped SET reads = reads + 1")
        if number is not None:
            # Of a former chain: its numbers mean nothing among the gaps of this one, so it is told as lost from that.
            rows.add_loss(connection, parse(body)["chain"], number)
        else:
            if not connection.execute("UPDATE gap SET last = ? WHERE last = ?", (sequence, sequence - 1)).rowcount:
                connection.execute("INSERT INTO gap (first, last) VALUES (?, ?)", (sequence, sequence))
            connection.execute("UPDATE dropped SET reads_pending = reads_pending + 1")
        self.size -= size
        return True


def _oldest(connection: Connection, sql: str) -> tuple[Any, ...] | None:
    """Return the row that `sql` finds among acknowledged records, or else among records that wait."""
    candidates = (connection.execute(sql, (sent,)).fetchone() for sent in (1, 0))
    return next((row for row in candidates if row is not None), None)
