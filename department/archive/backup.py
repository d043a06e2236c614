"""A department in one encrypted file, and back.

The file is a tar of `backup.json`, which comes first, of the folder's small files (`folder/`), and of what
`pg_basebackup` takes from the running server with the WAL that makes it consistent (`database/data/`). It is compressed
by zstd and encrypted by `age` to public keys, so that the machine that makes backups cannot read one.

The log of receipts is not in it, nor are the holds beside it: a post has deleted what was receipted, and only what was
never restored can tell what a backup lacks. Nor is the key of households: it stays apart from their digests.
"""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

import psycopg
import zstandard
from pydantic import BaseModel, ConfigDict, ValidationError

from platepost.common.files import flush_folder
from platepost.common.signals import KILLED_SECONDS
from platepost.department.custody.bucket import open_bucket
from platepost.department.custody.certificate import certifying_keys
from platepost.department.custody.check import CustodyVerification
from platepost.department.custody.check_report import CheckReport
from platepost.department.custody.register import KeyRegister
from platepost.department.database.cluster import SUPERUSER, PrivateCluster
from platepost.department.database.roles import KEEPER
from platepost.department.database.users import has_users
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.ledger.catalog import LedgerEvent
from platepost.department.ledger.verify import verify_ledger
from platepost.wire.verify.noted_heads import NotedHead

SLOT = "platepost_backup"
"""Temporary replication slot that has the server keep the WAL of a backup until the backup has it."""
LEVEL = 3
"""Of zstd: records and pictures are compressed already, indexes are not."""
_NOTE, _FOLDER, _DATA = "backup.json", PurePosixPath("folder"), PurePosixPath("database/data")
_EXCLUDED = frozenset({"database", "database.log", "database.log.1", "database.lock", "unfinished", "household-key"})
_PROGRESS_EVERY = 1 << 24
END_SECONDS = 120.0
"""For a program to end once it has given or been given all: it may still have to flush to a slow disk."""
_SLOWEST_DISK = 2_000_000
"""Bytes a second; a disk that takes longer for what is on it counts as one that does not answer."""
ProgressCallback = Callable[[int, int | None], None]
"""Called with what is done and what there is to do, in bytes or in records; None where that is not known."""


class BackupNote(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True)

    agency: str
    custodian: str
    version: str
    """Of Platepost."""
    made: datetime
    """When it was begun: what came later may be lacking."""
    head: str | None
    """The end of the ledger then, as `platepost.wire.verify.noted_heads` writes it."""


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A backup that is on disk."""

    note: BackupNote
    path: Path
    size: int
    """Bytes of the file."""
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came of a backup that was restored and gone through."""

    note: BackupNote
    size: int
    """Bytes of the file."""
    database_size: int
    """Bytes of the database."""
    restore_seconds: float
    """Until the database accepted connections."""
    verify_seconds: float
    custody: CheckReport
    lacking: tuple[str, ...]
    """What the backup says that it has, and has not."""

    @property
    def intact(self) -> bool:
        """Whether all is there and proved."""
        return self.custody.intact and not self.lacking


