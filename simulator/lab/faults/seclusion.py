"""Mounts and a network of the campaign's own, where the system grants them: it needs Linux and root.

Whatever is mounted and whatever packets are dropped ends with the processes, however they end, and nobody else notices.
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

DISK_MEGABYTES = 48
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


def seclude() -> bool:
    """Give this process, and those that it starts later, mounts and a network of their own; return whether it could.

    Call it before anything listens or is connected.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    kernel = _Kernel()
    try:
        kernel.unshare(_CLONE_NEWNS | _CLONE_NEWNET)
        kernel.mount(b"", b"/", _MS_REC | _MS_PRIVATE, b"")
        _raise_loopback()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def own_disk(folder: Path, *, secluded: bool) -> Iterator[bool]:
    """Lay a small disk of its own under a folder for as long as this is open; say whether that could be done."""
    if not secluded:
        yield False
        return
    kernel, target = _Kernel(), os.fsencode(folder)
    try:
        kernel.mount(b"tmpfs", target, 0, f"size={DISK_MEGABYTES}m,mode=700".encode())
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        kernel.unmount(target)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(handle, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
