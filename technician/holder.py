"""Which session at this unit holds a post's outbox: a person can end it, also where its terminal was lost."""

import os
from pathlib import Path

SESSIONS = ("aim", "accept")
"""Commands of a technician that hold it."""


def session_of(outbox: Path) -> tuple[str, int] | None:
    """Return which command of a technician has an outbox open, and its process; None if none can be told.

    Linux lists every lock with its process and file (`proc_locks(5)`).
    """
    try:
        found = outbox.stat()
        file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        rows = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
        holders = {int(row[4]) for row in rows if len(row) == 8 and row[1] == "POSIX" and row[5] == file}
        for process in sorted(holders - {os.getpid()}):
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
            command = next((word for word in words if word in SESSIONS), None)
            if command is not None:
                return command, process
    except (OSError, ValueError):
        pass  # it has just ended, or this system has no such list
    return None
