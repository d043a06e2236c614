"""A post's files: whole whatever happens, its small state, what is left over, and whose they are."""

import errno
import logging
import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from platepost.common.errors import ConfigurationError

log = logging.getLogger(__name__)

Model = TypeVar("Model", bound=BaseModel)


def write_durably(
    path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Give a file a new content, whole and on disk on return; it is its owner's only, and so is a folder made for it.

    Written aside (suffix `.part`), flushed, renamed, and the folder flushed; the file has `mode`, and the user and
    group `owner` where root gives it to others, before it has its name. Raises OSError, after which it is as it was.
    """
    make_folder(path.parent)
    aside = path.with_suffix(".part")
    try:
        # Made, never found: what an interruption left may have another mode, or another owner's link may lie there.
        aside.unlink(missing_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor carries the mode
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)  # noqa: PTH105 - beside the other calls that a power cut may come between
        flush_folder(path.parent)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def replace_durably(path: Path, data: bytes) -> None:
    """Give a file that is there a new content, as `write_durably`; its mode stays, and whose it is where root writes.

    Raises OSError, after which the file is as it was.
    """
    before = path.stat()
    owner = (before.st_uid, before.st_gid) if os.geteuid() == 0 else None
    write_durably(path, data, mode=stat.S_IMODE(before.st_mode), owner=owner)


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, unless it is there; a power cut leaves it there. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    empty = not any(folder.iterdir())  # a program that made it may have been killed before it was flushed
    for one in missing or ([folder] if empty else []):
        # A parent that may not be opened is the system's, which made the folder long ago.
        with suppress(PermissionError):
            flush_folder(one.parent)


def flush_all(folder: Path) -> None:
    """Have the disk keep all that is in a folder. Raises OSError."""
    for path in (folder, *folder.rglob("*")):
        _flush(path, os.O_RDONLY)


def flush_folder(folder: Path) -> None:
    """Have the disk keep which files there are in a folder. Raises OSError."""
    _flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_brought(path: Path) -> BinaryIO:
    """Open a file that someone brought, on a stick or otherwise; never waits.

    Raises:
        OSError: it cannot be opened, or is no regular file. A FIFO would have us wait forever, and a device may act
            when it is opened: neither is.

    """
    _check_regular(path, path.stat())
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")  # noqa: PTH123, SIM115 - the caller's
    try:
        _check_regular(path, os.fstat(file.fileno()))  # it may be another by now
    except OSError:
        file.close()
        raise
    return file


def read_brought(path: Path, most: int) -> bytes:
    """Return what is in a file that someone brought, of `most` bytes at most.

    Raises:
        OSError: as of `open_brought`; or it is larger, in which case nothing of it was read.

    """
    with open_brought(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"larger than the {most} bytes that such a file may have", str(path))
        return file.read(most)


def _check_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFDIR: "a folder"}
        kind = kinds.get(stat.S_IFMT(found.st_mode), "a special file")
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file that a person wrote; editors on Windows put a byte-order mark before it.

    Raises OSError; ValueError: it is no TOML.
    """
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def read_configured(path: Path, key: str) -> bytes:
    """Return what is in the file that a key of the configuration names.

    Raises:
        ConfigurationError: it is unreadable.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error


class StateFile(Generic[Model]):
    """A small JSON file of the post's own state; a power cut leaves the old or the new content.

    Args:
        path: the file; nothing is kept where it is None.
        model: what is in it. Members that are None are not written.
        about: what that is, for the log.

    """

    def __init__(self, path: Path | None, model: type[Model], *, about: str = "the state") -> None:
        self.path = path
        self._model = model
        self._about = about

    def read(self) -> Model | None:
        """Return what is kept, None if nothing is.

        Raises:
            OSError: the disk does not give it.
            ValueError: it is not what was written.

        """
        if self.path is None:
            return None
        try:
            return self._model.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OverflowError) as error:
            raise ValueError(f"{self.path.name} is damaged") from error

    def write(self, kept: Model) -> None:
        """Keep it; on disk on return. Raises OSError, after which the file is as it was."""
        if self.path is not None:
            write_durably(self.path, kept.model_dump_json(exclude_none=True).encode())

    def recall(self) -> Model | None:
        """Return what is kept, None if nothing is, or it cannot be read, which is logged. Never raises."""
        try:
            return self.read()
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read: %s", self._about, error)
            return None

    def keep(self, kept: Model) -> None:
        """Keep it if the disk takes it; that it does not is logged. Never raises."""
        try:
            self.write(kept)
        except OSError as error:
            log.warning("%s cannot be kept: %s", self._about, error)


def keep_newest(files: Iterable[Path], most: int, *, remove: Callable[[Path], object] = Path.unlink) -> None:
    """Remove all of some files but the newest `most`, by when they were laid there; what cannot be removed stays.

    By when the disk says that they changed: their own dates, and times in their names, may be of a wrong clock.
    """
    with suppress(OSError):
        newest_first = sorted(files, key=lambda file: file.lstat().st_ctime_ns, reverse=True)
        for file in newest_first[most:]:
            log.warning("%s is removed: newer ones are kept", file.name)
            with suppress(OSError):
                remove(file)


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Work as the owner of a folder, or, while it is not there, the nearest above it; nothing for others than root.

    What is made meanwhile is theirs from its first moment on, and root is not led by their links to what is not. It is
    the whole process that changes its user: for commands, whose other threads open nothing meanwhile. Raises OSError.
    """
    if os.geteuid() != 0:
        yield
        return
    owner = next(one for one in (folder, *folder.parents) if one.exists()).stat()
    group = os.getegid()
    try:
        os.setegid(owner.st_gid)  # while it is root that asks
        os.seteuid(owner.st_uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def give_to_owner(folder: Path) -> None:
    """Give everything in a folder to whom the folder belongs; nothing for others than root, who own what they make.

    Raises OSError.
    """
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    for path in folder.rglob("*"):
        status = path.lstat()
        if (status.st_uid, status.st_gid) != (owner.st_uid, owner.st_gid):
            os.lchown(path, owner.st_uid, owner.st_gid)
