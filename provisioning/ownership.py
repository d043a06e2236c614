"""Files that root's commands leave in a post's state belong to the post, or it cannot read them when it runs."""

import os
from pathlib import Path


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
