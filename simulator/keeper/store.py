"""The record keeper's store: SQLite, durable at each commit.

A department keeps its records in PostgreSQL. This store is a file, because scenarios and tests make a custodian each,
kill it, and set it back to a copy, and the tests of subscribers run where there is no PostgreSQL: it opens within 10 ms
of CPU, where making a department's database takes 3 s and 72 MB. Both prove that a keeper works with any `KeptRecords`.

A record's bytes are kept exactly once by post, chain, number and digest, whatever they say: of a type, a form or a key
that is not known, they may be judged later. What has no place in a chain (wills, health, what is no record at all) is
kept by the digest of its bytes.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeAlias

from platepost.common.files import make_folder
from platepost.department.custody.holding import ChainName, Fate, Fork, Holding, LinkedRun
from platepost.department.custody.messages import ReceivedMessage
from platepost.department.custody.post_statements import DroppedNumbers, PostStatements, may_name_numbers
from platepost.department.custody.record import ChainPlace, CustodyRecord, take
from platepost.wire.records.canonical import parse
from platepost.wire.records.signing import Keyring

log = logging.getLogger(__name__)

_Before: TypeAlias = tuple[tuple[LinkedRun, ...], tuple[object, ...]]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  post TEXT, chain TEXT, number INTEGER, digest TEXT, forked INTEGER, names INTEGER,
  arrived TEXT, topic TEXT, body BLOB,
  UNIQUE (post, chain, number, digest)
);
CREATE INDEX IF NOT EXISTS naming ON records (post) WHERE names;
CREATE TABLE IF NOT EXISTS loose (digest TEXT PRIMARY KEY, arrived TEXT, topic TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS runs (
  post TEXT, chain TEXT, first INTEGER, last INTEGER, previous TEXT, digest TEXT, PRIMARY KEY (post, chain, first)
);
CREATE TABLE IF NOT EXISTS dropped (post TEXT, chain TEXT, first INTEGER, last INTEGER);
CREATE INDEX IF NOT EXISTS given_up_of ON dropped (post, chain);
CREATE TABLE IF NOT EXISTS forks (
  post TEXT, chain TEXT, number INTEGER, digest TEXT, PRIMARY KEY (post, chain, number, digest)
);
"""


