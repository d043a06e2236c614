"""Where tests write: into memory, if there is enough of it. They flush files by the thousand, and disks take long."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MEMORY = "/dev/shm"  # noqa: S108 - folders of their own are made in it
ENOUGH_BYTES = 6 << 30
"""Ten times what all tests together have on it at once."""


def enough() -> bool:
    """Say whether there is a disk in memory that takes what tests write and runs what they write to be run."""
    with suppress(OSError, KeyError, ValueError):
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        free = min(shutil.disk_usage(MEMORY).free, 1024 * int(told["MemAvailable"].split()[0]))
        return free >= ENOUGH_BYTES and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    return False


def pytest_configure() -> None:
    """Have this process, and those that it starts, make their temporary folders there, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and enough():
        os.environ["TMPDIR"] = MEMORY
        tempfile.tempdir = None


def new_folder() -> Path:
    """Make a folder that another user may pass, and short enough for the path of a socket."""
    place = MEMORY if tempfile.gettempdir() == MEMORY else "/tmp"  # noqa: S108
    made = Path(tempfile.mkdtemp(prefix="pp-", dir=place))
    made.chmod(0o711)
    return made


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Give a path that all workers of a run share, to one at a time: the first finds nothing there, and makes it."""
    own = factory.getbasetemp()
    path = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    with path.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
