"""Locking a fleet while something of it is read, changed and written back: one process, and one thread, at a time.

Never while a person is asked for something: open what is sealed first.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platepost.provisioning.errors import ProvisioningError

LOCK_FILE = "lock"

_MINE = threading.local()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock the fleet in a folder; others wait meanwhile, and who holds the lock already goes on.

    Raises:
        ProvisioningError: it cannot be written to.

    """
    held: set[Path] = _MINE.__dict__.setdefault("held", set())
    if directory in held:
        yield
        return
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ProvisioningError(f"{directory}: the fleet cannot be changed: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        held.add(directory)
        yield
    finally:
        held.discard(directory)
        os.close(descriptor)
