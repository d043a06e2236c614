"""A boot partition: what it is, and changing it so that the change can be taken back."""

import base64
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.image.recipe import FOLDER, Release

_UNDO = "undo.json"
_UNFINISHED = "unfinished"
"""Lies beside it while files are written or taken back: what they contain then does not tell who wrote them."""
_FIRSTBOOT = "init=/usr/lib/raspberrypi-sys-mods/firstboot"


class Partition:
    """The boot partition of a card or image that Raspberry Pi OS was written to, mounted at a folder.

    Raises:
        ProvisioningError: the folder is no such partition.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        missing = [name for name in ("cmdline.txt", "config.txt") if not (folder / name).is_file()]
        if missing:
            raise ProvisioningError(
                f"{folder}: no boot partition of Raspberry Pi OS: {' and '.join(missing)} missing; "
                "give the folder where the partition 'bootfs' is mounted"
            )
        if (folder / FOLDER).is_symlink():
            raise ProvisioningError(f"{folder}: {FOLDER} is a link, of which a boot partition has none")

    @property
    def cmdline(self) -> str:
        """The kernel's command line."""
        return (self.folder / "cmdline.txt").read_text(encoding="utf-8")

    @property
    def config(self) -> str:
        """The firmware's configuration."""
        return (self.folder / "config.txt").read_text(encoding="utf-8")

    @property
    def prepared(self) -> bool:
        """Whether it was prepared, be it in part, and can be taken back."""
        return any((self.folder / FOLDER / name).is_file() for name in (_UNDO, _UNFINISHED))

    def release(self) -> Release:
        """Say which release it is, by how it is set up at its first boot.

        Raises:
            ProvisioningError: neither, one that was booted already, or one that was prepared.

        """
        # What is looked at here may have been written by us, and in part.
        self._must_be_untouched()
        if not (self.folder / "kernel8.img").is_file():
            raise ProvisioningError(f"{self.folder}: not a 64-bit Raspberry Pi OS: it has no kernel8.img")
        if all((self.folder / name).is_file() for name in ("user-data", "meta-data", "network-config")):
            return Release.TRIXIE
        if _FIRSTBOOT in self.cmdline:
            return Release.BOOKWORM
        raise ProvisioningError(
            f"{self.folder}: neither set up by cloud-init (release 13) nor before its first boot (release 12); "
            "write the image to the card again"
        )

    def write(self, files: Mapping[str, bytes], packages: Sequence[Path]) -> None:
        """Write files and packages; what they replace is kept first.

        Raises:
            ProvisioningError: it was prepared already, has no room, or cannot be written.

        """
        self._must_be_untouched()
        originals = {
            name: {"before": self._content(name), "after": base64.b64encode(content).decode("ascii")}
            for name, content in files.items()
        }
        undo = json.dumps(originals, indent=1).encode()
        try:
            self._see_that_there_is_room(
                [len(undo), *map(len, files.values()), *(package.stat().st_size for package in packages)]
            )
            (self.folder / FOLDER).mkdir(exist_ok=True)
            self._put(f"{FOLDER}/{_UNFINISHED}", b"")
            self._put(f"{FOLDER}/{_UNDO}.new", undo)
            # Under its own name it is whole: where it is missing, no original was touched.
            (self.folder / FOLDER / f"{_UNDO}.new").replace(self.folder / FOLDER / _UNDO)
            os.sync()
            for package in packages:
                self._put(f"{FOLDER}/{package.name}", package.read_bytes())
            for name, content in files.items():
                self._put(name, content)
            os.sync()
            (self.folder / FOLDER / _UNFINISHED).unlink()
            os.sync()
        except OSError as error:
            raise ProvisioningError(
                f"{self.folder}: {error.strerror or error}; --undo reverses what was written"
            ) from error

    def undo(self) -> tuple[str, ...]:
        """Take back what `write` did, and return the names of the files that are as they were.

        Raises:
            ProvisioningError: it was not prepared, was booted since, or cannot be written.

        """
        if not self.prepared:
            raise ProvisioningError(f"{self.folder} was not prepared: there is nothing to undo")
        ours = self.folder / FOLDER
        unfinished = (ours / _UNFINISHED).is_file()
        try:
            originals: dict[str, dict[str, str | None]] = (
                {} if unfinished and not (ours / _UNDO).is_file() else json.loads((ours / _UNDO).read_bytes())
            )
            # What says how to take it back lies on the card itself, which may come from anyone.
            if any("/" in name or name == ".." for name in originals):
                raise ProvisioningError(f"{self.folder}: it names files elsewhere, and was not prepared by us")
            # A unit that was booted has changed its command line: what was there before would not start it again.
            present = {name: self._content(name) for name in originals}
            changed = [name for name, versions in originals.items() if present[name] not in versions.values()]
            if changed and not unfinished:
                raise ProvisioningError(
                    f"{self.folder}: {', '.join(changed)} changed since: the card was booted; write the image again"
                )
            self._put(f"{FOLDER}/{_UNFINISHED}", b"")
            # Where the card was full this makes room for the originals.
            for package in ours.glob("*.deb"):
                package.unlink()
            for name, versions in originals.items():
                if versions["before"] is None:
                    (self.folder / name).unlink(missing_ok=True)
                else:
                    self._put(name, base64.b64decode(versions["before"]))
            os.sync()
            shutil.rmtree(ours)
            os.sync()
        except (OSError, KeyError, json.JSONDecodeError) as error:
            raise ProvisioningError(f"{self.folder}: it cannot be undone: {error}") from error
        return tuple(originals)

    def _must_be_untouched(self) -> None:
        if self.prepared:
            raise ProvisioningError(f"{self.folder} is already prepared; --undo reverses that")

    def _see_that_there_is_room(self, sizes: Sequence[int]) -> None:
        disk = os.statvfs(self.folder)
        # Each file fills its last block, and names want room too.
        required = sum(-(-size // disk.f_frsize) + 1 for size in sizes) * disk.f_frsize
        free = disk.f_bavail * disk.f_frsize
        if free < required:
            raise ProvisioningError(
                f"{self.folder}: {free / 1e6:.2f} MB are free and {required / 1e6:.2f} MB wanted; nothing was written"
            )

    def _content(self, name: str) -> str | None:
        path = self.folder / name
        return base64.b64encode(path.read_bytes()).decode("ascii") if path.is_file() else None

    def _put(self, name: str, content: bytes) -> None:
        # FAT has no atomic replacement; the kept copies are on the card before the first original is touched.
        # No link is followed: FAT knows none, and another system in its place is none of ours.
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor carries the flag
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
