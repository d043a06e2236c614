"""Files that a power cut leaves as they were or as they become, never in between."""

import os
from contextlib import suppress
from pathlib import Path


def write_durably(path: Path, data: bytes | memoryview, *, mode: int = 0o600) -> None:
    """Give a file a new content, whole and on disk on return; it is its owner's only, and so is a folder made for it.

    Written aside (suffix `.part`), flushed, renamed, and the folder flushed; the file has `mode` before it has its
    name. Raises OSError, after which the file is as it was.
    """
    make_folder(path.parent)
    aside = path.with_suffix(".part")
    try:
        # Made, never found: what an interruption left may have another mode, or another owner's link may lie there.
        aside.unlink(missing_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor carries the mode
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)  # noqa: PTH105 - beside the other calls that a power cut may come between
        flush_folder(path.parent)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder for its owner only, unless it is there; a power cut leaves it there. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    empty = not any(folder.iterdir())  # whoever made it may have been killed before it was flushed into its parent
    for one in missing or ([folder] if empty else []):
        # A parent that may not be opened is the system's, which made the folder long ago.
        with suppress(PermissionError):
            flush_folder(one.parent)


def flush_folder(folder: Path) -> None:
    """Have the disk keep which files there are in a folder. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
