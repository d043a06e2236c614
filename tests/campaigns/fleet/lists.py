"""The hot list of a light post: verified, unsealed and applied as on a post, but kept in memory alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from platepost.device.hotlist.service import Installation
from platepost.wire.hotlist import HotList, HotListRefused, RefusalReason
from platepost.wire.hotlist.epochs import verify_keys
from platepost.wire.hotlist.errors import Older, Repeated
from platepost.wire.hotlist.manifest import Manifest, verify
from platepost.wire.hotlist.package import Package, load_key, unseal, verify_package
from platepost.wire.records import HotListState


class Say(Protocol):
    """Where a light post's audit records go."""

    def __call__(self, action: str, **more: str) -> None:
        """Record an event."""
        ...


class MemoryLists:
    """Keeps one list in force. What needs a disk (the former list, recovery) is not simulated."""

    def __init__(self, *, issuer_key: Path, unseal_key: Path, say: Say) -> None:
        """Read the keys.

        Args:
            issuer_key: PEM of the public key that signs lists.
            unseal_key: PEM of the post's own private key.
            say: told what came of each package.

        Raises:
            ConfigurationError: a key is not what it should be.

        """
        self._issuer = load_key(issuer_key.read_bytes(), private=False)
        self._own = load_key(unseal_key.read_bytes(), private=True)
        self._say = say
        self._listeners: list[Callable[[], None]] = []
        self.current: HotList | None = None
        self._epochs: dict[str, bytes] = {}

    @property
    def recipient(self) -> str:
        """Thumbprint of the post's key."""
        return self._own.thumbprint()

    def install_keys(self, message: bytes) -> Installation:
        """Take the keys of epochs, or say why not."""
        try:
            found = verify_keys(message, self._issuer)
            self._epochs |= found.open(self._own)
        except HotListRefused as refusal:
            return self.refuse(refusal)
        return Installation(found.number, None, "keys are held")

    def install(self, package: Package) -> Installation:
        """Put a package in force, or say why not; the list before then stays in force."""
        try:
            manifest, sealed = verify_package(package, self._issuer)
            self._judge(manifest)
            opened = unseal(manifest, sealed, self._own, self._epochs)
            self.current = HotList(opened, base=self.current if manifest.kind == "delta" else None)
        except HotListRefused as refusal:
            return self.refuse(refusal)
        self._say("hotlist_installed", object=str(manifest.version))
        for listener in self._listeners:
            listener()
        return Installation(manifest.version, None, f"version {manifest.version} is in force")

    def examine(self, line: bytes) -> Manifest:
        """Judge a package by its manifest alone.

        Raises:
            HotListRefused: it would not be taken.

        """
        manifest = verify(line, self._issuer)
        self._judge(manifest)
        return manifest

    def refuse(self, refusal: HotListRefused) -> Installation:
        """Say that a package was not taken."""
        if refusal.reason is not RefusalReason.REPEATED:
            self._say("hotlist_refused", outcome="refused", reason=refusal.reason.value)
        return Installation(None, refusal.reason.value, str(refusal))

    def on_installed(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every installation."""
        self._listeners.append(listener)

    def _judge(self, manifest: Manifest) -> None:
        held = self.current
        if held is not None and manifest == held.manifest:
            raise Repeated(f"version {manifest.version} is already active")
        if held is not None and manifest.version <= held.version:
            raise Older(f"version {manifest.version} is not newer than {held.version}")

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
