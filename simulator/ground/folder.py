"""Folders of runs: each has a file by which the next run knows that it may use the folder again."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platepost.simulator.errors import SimulatorError


@contextmanager
def claimed(directory: Path, *, mark: str, whose: str, error: type[SimulatorError]) -> Iterator[None]:
    """Make a folder, or empty that of a former run; while the context is open no other run takes it.

    Args:
        directory: which.
        mark: the name of the file by which a run's folder is known, and which is locked.
        whose: what such a folder's files are called, as in "a demonstration's".
        error: raised if it is another's.

    Raises:
        SimulatorError: the folder holds something else, another run uses it, or it cannot be made; as `error`, and
            nothing is changed.

    """
    used = directory.exists() and any(directory.iterdir())
    if used and not (directory / mark).is_file():
        raise error(f"{directory} holds files that are not {whose}; name another folder")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / mark).open("ab")
    except OSError as found:
        raise error(f"{directory}: cannot be written ({found.strerror})") from found
    with file as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise error(f"{directory} is in use by another run; end it, or name another folder") from taken
        for entry in tuple(directory.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != mark:
                entry.unlink()
        yield
