"""A little of the disk kept back, so that room can be made on it when it is full: to delete, too, one must write."""

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_BYTES = 6 * 1024 * 1024
"""Room for the write-ahead log, which SQLite lets grow to 4 MB, to be moved into the database, and a little more."""


class Reserve:
    """A file without content beside the outbox, given up and taken again."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.reserve")

    def take(self) -> bool:
        """Keep the reserve, if the disk has room for it; return whether it is there."""
        with suppress(OSError):
            if self._path.lstat().st_size == RESERVE_BYTES:
                return True
        try:
            # A link that lies there is not followed, and goes: the folder may belong to another user.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        """Let the outbox have the room."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
