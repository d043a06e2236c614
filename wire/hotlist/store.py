"""The post's lists on disk: sealed as they came, swapped in whole, the last good one always there.

A package is kept sealed, under its version's number, and opened into memory only: a stolen disk is worth no more than
what was on the air. A package is written aside, flushed, renamed, and the folder flushed: a power cut leaves the old
list or the new one. A list is its complete package and the deltas on it; what the list before the newest consists of is
kept too, for the day the disk returns bad bytes, or none.
"""

import logging
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Self

from joserfc.jwk import ECKey

from platepost.common.files import write_durably
from platepost.wire.hotlist import epochs
from platepost.wire.hotlist.epochs import KeyMessage
from platepost.wire.hotlist.errors import (
    BadSignature,
    BuiltInFuture,
    Expired,
    ForeignAgency,
    HotListNotStored,
    HotListRefused,
    Older,
    RefusalReason,
    Repeated,
    SignedWithRetiredKey,
    SizeJump,
    WrongBase,
    WrongKey,
    signed_by_issuer,
)
from platepost.wire.hotlist.hotlist import HotList
from platepost.wire.hotlist.issuers import Issuers
from platepost.wire.hotlist.manifest import FILE_NAME, LONGEST_LINE, Manifest, read_unverified
from platepost.wire.hotlist.package import (
    Package,
    PackageFile,
    Sealed,
    check_whole,
    configured_key,
    load_key,
    pieces,
    split,
    unseal,
)
from platepost.wire.hotlist.settings import SIZE_JUMP, HotListSettings

log = logging.getLogger(__name__)

SIZE_JUMP_FLOOR = 10
"""Entries that may come or go however small the list."""


def size_jumps(*, before: int, after: int, limit: float = SIZE_JUMP) -> bool:
    """Say whether a list of `after` entries is beyond belief where one of `before` was; one that lost all always is."""
    if before == after:
        return False
    return after == 0 or abs(after - before) > max(limit * before, SIZE_JUMP_FLOOR)


def is_believable(manifest: Manifest, *, after: Manifest, limit: float) -> bool:
    """Say whether a post that has the list `after` may believe a list's size.

    It is if the issuer gave a reason, if the two are alike, or if they are not but each step from the one to the other
    is small or had its reason: who was away has missed a list that said why, or many that grew slowly.
    """
    if manifest.size_override or not size_jumps(before=after.entries, after=manifest.entries, limit=limit):
        return True
    size = after.entries
    for former in manifest.sizes or ():
        if former.version > after.version:
            if not former.explained and size_jumps(before=size, after=former.entries, limit=limit):
                return False
            size = former.entries
    return not size_jumps(before=size, after=manifest.entries, limit=limit)


