"""The boot partition of an SD card: identifies its release, and writes files so that they can be undone."""

import base64
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Base64Bytes, BaseModel, TypeAdapter

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.image.recipe import FOLDER, Release

_UNDO = "undo.json"
_UNFINISHED = "unfinished"
"""Exists while files are being written or undone; meanwhile their contents do not show whether they are ours."""
_FIRSTBOOT = "init=/usr/lib/raspberrypi-sys-mods/firstboot"


class _Versions(BaseModel):
    """A file's content before and after it was written; None if there was no file."""

    before: Base64Bytes | None
    after: Base64Bytes


_UNDO_FORMAT = TypeAdapter(dict[str, _Versions])


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
            raise ProvisioningError(f"{folder}: {FOLDER} is a symbolic link, which a boot partition cannot have")

    @property
    def cmdline(self) -> str:
        """The kernel's command line."""
        return (self.folder / "cmdline.txt").read_text(encoding="utf-8")

    @property
    def config(self) -> str:
        """The firmware's configuration."""
        return (self.folder / "config.txt").read_text(encoding="utf-8")

    @property
    def is_prepared(self) -> bool:
        """Whether it was prepared, fully or in part, so that it can be undone."""
        return any((self.folder / FOLDER / name).is_file() for name in (_UNDO, _UNFINISHED))

    def release(self) -> Release:
        """Return the release, recognized by its first-boot setup.

        Raises:
            ProvisioningError: it is neither release, was booted already, or is prepared.

        """
        # On a prepared card, the files checked here may be ours.
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
        """Write files and packages; the originals are saved first.

        Raises:
            ProvisioningError: it was prepared already, is too small, or cannot be written.

        """
        self._must_be_untouched()
        originals = {
            name: {"before": _encoded(self._content(name)), "after": _encoded(content)}
            for name, content in files.items()
        }
        undo = json.dumps(originals, indent=1).encode()
        try:
            self._require_space(
                [len(undo), *map(len, files.values()), *(package.stat().st_size for package in packages)]
            )
            (self.folder / FOLDER).mkdir(exist_ok=True)
            self._put(f"{FOLDER}/{_UNFINISHED}", b"")
            self._put(f"{FOLDER}/{_UNDO}.new", undo)
            # The rename makes it complete: as long as it is missing, no original was changed.
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
        """Undo `write`, and return the names of the files that were restored.

        Raises:
            ProvisioningError: it was not prepared, was booted since, or cannot be written.

        """
        if not self.is_prepared:
            raise ProvisioningError(f"{self.folder} was not prepared: there is nothing to undo")
        own_folder = self.folder / FOLDER
        unfinished = (own_folder / _UNFINISHED).is_file()
        originals = {} if unfinished and not (own_folder / _UNDO).is_file() else self._originals()
        try:
            # A unit that was booted has changed its command line: what was there before would not start it again.
            present = {name: self._content(name) for name in originals}
            changed = [
                name for name, versions in originals.items() if present[name] not in (versions.before, versions.after)
            ]
            if changed and not unfinished:
                raise ProvisioningError(
                    f"{self.folder}: {', '.join(changed)} changed since: the card was booted; write the image again"
                )
            self._put(f"{FOLDER}/{_UNFINISHED}", b"")
            # Where the card was full this makes room for the originals.
            for package in own_folder.glob("*.deb"):
                package.unlink()
            for name, versions in originals.items():
                if versions.before is None:
                    (self.folder / name).unlink(missing_ok=True)
                else:
                    self._put(name, versions.before)
            os.sync()
            shutil.rmtree(own_folder)
            os.sync()
        except OSError as error:
            raise ProvisioningError(f"{self.folder}: it cannot be undone: {error}") from error
        return tuple(originals)

    def _originals(self) -> dict[str, _Versions]:
        """Return what undo.json contains. It is on the card, which may come from anyone."""
        try:
            originals = _UNDO_FORMAT.validate_json((self.folder / FOLDER / _UNDO).read_bytes())
        except OSError as error:
            raise ProvisioningError(f"{self.folder}: it cannot be undone: {error}") from error
        except ValueError as error:
            raise ProvisioningError(f"{self.folder}: it cannot be undone: {_UNDO} is damaged") from error
        if any("/" in name or name == ".." for name in originals):
            raise ProvisioningError(
                f"{self.folder}: its {_UNDO} lists files outside the partition: Platepost did not prepare it"
            )
        return originals

    def _must_be_untouched(self) -> None:
        if self.is_prepared:
            raise ProvisioningError(f"{self.folder} is already prepared; --undo reverses that")

    def _require_space(self, sizes: Sequence[int]) -> None:
        disk = os.statvfs(self.folder)
        # Each file rounds up to a block, and its directory entry needs space too.
        required = sum(math.ceil(size / disk.f_frsize) + 1 for size in sizes) * disk.f_frsize
        free = disk.f_bavail * disk.f_frsize
        if free < required:
            raise ProvisioningError(
                f"{self.folder}: {free / 1e6:.2f} MB free, {required / 1e6:.2f} MB needed; nothing was written"
            )

    def _content(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.is_file() else None

    def _put(self, name: str, content: bytes) -> None:
        # FAT has no atomic replacement; the kept copies are on the card before the first original is touched.
        # O_NOFOLLOW: FAT has no symbolic links; a file system that has them is not a boot partition.
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor carries the flag
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")
