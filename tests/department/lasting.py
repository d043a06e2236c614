"""Connections to the tests' database that go on from test to test, each in the state of a new one.

To connect takes ten milliseconds of a core, and so does what a server process looks up when it first sees the tables.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import psycopg

AS_NEW = """
CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP;
DISCARD SEQUENCES
"""
"""What `DISCARD ALL` does, but that prepared statements are kept, of which psycopg knows."""
Lasting: TypeAlias = Callable[..., psycopg.Connection]
"""Connects as a role, with `autocommit=True` if it says so: see the fixture of that name."""


class LastingConnections:
    """Connects as `psycopg.connect` does; who closes a connection gives it back.

    Args:
        where: what is said to psycopg of every connection.

    """

    def __init__(self, **where: Any) -> None:
        self._where = where
        self._idle: dict[str, list[psycopg.Connection]] = defaultdict(list)

    def __call__(self, role: str, *, autocommit: bool = False) -> psycopg.Connection:
        taken = self._left(role) or self._made(role)
        taken.autocommit = autocommit
        return taken

    def _left(self, role: str) -> psycopg.Connection | None:
        idle = self._idle[role]
        while idle:
            matches = idle.pop()
            with suppress(psycopg.Error):  # a test has ended the server
                matches.execute("")
                matches.rollback()
                return matches
        return None

    def _made(self, role: str) -> psycopg.Connection:
        created = _Lasting.connect(**self._where, user=role)
        created.idle = self._idle[role]
        return created

    def end(self) -> None:
        """Close those that no one has."""
        for idle in self._idle.values():
            while idle:
                psycopg.Connection.close(idle.pop())


class _Lasting(psycopg.Connection):
    idle: list[psycopg.Connection]

    def close(self) -> None:
        if self.closed or self in self.idle:
            return
        try:
            self.rollback()
            self.autocommit = True
            self.execute(AS_NEW)
        except psycopg.Error:
            super().close()
        else:
            self.idle.append(self)
