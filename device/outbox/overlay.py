"""A damaged database, made readable for SQLite: a log of our own lies over it, and nothing of it is changed.

SQLite opens no database whose first page is damaged, and reads no log beyond its first wrong frame. So what is
authentic of the log is written again behind another name of the same file, with a schema that is whole. Another page
that is wrong stays so: reading it is an error (SQLCipher checks an HMAC a page), and costs what lies on it.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import sqlcipher3

from platepost.device.outbox.database import Connection, connect_in_form, migrate, read_form, schema_versions
from platepost.device.outbox.log import Frame, frames, log_file, write_log
from platepost.device.outbox.pages import PageCheck, PageFile


class Overlay:
    """The readable pages of a damaged database and its log. Close it.

    Args:
        path: the database, which nothing has open.
        key: the 32 bytes of the outbox's key.
        meanwhile: called again and again, as long as it goes on.

    Raises:
        OSError: the disk cannot read the file at all, or there is no room for the log.

    """

    def __init__(self, path: Path, *, key: bytes, on_wait: Callable[[], None]) -> None:
        self._key, self._form = key, read_form(path, key=key)
        self._check = PageCheck(key, *self._form)
        self._on_wait = on_wait
        self._path = overlay_file(path)
        self._log = self._path.with_name(f"{self._path.name}-log")
        self._rows = bytearray()
        """By number of the page: whether its newest image is whole and has rows of a table."""
        self.doubtful = False
        """Whether newer images of any page may have been lost, except of those renewed since."""
        self.renewed: set[int] = set()
        remove_overlay(path)
        try:
            self._lay(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove what was written."""
        for file in (self._path, log_file(self._path), self._log):
            file.unlink(missing_ok=True)

    def connect(self) -> Connection:
        """Open it with SQLite; close it with `disconnect`, which leaves the damaged database as it is."""
        shutil.copyfile(self._log, log_file(self._path))
        return connect_in_form(self._path, key=self._key, form=self._form, on_wait=self._on_wait)

    def disconnect(self, connection: Connection) -> None:
        """Close a connection without its log, which SQLite would otherwise write into the damaged database."""
        os.truncate(log_file(self._path), 0)
        with suppress(sqlcipher3.Error):
            connection.close()

    def has_rows(self, page: int) -> bool:
        """Return whether a page is whole and has rows of a table."""
        return page < len(self._rows) and bool(self._rows[page])

    def with_rows(self) -> Iterator[int]:
        """Yield the pages that have rows, in order."""
        return (page for page, rows in enumerate(self._rows) if rows)

    def certain(self, page: int) -> bool:
        """Return whether no newer image of a page can have been lost."""
        return not self.doubtful or page in self.renewed

    def _lay(self, path: Path) -> None:
        newer: dict[int, int] = {}
        schema, count = self._new_schema()
        self.log_is_clean = self._read_log(frames(path, self._check, on_wait=self._on_wait), newer)
        with closing(PageFile(path, on_wait=self._on_wait)) as database:
            pages = -(-database.size // self._form.page)
            size = max([pages, *newer])
            unreadable, whole = self._read_database(database, pages, newer, schema)
            damaged = {number: page for number, page in schema.items() if number not in whole | newer.keys()}
            if 1 in damaged:
                damaged[1] = self._check.with_page_count(damaged[1], before=count, count=size)
            self._write(path, newer, unreadable, damaged, size)
        try:
            os.link(path, self._path)
        except OSError:  # a file system without hard links
            shutil.copyfile(path, self._path)

    def _read_database(
        self, database: PageFile, pages: int, newer: Mapping[int, int], schema: Collection[int]
    ) -> tuple[list[int], set[int]]:
        """Read what the log has not; return the pages that cannot be read, and those of a new schema that are whole."""
        unreadable, whole = [], set()
        for number in range(1, pages + 1):
            page = database.read((number - 1) * self._form.page, self._form.page) if database.patient else None
            if number in newer:
                continue
            if page is None:
                unreadable.append(number)
            elif self._check.authentic(number, page):
                if number in schema:
                    whole.add(number)
                self._note_rows(number, has_rows=self._check.has_rows(number, page))
        return unreadable, whole

    def _write(
        self, path: Path, newer: Mapping[int, int], unreadable: list[int], schema: Mapping[int, bytes], size: int
    ) -> None:
        nothing = bytes(self._form.page)

        def pages() -> Iterator[tuple[int, bytes]]:
            # A card takes seconds to report again that it cannot read a sector: SQLite gets something wrong instead.
            yield from ((number, nothing) for number in unreadable if number not in schema)
            if newer:
                with closing(PageFile(log_file(path))) as log:
                    yield from ((number, log.read(place, len(nothing)) or nothing) for number, place in newer.items())
            yield from schema.items()

        write_log(self._path, pages(), page=self._form.page, size=size)
        log_file(self._path).rename(self._log)

    def _read_log(self, log: Iterator[Frame], newer: dict[int, int]) -> bool:
        """Take the log's transactions; return whether it is all of one piece, with nothing behind its end."""
        clean, broken = True, False
        transaction: list[Frame] = []
        for frame in log:
            if not frame.current:
                # What is left of a former round is in the database already; but a broken frame may look alike.
                broken, clean = True, False
            elif not frame.authentic:
                broken, clean = True, False
                self._doubt_all()
            else:
                if broken:
                    self._doubt_all()
                    broken = False
                transaction.append(frame)
            if frame.current and frame.commits:
                newer |= {frame.number: frame.place for frame in transaction}
                for written in transaction:
                    self._note_rows(written.number, has_rows=written.has_rows)
                self.renewed.update(frame.number for frame in transaction)
                transaction.clear()
        return clean and not transaction

    def _note_rows(self, page: int, *, has_rows: bool) -> None:
        if page >= len(self._rows):
            self._rows.extend(bytes(page + 1 - len(self._rows)))
        self._rows[page] = has_rows

    def _doubt_all(self) -> None:
        self.doubtful = True
        self.renewed.clear()

    def _new_schema(self) -> tuple[dict[int, bytes], int]:
        """Return the pages of an outbox that was made new which have its schema, by number, and how many it has in all.

        In one that was migrated, tables of later schema versions begin elsewhere: who reads them checks what is there.
        """
        connection = connect_in_form(self._path, key=self._key, form=self._form, create=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection, schema_versions())
            (count,) = connection.execute("PRAGMA page_count").fetchone()
            roots = {root for (root,) in connection.execute("SELECT rootpage FROM sqlite_schema")}
        finally:
            connection.close()
        content = self._path.read_bytes()
        self._path.unlink()
        length = self._form.page
        own = set(range(1, count + 1)) - roots  # every table is empty, and so has one page
        return {number: content[(number - 1) * length : number * length] for number in own}, count


def overlay_file(path: Path) -> Path:
    """Return the other name of the database at `path`."""
    return path.with_name(f"{path.name}.salvage")


def remove_overlay(path: Path) -> None:
    """Remove what a power cut has left of an overlay."""
    other = overlay_file(path)
    for file in (other, log_file(other), other.with_name(f"{other.name}-log")):
        file.unlink(missing_ok=True)
