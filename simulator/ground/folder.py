"""Folders of runs: each has a file by which the next run knows that it may use the folder again."""

import shutil
from pathlib import Path

from simulator.errors import SimulatorError


def claim(directory: Path, *, mark: str, whose: str, error: type[SimulatorError], keep: bool = False) -> None:
    """Make a folder, or take that of a former run.

    Args:
        directory: which.
        mark: the name of the file by which a run's folder is known.
        whose: what such a folder's files are called, as in "a demonstration's".
        error: raised if it is another's.
        keep: whether what the former run left stays; the folder is emptied otherwise.

    Raises:
        SimulatorError: the folder holds something else; as `error`, and nothing is changed.

    """
    used = directory.exists() and any(directory.iterdir())
    if used and not (directory / mark).is_file():
        raise error(f"{directory} holds files that are not {whose}; name another folder")
    if used and not keep:
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / mark).touch()
