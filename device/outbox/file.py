"""The outbox's file: opened, set aside and begun again when it cannot be used, and written in transactions."""

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from platepost.common.errors import OutboxError
from platepost.device.clock.clock import Clock
from platepost.device.outbox import resending, rows
from platepost.device.outbox.database import KEY_BYTES, Connection, has_vanished, in_use, named_errors, open_database
from platepost.device.outbox.errors import (
    OutboxDamagedError,
    OutboxDiskError,
    OutboxFullError,
    OutboxKeyError,
    OutboxVersionError,
)
from platepost.device.outbox.log import log_is_readable
from platepost.device.outbox.quarantine import Quarantined, remove, remove_older, set_aside
from platepost.device.outbox.quota import Quota
from platepost.device.outbox.rebuild import Rebuilt, SalvageAttempts, adopt, discard, log_kept, put_in_place, rebuild
from platepost.device.outbox.salvage import log_is_damaged
from platepost.device.outbox.takeback import take_back

RESERVE_BYTES = 6 * 1024 * 1024
"""Room for the write-ahead log, which SQLite lets grow to 4 MB, to be moved into the database, and a little more."""


T = TypeVar("T")
log = logging.getLogger(__name__)
ROOM_BYTES = 256 * 1024
"""How much of pictures and reads goes at a time when the disk is full, though the quota would allow more."""
REMEMBERED_SECONDS = 60.0
UNCOMMITTED_SECONDS = 60.0
"""How long a change that may be lost waits for an append to be written with."""


class Reserve:
    """A file without content next to the outbox, deleted when the disk is full: deleting records needs space, too."""

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