def back_up(
    folder: DepartmentFolder,
    superuser: psycopg.Connection[Any],
    target: Path,
    recipients: Sequence[str],
    *,
    on_progress: ProgressCallback,
) -> BackupResult:
    """Write a backup of a department whose private cluster runs; durable on return. The keeper may run meanwhile.

    Args:
        folder: the department's.
        superuser: of its private cluster, autocommit, to the department's database.
        target: the file; it must not exist.
        recipients: age's public keys (`age1...`); each can open it.
        on_progress: hears of progress, in bytes.

    Raises:
        DepartmentError: the file already exists, another backup runs, or a program refuses.
        OSError: the disk does not take it.

    """
    if target.exists():
        raise DepartmentError(f"{target} already exists; a backup is not overwritten")
    if target.absolute().is_relative_to(folder.path):
        raise DepartmentError(f"{target} is in the department's folder: keep a backup on another disk")
    began, note = time.monotonic(), _note(folder, superuser)
    try:
        superuser.execute("SELECT pg_create_physical_replication_slot(%s, true, true)", [SLOT])
    except psycopg.errors.DuplicateObject:
        raise DepartmentError("another backup of this department is being made") from None
    aside = target.with_name(target.name + _PART)
    # What a backup that was cut off left is in no account, and would outlast every term.
    for left in (aside, *target.parent.glob(f"{folder.settings.agency}-*.backup.age{_PART}")):
        left.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        keys = [part for key in recipients for part in ("--recipient", key)]
        with aside.open("wb") as file:
            with _running(["age", "--encrypt", *keys], sink=file) as encrypting:
                _pack(folder, superuser, note, encrypting, on_progress)
            os.fsync(file.fileno())
        digest = _digest(aside)
        aside.rename(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    finally:
        superuser.execute("SELECT pg_drop_replication_slot(%s)", [SLOT])
    flush_folder(target.parent)
    superuser.execute("INSERT INTO archive_backup VALUES (%s, %s, %s)", [digest, target.name, note.made])
    _enter(superuser, folder, LedgerEvent.BACKED_UP, target.name, digest)
    return BackupResult(note, target, target.stat().st_size, digest, time.monotonic() - began)


def destroy_old(
    folder: DepartmentFolder, superuser: psycopg.Connection[Any], where: Path
) -> tuple[list[str], list[str]]:
    """Destroy the backups whose term is over, except the newest, and the newest that is there; durable on return.

    Args:
        folder: the department's.
        superuser: of the private cluster, autocommit, to the department's database.
        where: the folder in which they are.

    Returns:
        The names of those that were destroyed, and of those that should be and are elsewhere.

    """
    removed, elsewhere = [], []
    fetched = superuser.execute("SELECT name FROM archive_backup WHERE removed_at IS NULL ORDER BY made_at DESC")
    newest = next((name for (name,) in fetched if (where / name).exists()), None)
    for digest, name in superuser.execute(_OVER).fetchall():
        if not (where / name).exists():
            elsewhere.append(name)
            continue
        if name == newest:
            continue
        with superuser.transaction():
            superuser.execute("UPDATE archive_backup SET removed_at = clock_timestamp() WHERE sha256 = %s", [digest])
            _enter(superuser, folder, LedgerEvent.BACKUP_REMOVED, name, digest)
            (where / name).unlink()
        removed.append(name)
    flush_folder(where)
    return removed, elsewhere


_PART = ".part"
"""What the name of a file ends with until it is whole."""
_OVER = """
SELECT sha256, name FROM archive_backup, archive_term
WHERE class = 'backup' AND removed_at IS NULL AND made_at + kept_days * interval '24 hours' <= clock_timestamp()
AND made_at < (SELECT max(made_at) FROM archive_backup WHERE removed_at IS NULL) ORDER BY made_at
"""


def restore(file: Path, identity: Path, into: Path) -> BackupNote:
    """Put what a backup has into a new folder, and check the database's files against their manifest.

    The database is not started. What the file holds is authentic only as far as no one else has a recipient's public
    key: `verify` proves the records, not the file.

    Args:
        file: the backup.
        identity: the file of a private key, as `age-keygen` writes it.
        into: a folder that does not exist.

    Raises:
        DepartmentError: it does not open with that key, is damaged, or is no backup.
        OSError: the disk does not take it.

    """
    # The user as whom root runs the database server passes it.
    into.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True)
    note: BackupNote | None = None
    try:
        with (
            _running(["age", "--decrypt", "--identity", str(identity), str(file)]) as decrypted,
            zstandard.ZstdDecompressor().stream_reader(decrypted) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            for member in tar:
                if note is None:
                    note = BackupNote.model_validate_json(_content(tar, member).read())
                else:
                    _put(into, member, tar)
            while plain.read(_PROGRESS_EVERY):
                pass  # to the end, which alone tells that nothing was cut off
    except (tarfile.TarError, zstandard.ZstdError, ValidationError) as error:
        raise DepartmentError(f"{file} is not a backup of a department, or damaged: {error}") from error
    if note is None:
        raise DepartmentError(f"{file} is not a backup of a department")
    cluster = PrivateCluster(DepartmentFolder(into).cluster)
    size = sum(path.stat().st_size for path in (into / _DATA).rglob("*") if path.is_file())
    line = [cluster.program("pg_verifybackup"), "--quiet", str(into / _DATA)]
    with _running(line, work_seconds=size / _SLOWEST_DISK):
        pass
    cluster.adopt(service_users=DepartmentFolder(into).settings.service_users and has_users())
    return note


def restore_test(file: Path, identity: Path, into: Path, *, on_progress: ProgressCallback) -> RestoreReport:
    """Restore a backup into a new folder, start its database, and go through all of it; the folder stays.

    Arguments and errors are those of `restore`; `told` hears of how many records are done.

    Raises:
        psycopg.Error: the restored database does not answer.

    """
    began = time.monotonic()
    note = restore(file, identity, into)
    folder = DepartmentFolder(into)
    register = KeyRegister(
        folder.register_file, folder.register_key, agency=folder.settings.agency, state_file=folder.stored_register
    )
    with (
        PrivateCluster(folder.cluster).in_use(),
        psycopg.connect(folder.conninfo(KEEPER), autocommit=True) as keeper,
    ):
        restored = time.monotonic()
        check = CustodyVerification(
            keeper,
            keys=register.keys,
            ended=register.ended,
            receipts=None,
            certifiers=certifying_keys(folder.purges),
            state=folder.checked,
            bucket=open_bucket(folder),
        )
        custody = check.run(whole=True, progress=on_progress)
        ((size,),) = keeper.execute("SELECT pg_database_size(current_database())")
        head = verify_ledger(keeper, after=NotedHead.read(note.head)).problems if note.head else ()
        lacking = tuple(f"the ledger, entry {one.number}: {one.message}" for one in head)
        _enter(keeper, folder, LedgerEvent.RESTORED, file.name, _digest(file))
    finished = time.monotonic()
    return RestoreReport(note, file.stat().st_size, size, restored - began, finished - restored, custody, lacking)


def _note(folder: DepartmentFolder, superuser: psycopg.Connection[Any]) -> BackupNote:
    last = "SELECT number || ':' || encode(digest, 'hex') FROM ledger_entry ORDER BY number DESC LIMIT 1"
    (head,) = superuser.execute(last).fetchone() or (None,)
    fields = {"agency": folder.settings.agency, "custodian": folder.settings.custodian, "version": version("platepost")}
    return BackupNote(**fields, made=datetime.now(UTC), head=head)


def _pack(
    folder: DepartmentFolder,
    superuser: psycopg.Connection[Any],
    note: BackupNote,
    sink: IO[bytes],
    on_progress: ProgressCallback,
) -> None:
    ((total,),) = superuser.execute("SELECT sum(pg_database_size(oid))::bigint FROM pg_database")
    cluster = PrivateCluster(folder.cluster)
    line = [cluster.program("pg_basebackup"), "--host", str(folder.cluster), "--username", SUPERUSER, "--no-password"]
    as_superuser = cluster.run_as() if cluster.has_service_users else {}
    line += ["--pgdata", "-", "--format", "tar", "--wal-method", "fetch", "--checkpoint", "fast"]
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    done = tellable = 0
    with (
        compressor.stream_writer(sink, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        fields = note.model_dump_json().encode()
        tar.addfile(_member(_NOTE, len(fields)), BytesIO(fields))
        for path in _small_files(folder):
            content = path.read_bytes()
            tar.addfile(_member(str(_FOLDER / path.relative_to(folder.path)), len(content)), BytesIO(content))
        with (
            _running([*line, "--manifest-checksums", "SHA256"], **as_superuser) as base,
            tarfile.open(fileobj=base, mode="r|") as taken,
        ):
            for member in taken:
                content_of = taken.extractfile(member)
                member.name = str(_DATA / member.name)
                tar.addfile(member, content_of)
                taken.members.clear()  # type: ignore[attr-defined] # a stream's are kept for nothing
                done += member.size
                if done > tellable:
                    tellable = done + _PROGRESS_EVERY
                    on_progress(min(done, total), total)
            while base.read(_PROGRESS_EVERY):
                pass


def _small_files(folder: DepartmentFolder) -> Iterator[Path]:
    excluded = {folder.receipts, folder.holds_aside}
    for top in sorted(folder.path.iterdir()):
        if top.name not in _EXCLUDED:
            paths = sorted(top.rglob("*")) if top.is_dir() else [top]
            yield from (path for path in paths if path.is_file() and path not in excluded)


def _enter(
    connection: psycopg.Connection[Any], folder: DepartmentFolder, event: LedgerEvent, name: str, digest: str
) -> None:
    fields = json.dumps({"what": name, "digest": digest, "person": folder.caller})
    connection.execute("SELECT ledger_append(%s, NULL, %s)", [event.value, fields])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


_PLAIN = {
    "error: no identity matched any of the recipients": "this key does not open the file: it is for another key",
}
"""What age says, for people who do not know its words."""


@contextmanager
def _running(
    line: Sequence[str],
    *,
    sink: IO[bytes] | None = None,
    work_seconds: float = 0.0,
    **options: Any,
) -> Iterator[IO[bytes]]:
    """Run a program to its end; yield its input where `sink` takes its output, else its output.

    Args:
        line: the program, and its arguments.
        sink: takes its output.
        work_seconds: the longest that it may work on once its input or output is closed.
        options: of Popen, such as the system user.

    Raises:
        DepartmentError: it is not installed, it failed, in its own words, or it did not end in time and was killed.

    """
    name = Path(line[0]).name
    with tempfile.TemporaryFile() as file:
        stdout, stdin = (subprocess.PIPE, sink) if sink else (None, subprocess.PIPE)
        try:
            process = subprocess.Popen(line, stdin=stdout, stdout=stdin, stderr=file, **options)
        except FileNotFoundError as error:
            raise DepartmentError(f"{name} is not installed; on Debian: sudo apt-get install {name}") from error
        stream = process.stdin or process.stdout
        assert stream is not None  # noqa: S101 - for mypy
        failure: Exception | None = None
        limit = END_SECONDS + work_seconds
        try:
            yield stream
        except Exception as error:  # noqa: BLE001 - raised again below, unless the program says more
            failure = error
        except BaseException:
            process.kill()
            limit = KILLED_SECONDS
            raise
        finally:
            with suppress(BrokenPipeError):
                stream.close()
            late = _end(process, limit)
        if late:
            raise DepartmentError(
                f"{name} did not end within {limit:.0f} s and was killed: see whether the disk answers, and give "
                "the command again"
            ) from failure
        if process.returncode > 0 or (process.returncode and failure is None):
            file.seek(0)
            lines = file.read().decode(errors="replace").strip()[-500:].splitlines()
            reported = [line.removeprefix("age: ") for line in lines if not line.startswith("age: report unexpected")]
            raise DepartmentError(f"{name}: {_PLAIN.get(' '.join(reported), ' '.join(reported))}") from failure
        if failure is not None:
            raise failure


def _end(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end of a program; return whether it was killed because it took longer."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):  # it waits for a disk that does not answer
            process.wait(KILLED_SECONDS)
        return True
    return False


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise DepartmentError(f"the backup holds {member.name!r}, which does not belong to a department")
    return content


def _put(into: Path, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise DepartmentError(f"the backup holds {member.name!r}, which does not belong to a department")
    path = into / (name.relative_to(_FOLDER) if name.is_relative_to(_FOLDER) else name)
    if member.isdir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        shutil.copyfileobj(_content(tar, member), file, 1 << 20)
