"""Folders of runs. A marker file in each shows that a later run may reuse it."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platepost.simulator.errors import SimulatorError


@contextmanager
def claim_folder(directory: Path, *, marker: str, owner: str, error: type[SimulatorError]) -> Iterator[None]:
    """Create a folder, or empty one of an earlier run, and lock it while the context is open.

    Args:
        directory: the folder.
        marker: the name of the file that marks a run's folder, which is locked.
        owner: whose files they are, for messages, as in "a demonstration's".
        error: the class of the error.

    Raises:
        SimulatorError: the folder has other files, another run uses it, or it cannot be created; as `error`.
            Nothing is changed.

    """
    used = directory.exists() and any(directory.iterdir())
    if used and not (directory / marker).is_file():
        raise error(f"{directory} holds files that are not {owner}; choose another folder")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / marker).open("ab")
    except OSError as failure:
        raise error(f"{directory}: cannot be written ({failure.strerror})") from failure
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as failure:
            raise error(f"{directory} is in use by another run; end it, or choose another folder") from failure
        for entry in tuple(directory.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != marker:
                entry.unlink()
        yield