class RecordStore:
    """Keeps what was delivered, and knows what is held of each chain. For one thread; a context manager.

    Args:
        path: the database; made if missing.
        keys: returns a post's record-signing keys as far as they are known.

    Raises:
        sqlite3.Error: it cannot be opened.

    """

    def __init__(self, path: Path, *, keys: Callable[[str], Keyring]) -> None:
        make_folder(path.parent)
        self._keys = keys
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        self._holdings: dict[ChainName, Holding] = {}
        self._heard: dict[str, PostStatements] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # --- what is held

    def chains(self) -> Iterable[ChainName]:
        """Return every chain of which something is held."""
        return [ChainName(*row) for row in self._database.execute("SELECT DISTINCT post, chain FROM runs")]

    def holding(self, chain: ChainName) -> Holding:
        """Return what is held of a chain."""
        if chain not in self._holdings:
            runs = self._rows("SELECT first, last, previous, digest FROM runs", chain)
            dropped = self._rows("SELECT first, last FROM dropped", chain)
            forks = self._rows("SELECT number, digest FROM forks", chain)
            self._holdings[chain] = Holding(
                (LinkedRun(*row) for row in runs), dropped=dropped, forks=(Fork(*row) for row in forks)
            )
        return self._holdings[chain]

    def digest(self, chain: ChainName, number: int) -> str | None:
        """Return the digest of the record that counts as held under a number; None if it is not known any more."""
        rows = self._rows("SELECT digest FROM records", chain, "number = ? AND NOT forked", number)
        return rows[0][0] if rows else None

    def digests(self, chain: ChainName, number: int) -> frozenset[str]:
        """Return the digests of all records stored under a number."""
        return frozenset(row[0] for row in self._rows("SELECT digest FROM records", chain, "number = ?", number))

    # --- keeping

    def keep(self, deliveries: Sequence[ReceivedMessage]) -> set[ChainName]:
        """Keep messages, all of them durable on return, or none; return the chains that are to be receipted.

        Raises:
            sqlite3.Error: the disk does not take them.

        """
        arrived = datetime.now(UTC).isoformat(timespec="milliseconds")
        touched: dict[ChainName, _Before] = {}
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for delivery in deliveries:
                record = take(delivery)
                if record.event is None or record.place is None:
                    self._keep_loose(delivery, arrived)
                    continue
                self._note(touched, record.place.chain)
                self._keep_record(record, record.place, delivery, arrived)
                for name, spans in self._named(delivery.post, record.event):
                    chain = ChainName(delivery.post, name)
                    self._note(touched, chain)
                    self.holding(chain).give_up(spans)
            for chain, before in touched.items():
                self._save(chain, *before)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            # What was taken in and is not kept must not be receipted.
            self._holdings.clear()
            self._heard.clear()
            raise
        return set(touched)

    def _keep_loose(self, delivery: ReceivedMessage, arrived: str) -> None:
        digest = hashlib.sha256(delivery.body).hexdigest()
        self._database.execute(
            "INSERT OR IGNORE INTO loose VALUES (?, ?, ?, ?)", (digest, arrived, delivery.topic, delivery.body)
        )

    def _keep_record(self, record: CustodyRecord, place: ChainPlace, delivery: ReceivedMessage, arrived: str) -> None:
        stored = self.digest(place.chain, place.number)
        fate = self.holding(place.chain).add(place.number, record.digest, place.previous, stored=stored)
        key = (*place.chain, place.number, record.digest)
        if fate is Fate.HELD:
            # The first copy may have come without its pictures; after a purge there is none, and there stays none.
            if stored is not None and record.pictures:
                self._add_pictures(record, key, delivery)
            return
        names = record.event is not None and may_name_numbers(record.event)
        row = (*key, fate is Fate.FORKED, names, arrived, delivery.topic, delivery.body)
        self._database.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _add_pictures(self, record: CustodyRecord, key: tuple[str, str, int, str], delivery: ReceivedMessage) -> None:
        where = "post = ? AND chain = ? AND number = ? AND digest = ?"
        (body,) = self._database.execute(f"SELECT body FROM records WHERE {where}", key).fetchone()
        if len(take(ReceivedMessage(delivery.topic, body)).pictures) < len(record.pictures):
            self._database.execute(f"UPDATE records SET body = ? WHERE {where}", (delivery.body, *key))

    def _note(self, touched: dict[ChainName, _Before], chain: ChainName) -> None:
        if chain not in touched:
            holding = self.holding(chain)
            touched[chain] = holding.runs, (holding.dropped, holding.forks)

    def _save(self, chain: ChainName, runs: tuple[LinkedRun, ...], more: tuple[object, ...]) -> None:
        holding = self.holding(chain)
        old, new = set(runs), set(holding.runs)
        many = self._database.executemany
        many("DELETE FROM runs WHERE post = ? AND chain = ? AND first = ?", ((*chain, run.first) for run in old - new))
        rows = ((*chain, run.first, run.last, run.previous, run.digest) for run in new - old)
        many("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", rows)
        if more != (holding.dropped, holding.forks):
            for table, spans in (("dropped", holding.dropped), ("forks", holding.forks)):
                self._database.execute(f"DELETE FROM {table} WHERE post = ? AND chain = ?", chain)
                many(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", ((*chain, *span) for span in spans))

    # --- what posts gave up

    def _named(self, post: str, event: dict[str, Any]) -> list[DroppedNumbers]:
        """Return the numbers that an event names as gone, and those of earlier events whose key it vouches for."""
        if not may_name_numbers(event):
            return []
        if post in self._heard:
            return self._heard[post].add_all([event])
        keys = self._keys(post)
        if not keys.kids:
            return []  # it is kept, and heard with the rest once there are keys
        stored = self._database.execute("SELECT body FROM records WHERE names AND post = ? ORDER BY rowid", (post,))
        self._heard[post] = PostStatements(keys)
        return self._heard[post].add_all(parse(body) for (body,) in stored)

    def _rows(self, select: str, chain: ChainName, more: str = "TRUE", *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(f"{select} WHERE post = ? AND chain = ? AND {more}", (*chain, *values)).fetchall()
