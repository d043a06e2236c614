"""Files that are left over, and of which the newest are kept: for whoever looks for what went wrong, or comes late."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)


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