class HotListStore:
    """The lists of one post.

    Args:
        directory: where packages are kept; made if missing, for the post's user only.
        agency: whose lists are taken.
        issuer_key: PEM of the P-256 public key that signs them; or several keys, which may change.
        unseal_key: the post's own P-256 private key, as such or as PEM.
        size_jump: share by which a list may differ in size from the last one; None takes any.

    Raises:
        ConfigurationError: a key is not what it should be.

    """

    def __init__(
        self,
        directory: Path,
        *,
        agency: str,
        issuer_key: bytes | Issuers,
        unseal_key: bytes | ECKey,
        size_jump: float | None = SIZE_JUMP,
    ) -> None:
        self._directory = Path(directory)
        self._agency = agency
        self._issuers = issuer_key if isinstance(issuer_key, Issuers) else Issuers.only(issuer_key)
        self._unseal_key = unseal_key if isinstance(unseal_key, ECKey) else load_key(unseal_key, private=True)
        self._size_jump = size_jump
        self._keys: dict[int, dict[str, bytes]] = {}
        """The keys of epochs, by the number of the message that brought them."""
        self._current: HotList | None = None
        self._lock = Lock()
        self.damaged: tuple[RefusalReason, ...] = ()
        """Why packages found on disk by `load` could not be used; each is worth an audit record."""

    @classmethod
    def of(cls, settings: HotListSettings, *, agency: str, issuers: Issuers) -> Self:
        """Open the folder of a post's lists; none is loaded yet.

        Raises:
            ConfigurationError: the key file is unreadable or of the wrong kind.

        """
        return cls(
            settings.directory,
            agency=agency,
            issuer_key=issuers,
            unseal_key=configured_key(settings.unseal_key, "hotlist.unseal_key", private=True),
            size_jump=settings.size_jump,
        )

    @property
    def recipient(self) -> str:
        """Thumbprint of the post's own key."""
        return self._unseal_key.thumbprint()

    @property
    def current(self) -> HotList | None:
        """The list in force; one reference, swapped at once, so that a reader sees the old list or the new."""
        return self._current

    def install(self, package: Package, *, at: datetime | None = None, latest: datetime | None = None) -> HotList:
        """Verify a package, complete or a delta, keep it and put the list that it makes in force.

        Args:
            package: the file's bytes, or the file.
            at: the moment that its expiry is judged by; now, if none is given.
            latest: the latest time that it can be: one built after it is refused. Not judged where None.

        Raises:
            HotListRefused: by its subclass and `reason`, why the package was not taken. The list before stays in force.
            HotListNotStored: disk or memory did not take it, or its file does not give it. The list before stays in
                force.

        """
        try:
            with self._lock:
                return self._install(package, at or datetime.now(UTC), latest)
        except OSError as error:
            raise HotListNotStored(f"the list could not be stored: {error.strerror or error}") from error

    def install_keys(self, message: bytes) -> KeyMessage:
        """Verify a message with keys of epochs, and keep it as it came; packages of these epochs open from now on.

        Raises:
            HotListRefused: by its subclass and `reason`, why it was not taken.
            HotListNotStored: the disk did not take it.

        """
        try:
            with self._lock:
                return self._install_keys(message)
        except OSError as error:
            raise HotListNotStored(f"the list's keys could not be stored: {error.strerror or error}") from error

    def examine(self, line: bytes, *, at: datetime | None = None, latest: datetime | None = None) -> Manifest:
        """Say by its manifest alone whether a package would be taken, before the rest of it is sent for.

        Raises HotListRefused as `install` does, as far as the manifest tells.
        """
        with self._lock:
            manifest = self._check(line)
            with signed_by_issuer(manifest.version):
                self._judge(manifest, at or datetime.now(UTC), latest)
                self._look_for_key(manifest)
            return manifest

    def load(self) -> HotList | None:
        """Put the newest list on disk that is whole in force, and return it; None if there is none.

        What expired is loaded too: an old list that says its age is better than none.
        """
        with self._lock:
            self._clean()
            self._load_keys()
            return self._load()

    def withdraw(self) -> tuple[RefusalReason, ...]:
        """Drop the lists whose key is no longer valid, and put the newest of the others in force, if there is one.

        Returns why, for each package on disk that cannot be used; none if nothing had to be done.
        """
        with self._lock:
            self._load_keys()
            damaged = [path for path in self._packages() if not self._is_good(path)]
            if not damaged:
                return ()
            self._load()
            for path in damaged:
                with suppress(OSError):
                    path.unlink()
            return self.damaged

    def _install(self, package: Package, at: datetime, latest: datetime | None) -> HotList:
        line, sealed = split(package)
        manifest = self._check(line)
        check_whole(manifest, sealed)
        before = self._current
        with signed_by_issuer(manifest.version):
            self._judge(manifest, at, latest)
            self._look_for_key(manifest)
            fresh = self._opened(manifest, sealed, on=before)
        write_durably(self._directory / manifest.file_name, pieces(package))
        self._current = fresh
        self._forget_all_but({link.file_name for held in (fresh, before) if held for link in held.chain})
        self._forget_keys_but({link.epoch for held in (fresh, before) if held for link in held.chain})
        log.info("hot list %d active, %d entries, %s", fresh.version, fresh.entries, manifest.kind)
        return fresh

    def _install_keys(self, message: bytes) -> KeyMessage:
        key_message = self._issuers.check_keys(message)
        with signed_by_issuer():
            keys = self._opened_keys(key_message)
            newest = max(self._keys, default=0)
            if key_message.number == newest:
                raise Repeated("these keys are held already")
            if key_message.number < newest:
                raise Older(f"keys of number {key_message.number} are not newer than {newest}, which are held")
        write_durably(self._directory / key_message.file_name, message)
        self._keys[key_message.number] = keys
        log.info("keys of %d epochs of the hot list", len(keys))
        return key_message

    def _opened_keys(self, message: KeyMessage) -> dict[str, bytes]:
        if message.agency != self._agency:
            raise ForeignAgency(f"the keys are for agency {message.agency!r}, this post serves {self._agency!r}")
        return message.open(self._unseal_key)

    def _load_keys(self) -> None:
        """Read the key messages on disk; one whose key was revoked could keep later ones out by its number."""
        self._keys = {}
        for path in self._key_files():
            try:
                key_message = self._issuers.check_kept_keys(path.read_bytes())
                self._keys[key_message.number] = self._opened_keys(key_message)
            except (HotListRefused, OSError) as error:
                log.warning("keys of the hot list on disk cannot be used: %s: %s", path.name, error)
                if isinstance(error, BadSignature):
                    with suppress(OSError):
                        path.unlink()

    def _epochs(self) -> dict[str, bytes]:
        return {epoch: key for number in sorted(self._keys) for epoch, key in self._keys[number].items()}

    def _forget_keys_but(self, needed: set[str | None]) -> None:
        """Forget the keys that no package on disk needs; the newest stay, for a package that is yet to come."""
        newest = max(self._keys, default=0)
        self._keys = {number: keys for number, keys in self._keys.items() if number == newest or needed & keys.keys()}
        for path in self._key_files():
            if int(path.stem.removeprefix("hotlist-")) not in self._keys:
                with suppress(OSError):
                    path.unlink()

    def _key_files(self) -> list[Path]:
        return sorted(path for path in self._directory.glob("*.keys") if epochs.FILE_NAME.fullmatch(path.name))

    def _load(self) -> HotList | None:
        """Put the newest list on disk that is whole in force; the one before stays so until it is found."""
        damaged: list[RefusalReason] = []  # and not the errors: they would hold what was read of a list
        package = None
        for path in self._packages():
            try:
                package = self._read(path)
            except (HotListRefused, OSError) as error:
                damaged.append(error.reason if isinstance(error, HotListRefused) else RefusalReason.MALFORMED)
                log.warning("hot list %s on disk cannot be used: %s: %s", path.name, damaged[-1], str(error))
            else:
                break
        self.damaged = tuple(damaged)
        self._current = package
        return package

    def _is_good(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                self._issuers.check_kept(split(file.read(LONGEST_LINE))[0])
        except (OSError, HotListRefused) as error:
            return not isinstance(error, BadSignature)
        return True

    def _check(self, line: bytes) -> Manifest:
        try:
            return self._issuers.check(line)
        except SignedWithRetiredKey:
            # What is in force stays so though its key was retired, and the broker brings it at every connection.
            current = self._current
            if current is not None and read_unverified(line) == current.manifest:
                raise Repeated(f"version {current.version} is already active") from None
            raise

    def _judge(self, manifest: Manifest, at: datetime, latest: datetime | None) -> None:
        if manifest.agency != self._agency:
            raise ForeignAgency(f"the list is for agency {manifest.agency!r}, this post serves {self._agency!r}")
        current = self._current
        if current is not None:
            if manifest == current.manifest:
                raise Repeated(f"version {manifest.version} is already active")
            if manifest.version <= current.version:
                raise Older(f"version {manifest.version} is not newer than {current.version}, which is active")
        if latest is not None and manifest.built > latest:
            raise BuiltInFuture(f"the list states that it was built at {manifest.built.isoformat()}, in the future")
        if manifest.expired(at):
            raise Expired(f"the list expired at {manifest.expires.isoformat()}")
        if manifest.kind == "delta":
            if current is None:
                raise WrongBase("the delta applies to a list, and there is none")
            current.base_of(manifest)
        if (
            current is not None
            and self._size_jump is not None
            and not is_believable(manifest, after=current.manifest, limit=self._size_jump)
        ):
            raise SizeJump(f"{manifest.entries} entries after {current.entries}, and no reason given")

    def _look_for_key(self, manifest: Manifest) -> None:
        if manifest.epoch is not None and manifest.epoch not in self._epochs():
            raise WrongKey("the key of the list's epoch has not come to this post")

    def _opened(self, manifest: Manifest, sealed: Sealed, *, on: HotList | None) -> HotList:
        opened = unseal(manifest, sealed, self._unseal_key, self._epochs())
        return HotList(opened, base=on if manifest.kind == "delta" else None)

    def _read(self, path: Path) -> HotList:
        """Read a package from disk, after those that it stands on. Raises HotListRefused or OSError."""
        with ExitStack() as files:
            links = [self._verified(path, files)]
            while (delta := links[-1][0]).base is not None:
                links.append(self._base_on_disk(delta, files))
            hotlist = self._opened(*links.pop(), on=None)
            while links:
                hotlist = self._opened(*links.pop(), on=hotlist)
            return hotlist

    def _base_on_disk(self, delta: Manifest, files: ExitStack) -> tuple[Manifest, Sealed]:
        """Return the package that a delta applies to. Raises WrongBase."""
        for path in self._packages():
            if delta.base is not None and _version(path) == delta.base.version:
                with suppress(HotListRefused, OSError):
                    verified = self._verified(path, files)
                    if verified[0].is_base_of(delta):
                        return verified
        raise WrongBase(f"what version {delta.version} applies to is not there")

    def _verified(self, path: Path, files: ExitStack) -> tuple[Manifest, Sealed]:
        line, sealed = split(PackageFile(files.enter_context(path.open("rb")).fileno()))
        manifest = self._issuers.check_kept(line)
        check_whole(manifest, sealed)
        if manifest.agency != self._agency:
            raise ForeignAgency(f"the list is for agency {manifest.agency!r}, this post serves {self._agency!r}")
        return manifest, sealed

    def _packages(self) -> list[Path]:
        """Return the packages on disk, newest version first."""
        if not self._directory.is_dir():
            return []
        packages = [path for path in self._directory.iterdir() if _version(path) is not None]
        return sorted(packages, reverse=True)

    def _forget_all_but(self, names: set[str]) -> None:
        for path in self._packages():
            if path.name not in names:
                with suppress(OSError):
                    path.unlink()

    def _clean(self) -> None:
        """Remove what a power cut left half written."""
        if self._directory.is_dir():
            for path in self._directory.glob("hotlist-*.part"):
                with suppress(OSError):
                    path.unlink()


def _version(path: Path) -> int | None:
    match = FILE_NAME.fullmatch(path.name)
    return int(match[1]) if match else None
