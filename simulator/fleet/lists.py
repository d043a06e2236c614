"""The hot list of a light post: verified, unsealed and applied as on a post, but kept in memory alone."""

from datetime import UTC, datetime
from pathlib import Path

from device.hotlist import HotList, HotListRefused
from device.hotlist.errors import Older, Repeated
from device.hotlist.package import load_key, unseal, verify_package
from device.records import HotListState


class MemoryLists:
    """Keeps one list in force. What needs a disk (mapping, the former list, recovery) is not simulated."""

    def __init__(self, *, issuer_key: Path, unseal_key: Path) -> None:
        """Read the keys.

        Raises:
            ConfigurationError: a key is not what it should be.

        """
        self._issuer = load_key(issuer_key.read_bytes(), private=False)
        self._own = load_key(unseal_key.read_bytes(), private=True)
        self.current: HotList | None = None

    def install(self, package: bytes) -> HotList:
        """Put a package in force.

        Raises:
            HotListRefused: it is not taken; the list before stays in force.

        """
        manifest, sealed = verify_package(package, self._issuer)
        held = self.current
        if held is not None and manifest == held.manifest:
            raise Repeated(f"version {manifest.version} is in force already")
        if held is not None and manifest.version <= held.version:
            raise Older(f"version {manifest.version} is not newer than {held.version}")
        opened = unseal(manifest, sealed, self._own)
        self.current = HotList(opened, base=held if manifest.kind == "delta" else None)
        return self.current

    def state(self) -> HotListState:
        """Say which list is in force and how old it is."""
        held = self.current
        if held is None:
            return HotListState(state="none")
        age = (datetime.now(UTC) - held.built).total_seconds()
        return HotListState(
            state="current",
            version=held.version,
            issuer=held.issuer,
            built=held.built,
            age_seconds=round(max(0.0, age), 1),
            entries=held.entries + held.patterns,
        )


__all__ = ["HotListRefused", "MemoryLists"]
