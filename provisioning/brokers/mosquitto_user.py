"""The user who must own the broker's files: mosquitto started by root becomes that user before it reads them.

Files of a fleet that root made belong to the user `mosquitto`, as Debian's package names it, where there is one.
"""

import os
import pwd
from pathlib import Path

from platepost.common.files import give_to_owner
from platepost.provisioning.trust.keys import private_folder, replace_private

USER = "mosquitto"


def give(broker: Path) -> None:
    """Give the new folder of a broker to `USER`, and let that user pass through the fleet's folder above it.

    Nothing for others than root, or where the system does not know the user.
    """
    user = _user()
    if os.geteuid() != 0 or user is None:
        return
    os.chown(broker.parent, -1, user.pw_gid)
    broker.parent.chmod(0o710)
    os.chown(broker, user.pw_uid, user.pw_gid)
    give_to_owner(broker)


def hindrance(broker: Path) -> str | None:
    """Return what a person must do before mosquitto can use a folder that root made; None if nothing."""
    if os.geteuid() != 0:
        return None
    user = _user()
    if user is None:
        return (
            f"This machine has no user {USER!r}, which a mosquitto that root starts becomes. On the broker, "
            f"give it the folder: chown -R {USER} {broker}"
        )
    closed = next((folder for folder in reversed(broker.parents) if not _lets_through(folder, user)), None)
    if closed is None:
        return None
    return (
        f"The user {USER!r}, which a mosquitto that root starts becomes, cannot enter {closed}: make the fleet "
        f"elsewhere, as in /srv; or copy {broker} to where it can, with the paths in mosquitto.conf edited and "
        f"chown -R {USER}."
    )


def write(path: Path, content: bytes) -> None:
    """Write a file of the broker's folder again; it belongs to whom the folder belongs, and only they can read it."""
    replace_private(path, content)
    _give_to_owner_of_parent(path)


def folder(path: Path) -> Path:
    """Make a folder in the broker's folder, of the same owner."""
    _give_to_owner_of_parent(private_folder(path))
    return path


def _give_to_owner_of_parent(path: Path) -> None:
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _lets_through(above: Path, user: pwd.struct_passwd) -> bool:
    status = above.stat()
    bit = 0o100 if status.st_uid == user.pw_uid else 0o010 if status.st_gid == user.pw_gid else 0o001
    return bool(status.st_mode & bit)
