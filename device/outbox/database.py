"""The file under the outbox: SQLCipher (AES-256, one HMAC a page), opened, checked and migrated.

`synchronous=FULL` with a write-ahead log: a commit that returned is on the disk. The lock is exclusive: one a file.
"""

import errno
import fcntl
import hashlib
import hmac
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote

import sqlcipher3

from platepost.common.errors import OutboxError
from platepost.common.files import write_durably
from platepost.device.outbox.errors import (
    OutboxBusyError,
    OutboxDamagedError,
    OutboxDiskError,
    OutboxFullError,
    OutboxKeyError,
    OutboxVersionError,
)
from platepost.device.outbox.log import log_file
from platepost.device.outbox.pages import PAGE, PAGE_SIZES, SALT, PageCheck, PageFile

log = logging.getLogger(__name__)

KEY_BYTES = 32
_STEPS = 1000
"""Of SQLite between two calls of `meanwhile`; of the look at every page, some thousand pages: minutes where there are
gigabytes, which systemd must not take for a start that hangs."""
_LEAST_PAGE = 512
_FORM_PAGES = 16
"""Pages at the beginning by which a file's form is tried: damage may have taken some of them."""
LOG_BYTES = 4_096_000
"""What the write-ahead log grows to before it is moved into the database, in pages."""
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510
"""The bytes that SQLite locks, https://sqlite.org/src/file/src/os.h."""
Connection: TypeAlias = Any
"""A `sqlcipher3.Connection`, a module without type hints."""


class Form(NamedTuple):
    """What one must know of a database to read its pages."""

    salt: bytes
    page: int
    """Bytes of a page."""


# Primary result codes, https://sqlite.org/rescode.html
_BUSY, _LOCKED, _IOERR, _CORRUPT, _FULL, _NOTADB = 5, 6, 10, 11, 13, 26
_ERRORS: dict[int, type[OutboxError]] = {
    _BUSY: OutboxBusyError,
    _LOCKED: OutboxBusyError,
    _IOERR: OutboxDiskError,
    _CORRUPT: OutboxDamagedError,
    _NOTADB: OutboxDamagedError,
    _FULL: OutboxFullError,
}


def read_key_file(path: Path) -> bytes:
    """Read the outbox key: 32 raw bytes, or 64 hexadecimal digits.

    Raises:
        OutboxKeyError: the file is unreadable or holds neither.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutboxKeyError(f"cannot read the outbox key {path.name}: {error.strerror}") from error
    if len(content) == KEY_BYTES:
        return content
    if re.fullmatch(rb"\s*[0-9a-fA-F]{64}\s*", content):
        return bytes.fromhex(content.decode("ascii"))
    raise OutboxKeyError(f"{path.name} holds neither 32 bytes nor 64 hexadecimal digits")


@contextmanager
def named_errors() -> Iterator[None]:
    """Turn what SQLite raises into the outbox's own errors."""
    try:
        yield
    except sqlcipher3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind = _ERRORS.get(code) or _by_message(str(error))
        reason = "another post runs with this outbox, or a program reads it" if kind is OutboxBusyError else f"{error}"
        raise kind(f"outbox: {reason}") from error


def open_database(path: Path, *, key: bytes, on_wait: Callable[[], None] = lambda: None) -> Connection:
    """Open the outbox's file, creating or migrating it; `meanwhile` is called again and again while that goes on.

    Raises:
        OutboxKeyError: the key is not 32 bytes, or not the file's.
        OutboxDamagedError: the file is no outbox, or damaged.
        OutboxVersionError: newer software wrote it.
        OutboxBusyError: another process has it open.
        OutboxFullError: the disk is full.
        OutboxDiskError: the disk fails.
        OutboxError: it cannot be read or written for another reason.

    """
    if len(key) != KEY_BYTES:
        raise OutboxKeyError(f"the outbox key must be {KEY_BYTES} bytes, not {len(key)}")
    try:
        connection = _open(path, key, on_wait)
    except OutboxDamagedError as error:
        if _other_key(path, key):
            raise OutboxKeyError("the outbox was written with another key") from error
        raise
    _write_key_check(path, key)
    _note_salt(path, bytes.fromhex(connection.execute("PRAGMA cipher_salt").fetchone()[0]))
    return connection


def _open(path: Path, key: bytes, on_wait: Callable[[], None]) -> Connection:
    def go_on() -> int:
        on_wait()
        return 0

    with named_errors():
        connection = sqlcipher3.connect(str(path), isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            page = read_form(path, key=key).page
            _unlock(connection, key.hex(), page)
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // page}")
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = FAST")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.set_progress_handler(go_on, _STEPS)
            _check_pages(connection)
            # The log begins again: what a power cut left behind its end cannot be mistaken for what comes next.
            with suppress(sqlcipher3.OperationalError):  # a full disk does not keep an outbox shut
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            migrate(connection, schema_versions())
            connection.set_progress_handler(None, 0)
        except BaseException:
            connection.close()
            raise
        return connection


@cache
def schema_versions() -> dict[int, str]:
    """Return the SQL of every schema version, by number; the files are read once."""
    versions = {}
    for file in files("platepost.device.outbox").joinpath("schema").iterdir():
        if name := re.fullmatch(r"schema_v(\d+)\.sql", file.name):
            versions[int(name[1])] = file.read_text(encoding="utf-8")
    return dict(sorted(versions.items()))


def migrate(connection: Connection, versions: Mapping[int, str]) -> None:
    """Bring the schema to the newest of `versions`, each step in a transaction of its own.

    Raises:
        OutboxVersionError: the file is newer than this software.

    """
    (present,) = connection.execute("PRAGMA user_version").fetchone()
    if present > max(versions):
        raise OutboxVersionError(f"the outbox has schema version {present}; this software knows up to {max(versions)}")
    for number, sql in versions.items():
        if number > present:
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
            log.info("outbox schema brought to version %d", number)


def version_of(path: Path, *, key: bytes) -> int | None:
    """Return the schema version of an outbox's file, without looking at the rest of it; None if it does not open."""
    connection = sqlcipher3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=1.0)
    try:
        _unlock(connection, key.hex(), read_form(path, key=key).page)
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlcipher3.DatabaseError:
        return None
    finally:
        connection.close()