class OutboxFile:
    """An encrypted database that is never without a file that can be used; from several threads.

    Args:
        path: the file.
        key: its 32 bytes.
        quota: what its records may take.
        meanwhile, clock, identify, reserve: as of `Outbox`, which also says what is raised.

    """

    def __init__(
        self,
        path: Path,
        *,
        key: bytes,
        quota: Quota,
        on_wait: Callable[[], None],
        clock: Clock,
        identify: Callable[[], str],
        reserve: Reserve | None,
    ) -> None:
        self.path = path
        self.set_aside: tuple[Quarantined, ...] = ()
        """Files that could not be used, the oldest first."""
        self.lock = threading.RLock()
        self.closed = False
        self.opening = -1
        """How often a file was opened after the first: rows had other numbers before then."""
        self._key = key
        self._quota = quota
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"cannot make the folder of the outbox: {error.strerror}") from error
        self._full_at: float | None = None
        self._transaction_began = 0.0
        self._reserve = reserve or Reserve(path)
        self._clock, self._identify = clock, identify
        self._attempts = SalvageAttempts(path)
        self._on_wait = on_wait
        self._connection: Connection | None = self._open()
        self._reserve.take()

    @property
    def disk_full(self) -> bool:
        """Whether the disk was found full within the last minute; takes the reserve again if there is room for it."""
        full = self._disk_was_full
        return not self._reserve.take() or full

    @property
    def _disk_was_full(self) -> bool:
        return self._full_at is not None and self._clock.steady() - self._full_at < REMEMBERED_SECONDS

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self.lock:
            self.closed = True
            if self._connection is not None:
                with suppress(OutboxError), named_errors():
                    self._commit(self._connection)
            self._disconnect()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns for the database or, if that proves damaged, for the database that replaces it.

        Raises:
            OutboxError: it is closed, or cannot be used.

        """
        with self.lock:
            try:
                return self._once(work)
            except (OutboxDamagedError, OutboxDiskError) as error:
                if isinstance(error, OutboxDiskError) and log_is_readable(self.path):
                    raise
                with suppress(OutboxDamagedError, OutboxDiskError), log_kept(self.path):
                    self._disconnect()
                    raise
                self._connection = self._start_over("damaged")
                return self._once(work)

    def transaction(self, work: Callable[[Connection], T], *, durable: bool = True, stores: bool = True) -> T:
        """Do all of `work` or nothing; where the disk is full, make room and try again.

        Args:
            work: what to do; it may be done twice.
            durable: whether it must be on the disk on return. What need not be is written with the next change that
                must, or after `UNCOMMITTED_SECONDS`: each page that both change is then written once.
            stores: whether a record is stored, which must not eat the room that is kept back for deleting others.

        Raises:
            OutboxFullError: the disk is full.
            OutboxError: the file is closed, or cannot be used.

        """

        def guarded(connection: Connection) -> T:
            with self._undone_unless_done(connection):
                result = work(connection)
            if durable or self._commit_is_due():
                self._commit(connection)
            return result

        with self.lock:
            try:
                return self.run(guarded)
            except OutboxFullError:
                self._full_at = self._clock.steady()
                self._make_room()
            # What fits into pages that are free needs the room for the log alone, and gives it back below.
            if stores and self.run(_free_bytes) < ROOM_BYTES:
                self._reserve.take()
            result = self.run(guarded)
            self._empty_log()
            self._reserve.take()
            return result

    def with_reserve(self, write: Callable[[], None]) -> None:
        """Write a little beside the outbox by which records may go; on a full disk, in the room kept back for that.

        Raises:
            OSError: the disk does not take it.

        """
        with self.lock:
            try:
                write()
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                self._reserve.give_up()
                write()
            finally:
                self._reserve.take()

    # --- inside

    def _open(self) -> Connection:
        try:
            return self._opened()
        except OutboxError:
            raise
        except OSError as error:  # a card that has become read-only, or gives nothing any more
            raise OutboxError(f"outbox: {error.strerror or error}") from error

    def _opened(self) -> Connection:
        adopt(self.path)
        if has_vanished(self.path):
            return self._start_over("vanished")
        if len(self._key) == KEY_BYTES and not in_use(self.path) and log_is_damaged(self.path, key=self._key):
            return self._start_over("damaged")
        try:
            with log_kept(self.path):
                connection = open_database(self.path, key=self._key, on_wait=self._on_wait)
        except (OutboxDamagedError, OutboxVersionError) as error:
            return self._start_over(error.reason)
        except OutboxKeyError as error:
            if not self.path.exists():
                raise
            return self._start_over(error.reason)
        except OutboxDiskError:
            # A page of the database that cannot be read is damage to SQLCipher; one of the log is not.
            if log_is_readable(self.path):
                raise
            return self._start_over("damaged")
        self._attempts.end()
        self._prepare(connection)
        if take_back(connection, self.path, key=self._key, on_wait=self._on_wait):
            self._quota.measure(connection)
        return connection

    def _start_over(self, reason: str) -> Connection:
        rebuilt = self._rebuild() if reason == "damaged" else None
        aside = set_aside(self.path, reason=reason)
        if rebuilt is not None:
            put_in_place(self.path)
            aside = replace(aside, kept=rebuilt.kept, same_chain=rebuilt.same_chain)
        self._attempts.end()
        self.set_aside = (*self.set_aside, aside)
        connection = open_database(self.path, key=self._key, on_wait=self._on_wait)
        self._prepare(connection)
        if rebuilt is not None and rebuilt.nothing_left:
            remove(aside)
        else:
            remove_older(self.path, aside)
        return connection

    def _rebuild(self) -> Rebuilt | None:
        if not self._attempts.begin():
            log.error("the outbox was to be salvaged at the last starts, and that never ended: it is left as it is")
            discard(self.path)
            return None
        try:
            return rebuild(self.path, key=self._key, on_wait=self._on_wait)
        except OutboxError:
            self._attempts.end()  # it ended, perhaps for lack of space, and killed no one
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OutboxError), named_errors():
                connection.close()

    def _prepare(self, connection: Connection) -> None:
        self.opening += 1
        with named_errors():
            rows.begin_chain(connection, self._identify)
            resending.prepare(connection)
            self._quota.measure(connection)

    def _once(self, work: Callable[[Connection], T]) -> T:
        if self.closed:
            raise OutboxError("the outbox is closed")
        if self._connection is None:  # the last attempt to begin again failed
            self._connection = self._open()
        with named_errors():
            if self._connection.in_transaction and self._commit_is_due():
                self._commit(self._connection)
            return work(self._connection)

    def _make_room(self) -> None:
        """Give up the reserve and, with the room that it leaves, pictures and reads."""
        log.warning("the disk is full: making room")
        self._reserve.give_up()

        def work(connection: Connection) -> None:
            with self._undone_unless_done(connection):
                self._quota.give_up(connection, ROOM_BYTES)
            self._commit(connection)

        with suppress(OutboxFullError):
            self.run(self._commit)
        self._empty_log()
        with suppress(OutboxFullError):
            self.run(work)
        self._empty_log()

    def _empty_log(self) -> None:
        with suppress(OutboxFullError):
            self.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    def _commit_is_due(self) -> bool:
        """Return whether the open transaction is to be written now, without an append that takes it along."""
        return self._disk_was_full or self._clock.steady() - self._transaction_began >= UNCOMMITTED_SECONDS

    @contextmanager
    def _undone_unless_done(self, connection: Connection) -> Iterator[None]:
        """Do all of what follows or nothing, in the transaction that is open or in a new one, which stays open."""
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
            self._transaction_began = self._clock.steady()
        connection.execute("SAVEPOINT work")
        try:
            yield
            connection.execute("RELEASE work")
        except BaseException:
            try:
                with named_errors():
                    connection.execute("ROLLBACK TO work")
                    connection.execute("RELEASE work")
            except OutboxError:  # some errors have undone all of the transaction already
                self._roll_back(connection)
            self._measure(connection)
            raise

    def _commit(self, connection: Connection) -> None:
        if not connection.in_transaction:
            return
        try:
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            self._measure(connection)
            raise

    def _roll_back(self, connection: Connection) -> None:
        with suppress(OutboxError), named_errors():
            connection.execute("ROLLBACK")

    def _measure(self, connection: Connection) -> None:
        with suppress(OutboxError), named_errors():
            self._quota.measure(connection)


def _free_bytes(connection: Connection) -> int:
    names = ("freelist_count", "page_size")
    free, page = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return free * page
