"""The packages that a department has built, sealed as they are: what the next package is compared with and based on.

A folder holds the newest complete list, the one before, and the newest delta. No plate is in it in clear.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from joserfc.jwk import ECKey

from platepost.common.files import write_durably
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.trust.keys import private_folder
from platepost.wire.hotlist.manifest import Manifest, read_unverified
from platepost.wire.hotlist.package import split, verify_package

COMPLETE_KEPT = 2

_NAME = re.compile(r"(\d{16})\.(complete|delta)")


class Archive:
    """A folder of packages by version; made when the first one is kept, for its owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"<Archive {self._directory}>"

    @property
    def complete(self) -> Path | None:
        """The newest complete list."""
        return next((path for path in self._paths() if path.suffix == ".complete"), None)

    @property
    def delta(self) -> Path | None:
        """The newest delta, unless a complete list was built after it."""
        newest = next(iter(self._paths()), None)
        return newest if newest is not None and newest.suffix == ".delta" else None

    @property
    def completes(self) -> list[int]:
        """The versions of the complete lists, newest first."""
        return [_version(path) for path in self._paths() if path.suffix == ".complete"]

    @property
    def keys(self) -> Path:
        """The folder of the keys of epochs."""
        return self._directory / "keys"

    def epochs(self) -> set[str]:
        """Return the epochs of the packages."""
        manifests = (read_unverified(split(path.read_bytes())[0]) for path in self._paths())
        return {manifest.epoch for manifest in manifests if manifest.epoch is not None}

    def before(self, version: int | None = None) -> Path | None:
        """Return the complete list of a version, or the newest complete one before the newest package."""
        newest = next(iter(self._paths()), None)
        completes = [path for path in self._paths() if path.suffix == ".complete" and path != newest]
        return next((path for path in completes if version in {None, _version(path)}), None)

    def newest(self, issuer_key: ECKey | Sequence[ECKey]) -> Manifest | None:
        """Return the manifest of the newest package, None where there is none yet.

        Raises:
            HotListRefused: it is damaged, or not the issuer's.

        """
        path = self.delta or self.complete
        return verify_package(path.read_bytes(), issuer_key)[0] if path else None

    def keep(self, package: bytes, manifest: Manifest, *, in_place_of_all_after: int | None = None) -> Path:
        """Keep a package, forget what it replaces, and return where it is.

        With `in_place_of_all_after` the packages after that version are forgotten too: they were no good.

        Raises:
            ProvisioningError: the disk does not take it.

        """
        path = self._directory / f"{manifest.version:016d}.{manifest.kind}"
        try:
            private_folder(self._directory)
            write_durably(path, package)
            completes = [old for old in self._paths() if old.suffix == ".complete"]
            if in_place_of_all_after is not None:
                completes = [old for old in completes if old == path or _version(old) <= in_place_of_all_after]
            retained = {path, *completes[:COMPLETE_KEPT]}
            for old in self._paths():
                if old not in retained:
                    old.unlink()
        except OSError as error:
            raise ProvisioningError(f"{path}: the package cannot be kept: {error.strerror or error}") from error
        return path

    def _paths(self) -> list[Path]:
        """Return the packages, newest version first."""
        if not self._directory.is_dir():
            return []
        return sorted((path for path in self._directory.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def _version(path: Path) -> int:
    return int(path.stem)