def connect_in_form(
    path: Path,
    *,
    key: bytes,
    form: Form,
    create: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> Connection:
    """Open a database as it is: unchecked, not migrated, with the salt given rather than that in the file."""

    def go_on() -> int:
        on_wait()
        return 0

    mode = "rwc" if create else "rw"
    connection = sqlcipher3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, timeout=1.0)
    _unlock(connection, key.hex() + form.salt.hex(), form.page)
    connection.execute("PRAGMA writable_schema = ON")  # a file that is too short is read all the same
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # the index of the log is in memory, not in a file
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")  # nothing that is written here must outlive a power cut
    connection.set_progress_handler(go_on, _STEPS)
    return connection


def _unlock(connection: Connection, key: str, page: int) -> None:
    connection.execute("PRAGMA cipher_log_level = NONE")  # every error is raised, and named here
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    connection.execute("PRAGMA cipher_compatibility = 4")  # a later SQLCipher still makes files of this form
    connection.execute(f"PRAGMA cipher_page_size = {page}")


def read_form(path: Path, *, key: bytes) -> Form:
    """Return the form of a database, by the salt in the file or, if no page there is authentic with it, the one noted.

    A file of which nothing is authentic is taken for one made now, as one that does not exist is.
    """
    try:
        with closing(PageFile(path)) as file:
            begin = {
                page: [(number, file.read((number - 1) * page, page) or b"") for number in range(1, _FORM_PAGES + 1)]
                for page in PAGE_SIZES
            }
    except OSError:
        return Form(bytes(SALT), PAGE)
    own = begin[PAGE][0][1][:SALT].ljust(SALT, b"\0")
    salts = [own]
    with suppress(OSError):
        salts.append(salt_file(path).read_bytes())
    for form in (Form(salt, page) for salt in salts for page in PAGE_SIZES):
        authentic = PageCheck(key, *form).authentic
        if any(authentic(*page) for page in begin[form.page]):
            return form
    return Form(own, PAGE)


def has_vanished(path: Path) -> bool:
    """Tell whether there was an outbox whose file is gone or empty; SQLite would begin again without a word.

    What is left of a file that has its log is damaged, not gone: the log may have everything.
    """
    if not key_check_file(path).exists():
        return False
    size = path.stat().st_size if path.exists() else 0
    logged = log_file(path).exists() and log_file(path).stat().st_size > 0
    return size < (1 if logged else _LEAST_PAGE)


def in_use(path: Path) -> bool:
    """Tell whether another process has the database open, by the lock that SQLite's exclusive mode holds."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _check_pages(connection: Connection) -> None:
    """Read every page once, so that damage shows at the start and not when a damaged record is needed."""
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != ("ok",):
        raise OutboxDamagedError(f"outbox: {verdict[0] if verdict else 'no verdict'}")


def key_check_file(path: Path) -> Path:
    """Return the file that tells a wrong key from a damaged outbox; it says nothing about the key."""
    return path.with_name(f"{path.name}.keycheck")


def salt_file(path: Path) -> Path:
    """Return the copy of the database's first 16 bytes, which are no secret: without them no page can be read."""
    return path.with_name(f"{path.name}.salt")


def companions(path: Path) -> list[Path]:
    """Return the files beside a database that say what it is."""
    return [key_check_file(path), salt_file(path)]


def database_files(path: Path) -> list[Path]:
    """Return the files of the database that exist."""
    return [
        file for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")) if file.exists()
    ]


def _key_check(key: bytes) -> str:
    return hmac.new(key, b"platepost outbox key check", hashlib.sha256).hexdigest()


def _other_key(path: Path, key: bytes) -> bool:
    check = key_check_file(path)
    return check.exists() and check.read_text(encoding="ascii", errors="replace").strip() != _key_check(key)


def _write_key_check(path: Path, key: bytes) -> None:
    check = key_check_file(path)
    if not check.exists() or _other_key(path, key):
        try:
            write_durably(check, f"{_key_check(key)}\n".encode())  # root, too, is led nowhere by a link that lies there
        except OSError as error:
            kind = OutboxFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else OutboxError
            raise kind(f"cannot write the outbox's key check: {error.strerror}") from error


def _note_salt(path: Path, salt: bytes) -> None:
    with suppress(OSError):  # it is needed only if the file is damaged at its very beginning
        if not salt_file(path).exists() or salt_file(path).read_bytes() != salt:
            write_durably(salt_file(path), salt)


def _by_message(message: str) -> type[OutboxError]:
    if "not a database" in message or "malformed" in message:
        return OutboxDamagedError
    if "full" in message:
        return OutboxFullError
    if "locked" in message:
        return OutboxBusyError
    return OutboxError
