"""Files that root's commands make for a post belong to the post, or it cannot read them when it runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Work as whoever owns a folder, or, while it is not there, the nearest above it; nothing for others than root.

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
        found = path.lstat()
        if (found.st_uid, found.st_gid) != (owner.st_uid, owner.st_gid):
            os.lchown(path, owner.st_uid, owner.st_gid)
