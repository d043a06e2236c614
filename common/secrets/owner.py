"""A technician's command works as the user of the post's service, not as root, from the moment it has the keys.

Only root reads a post's keys, so a person at the unit starts the command by sudo. What follows, a camera, a web page,
the broker, a USB drive that someone brought, needs no root.
"""

import ctypes
import os
import pwd
from pathlib import Path

from platepost.common.errors import ConfigurationError
from platepost.common.language import Phrase
from platepost.common.secrets.credentials import KEYS

_CLONE_NEWNS = 0x20000  # linux/sched.h
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_SLAVE = 2, 4, 8, 1 << 14, 1 << 19  # linux/mount.h


def become_owner(state: Path, configuration: Path) -> None:
    """Change to the user who owns `state`, or the nearest folder above it that exists, if root runs this process.

    The folder of keys beside `configuration`, and that of systemd's credentials, become copies that this user can read.
    They exist in memory, in a mount namespace of this process, and end with it. Call it before there are threads; the
    working directory is that folder afterwards.

    Raises:
        ConfigurationError: the system does not allow it; nothing was changed.

    """
    if os.geteuid() != 0:
        return
    place = next(one for one in (state, *state.parents) if one.exists())
    if (owner := place.stat().st_uid) == 0:
        return
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    folders = [configuration.absolute().parent / KEYS, *([Path(directory)] if directory else [])]
    try:
        user = pwd.getpwuid(owner)
        libc = ctypes.CDLL(None, use_errno=True)
        _check(libc.unshare(_CLONE_NEWNS))
        # What the system mounts and unmounts later, such as a USB drive, still changes here too.
        _check(libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None))
        for folder in filter(Path.is_dir, folders):
            keys = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
            # ramfs and not tmpfs, which can be swapped out.
            flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
            _check(libc.mount(b"none", os.fsencode(folder), b"ramfs", flags, b"mode=0700"))
            for name, content in keys.items():
                path = folder / name
                path.touch(0o600)
                path.write_bytes(content)
                os.chown(path, user.pw_uid, user.pw_gid)
            os.chown(folder, user.pw_uid, user.pw_gid)
        os.initgroups(user.pw_name, user.pw_gid)
    except (OSError, KeyError) as error:
        raise ConfigurationError(
            Phrase("this command cannot work as the owner of {folder}: {why}", folder=str(state), why=str(error))
        ) from error
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    os.chdir(place)  # lgpio makes files where it is started


def _check(result: int) -> None:
    """Raise OSError if a function of libc failed."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
