"""Faults of the post's disk."""

import contextlib
import os
import resource
import time
from random import Random
from typing import ClassVar

from simulator.faults.base import Fault
from simulator.faults.site import Site
from simulator.faults.unit import Unit

BALLAST = "ballast"


class DiskFull(Fault):
    """Another program fills the disk: what cannot be stored is not said to be stored, and is stored later."""

    name: ClassVar = "disk full"
    what: ClassVar = "the post's disk, a small tmpfs, is filled to the last block for up to 3 s (ENOSPC)"
    heals: ClassVar = "the space is given back"
    weight: ClassVar = 6

    def unavailable(self, site: Site) -> str | None:
        """Tell whether the post has a disk of its own."""
        return None if site.secluded else "no disk of the post's own can be mounted: it needs root"

    def strike(self, site: Site, unit: Unit, draw: Random) -> None:
        """Fill, wait, empty."""
        del site
        path = unit.folder / "state" / BALLAST
        with path.open("wb") as file:
            while (free := os.statvfs(file.fileno())).f_bavail:
                with contextlib.suppress(OSError):  # the post took some of it meanwhile
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free.f_bavail * free.f_frsize)
        time.sleep(draw.uniform(0.3, 3))
        path.unlink()


class WritesFail(Fault):
    """The disk takes nothing more at the ends of files."""

    name: ClassVar = "writes fail"
    what: ClassVar = "every write of the post beyond its files' first 4 KB fails for up to 3 s (EFBIG, by RLIMIT_FSIZE)"
    heals: ClassVar = "writes succeed"
    weight: ClassVar = 5

    def strike(self, site: Site, unit: Unit, draw: Random) -> None:
        """Limit, wait, lift."""
        del site
        pid = unit.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
        time.sleep(draw.uniform(0.3, 3))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
