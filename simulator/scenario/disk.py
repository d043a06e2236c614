"""A post's disk that another program fills, without a file system of its own.

The database is kept from growing (`PRAGMA max_page_count`, which fails as a full disk does: SQLITE_FULL), and the
outbox's reserve is worth what it is worth on a disk without other room. It does not simulate: a disk that fails to
read, and the other files of a post, which are small.
"""

from typing import TYPE_CHECKING

from platepost.device.health.machine import Readings
from platepost.device.outbox.file import RESERVE_BYTES, Reserve

if TYPE_CHECKING:
    from platepost.device.outbox.outbox import Outbox

SIZE_BYTES = 16 * 1024**3
_PAGE = 4096
_UNLIMITED = 1_073_741_823
"""SQLite's default, https://sqlite.org/pragma.html#pragma_max_page_count."""


class ScenarioDisk(Reserve):
    """The room on one post's disk, and the reserve that the outbox keeps of it."""

    def __init__(self) -> None:
        self.full = False
        self.outbox: Outbox | None = None
        self._reserved = False

    def fill(self) -> None:
        """Take all room that is left."""
        self.full = True
        self._limit(0)

    def free(self) -> None:
        """Give the room back."""
        self.full = False
        self._limit(_UNLIMITED)

    def readings(self) -> Readings:
        """Return what the machine says of itself: a cool one, with a disk that is half full or full."""
        free = 0 if self.full else SIZE_BYTES // 2
        return Readings(celsius=45.0, throttled=0, disk_free=free, disk_size=SIZE_BYTES, worn=None)

    # --- what the outbox asks of its reserve

    def take(self) -> bool:
        """Keep the reserve; on a full disk only what was given up of it can be taken again."""
        if not self._reserved:
            self._reserved = True
            if self.full:
                self._limit(0)
        return True

    def give_up(self) -> None:
        """Let the outbox have the room."""
        if self._reserved:
            self._reserved = False
            if self.full:
                self._limit(RESERVE_BYTES // _PAGE)

    def _limit(self, pages: int) -> None:
        """Let the database grow by so many pages."""
        if self.outbox is None:
            return
        file = self.outbox._file  # noqa: SLF001 - the post's own connection: the limit is a connection's
        now = int(file.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0]))
        most = min(_UNLIMITED, now + pages)
        file.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {most}").fetchone())
