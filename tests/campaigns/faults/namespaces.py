"""Mount and network namespaces of the campaign's own, where the system grants them: they need Linux and root.

Whatever is mounted and whatever packets are dropped ends with the processes, however they end, and no one else notices.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DISK_MEGABYTES = 48
BALLAST = "ballast"
"""The file that fills a disk."""
# <linux/sched.h>, <linux/mount.h>, <linux/sockios.h>, <linux/if.h>
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x4000, 0x40000, 2
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class _Kernel:
    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    def unshare(self, flags: int) -> None:
        self._check(self._library.unshare(flags))

    def mount(self, kind: bytes, target: bytes, flags: int, data: bytes) -> None:
        self._check(self._library.mount(b"none", target, kind, ctypes.c_ulong(flags), data))

    def unmount(self, target: bytes) -> None:
        self._check(self._library.umount2(target, _MNT_DETACH))

    @staticmethod
    def _check(result: int) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


class Namespaces(NamedTuple):
    """Why this process has no mounts and no network of its own: an explanation each, None for what it has."""

    no_mounts: str | None = "cannot make private mounts: they need root on Linux"
    no_network: str | None = "cannot make a private network: it needs root on Linux"


def enter_namespaces() -> Namespaces:
    """Give this process, and those that it starts later, mounts and a network of their own, as far as it can be done.

    Call it before anything listens or is connected.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return Namespaces()
    kernel = _Kernel()
    return Namespaces(_own_mounts(kernel), _own_network(kernel))


@contextlib.contextmanager
def own_disk(folder: Path, namespaces: Namespaces, *, megabytes: int = DISK_MEGABYTES) -> Iterator[None]:
    """Lay a small disk of its own under a folder for as long as this is open, if mounts can be had."""
    if namespaces.no_mounts:
        yield
        return
    kernel, target = _Kernel(), os.fsencode(folder)
    kernel.mount(b"tmpfs", target, 0, f"size={megabytes}m,mode=700".encode())
    try:
        yield
    finally:
        kernel.unmount(target)


def fill(path: Path) -> None:
    """Have a file take all the space that is left on its disk."""
    with path.open("ab") as file:
        while (free := os.statvfs(file.fileno())).f_bavail:
            with contextlib.suppress(OSError):  # someone took some of it meanwhile
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free.f_bavail * free.f_frsize)


def _own_mounts(kernel: _Kernel) -> str | None:
    try:
        kernel.unshare(_CLONE_NEWNS)
        kernel.mount(b"", b"/", _MS_REC | _MS_PRIVATE, b"")
    except OSError as error:
        # What is mounted below a root that is no mount point would show outside of it.
        why = "/ is not a mount point: a chroot" if error.errno == errno.EINVAL else error.strerror
        return f"cannot make private mounts: {why}"
    return None


def _own_network(kernel: _Kernel) -> str | None:
    try:
        kernel.unshare(_CLONE_NEWNET)
    except OSError as error:
        return f"cannot make a private network: {error.strerror}"
    _raise_loopback()
    return None


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(handle, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
