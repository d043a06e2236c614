"""What was asked of the post and done: remembered on disk, so that nothing is done twice.

SQLite rather than the outbox: what is remembered here must survive the outbox being set aside.
"""

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from platepost.common.files import keep_newest
from platepost.wire.errors import NotKeptError, RefusedError, Rejection

log = logging.getLogger(__name__)

KEPT = 5000
"""Requests remembered. At the rate that is allowed this is weeks, and a request is heeded for minutes, or, while the
clock is not synchronised, for one run of the software."""

KEPT_ASIDE = 2
"""Journals that are kept of those put aside as damaged."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (
    number  INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,
    at      REAL NOT NULL
) STRICT;
"""


class ReplayGuard:
    """Remembers requests by their ids.

    A file that cannot be used is put aside, as `journal.db.20260131T170509`, and a new one begun; `forgotten` then
    tells that requests from before this run may have been done.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self.forgotten = False
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._begin()
        except (sqlite3.DatabaseError, OSError) as error:
            log.warning("the journal of requests cannot be used and is put aside: %s", error)
            self._put_aside()

    def take(self, identifier: str, command: str, *, at: datetime, most: int, within: float) -> None:
        """Remember a request that is about to be done; durable on return.

        Args:
            identifier: the request's id.
            command: what it asks.
            at: now.
            most: how often `command` may be done ...
            within: ... in so many seconds.

        Raises:
            RefusedError: it was done before, or `command` was done too often of late.
            NotKeptError: it cannot be remembered; then it must not be done.

        """
        moment = at.timestamp()
        try:
            with self._lock, self._open() as connection:
                if connection.execute("SELECT 1 FROM asked WHERE id = ?", (identifier,)).fetchone():
                    raise RefusedError(Rejection.REPLAYED, "this request was already carried out")
                (often,) = connection.execute(
                    "SELECT count(*) FROM asked WHERE command = ? AND at > ? AND at <= ?",
                    (command, moment - within, moment),
                ).fetchone()
                if often >= most:
                    raise RefusedError(Rejection.TOO_OFTEN, f"{command} was done {often} times in {within:g} s")
                connection.execute(
                    "INSERT INTO asked (id, command, at) VALUES (?, ?, ?)", (identifier, command, moment)
                )
                connection.execute("DELETE FROM asked WHERE number <= (SELECT max(number) FROM asked) - ?", (KEPT,))
        except (sqlite3.Error, OSError) as error:
            raise NotKeptError(f"the request cannot be recorded: {error}") from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=5)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            with connection:
                yield connection

    def _begin(self) -> None:
        if self._path.is_symlink():  # SQLite would follow it, and during an acceptance it is root who opens the file
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        with self._open() as connection:
            connection.execute(_SCHEMA)
            connection.execute("SELECT count(*) FROM asked").fetchone()

    def _put_aside(self) -> None:
        self.forgotten = True
        aside = self._path.with_name(f"{self._path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}")
        try:
            if os.path.lexists(self._path):
                self._path.replace(aside)
                keep_newest(self._path.parent.glob(f"{self._path.name}.*T*"), KEPT_ASIDE)
            self._begin()
        except (sqlite3.Error, OSError) as error:
            # Then `take` fails too, and with it every command: better than doing one twice.
            log.error("no journal of requests can be kept: %s", error)
