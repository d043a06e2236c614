"""The system users of a department's programs, each of which may log in to the private database as its own role alone.

`init --service-users` sets this up for the units of packaging/department, whose `sysusers.conf` makes the users. Root,
who can become any of them, administers the department as each role but the superuser.
"""

import errno
import grp
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from platepost.department.database.roles import FEDERATION, KEEPER, METRICS, MISUSE, PUBLIC, SIGNER, WEB, WEBHOOK
from platepost.department.errors import DepartmentError
from platepost.department.folder import SETTINGS, DepartmentFolder

SERVER = "platepost-database"
"""Runs the database's server, owns its files, and alone is its superuser."""
INGEST = "platepost-ingest"
PAGES = "platepost-pages"
WEBHOOK_USER = "platepost-webhook"
MISUSE_USER = "platepost-misuse"
GROUP = "platepost-department"
"""The programs that read settings and policy."""
PARTNERS = "platepost-federation"
"""Answers partner departments. Its group has the pages, too, which ask partners and use the same key."""
USERS = {
    INGEST: KEEPER,
    PAGES: WEB,
    "platepost-public": PUBLIC,
    PARTNERS: FEDERATION,
    WEBHOOK_USER: WEBHOOK,
    MISUSE_USER: MISUSE,
    "platepost-lists": SIGNER,
    "platepost-metrics": METRICS,
}
"""By system user, the only role that it may take."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose files are, and who may read them."""

    user: str
    group: str
    folder_mode: int
    mode: int

    def wanted(self, status: os.stat_result) -> tuple[int, int, int]:
        """Return user, group and mode that a file or folder must have."""
        mode = self.folder_mode if stat.S_ISDIR(status.st_mode) else self.mode
        return pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid, mode


def has_users() -> bool:
    """Tell whether the system has the users, and this process may give files to them."""
    return os.geteuid() == 0 and all(map(_is_there, (SERVER, *USERS)))


def require_users() -> None:
    """Make sure that the users are there, and this is root. Raises DepartmentError: they are not."""
    missing = [name for name in (SERVER, *USERS) if not _is_there(name)]
    if not has_users():
        raise DepartmentError(
            f"Separate users need root, and the users that packaging/department/sysusers.conf makes; missing: "
            f"{', '.join(missing) or 'none'}. See docs/department.md, As services."
        )


def _is_there(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def may_read(user: str, path: Path) -> bool:
    """Tell whether a user may read a file, all folders above it included. For root."""
    group = pwd.getpwnam(user).pw_gid
    groups = os.getgrouplist(user, group)
    result = subprocess.run(["/usr/bin/test", "-r", path], user=user, group=group, extra_groups=groups, check=False)
    return result.returncode == 0


def settle(folder: DepartmentFolder) -> None:
    """Give each file of a folder to the user whose program uses it; nothing without separate users. For root.

    Raises:
        OSError: the disk refuses.

    """
    for _, descriptor, (user, group, mode) in _misplaced(folder):
        os.fchown(descriptor, user, group)
        os.fchmod(descriptor, mode)


def misplaced(folder: DepartmentFolder) -> list[str]:
    """Return what is not its program's user's alone, and what it must be, for a person; none without separate users."""
    return [
        f"{path} must be of {pwd.getpwuid(user).pw_name}, group {grp.getgrgid(group).gr_name}, mode {mode:04o}"
        for path, _, (user, group, mode) in _misplaced(folder)
    ]


def _misplaced(folder: DepartmentFolder) -> Iterator[tuple[Path, int, tuple[int, int, int]]]:
    """Yield paths that are not as they must be, each with a descriptor of it, while it is open, and how it must be."""
    if not folder.settings.service_users:
        return
    named, disk = _ownerships(folder), folder.path.stat().st_dev
    for top, rule in named.items():
        alone = top in {folder.path, folder.cluster}
        for path, descriptor in _below(top, but=named.keys() - {top}, alone=alone):
            status = os.fstat(descriptor)
            required = rule.wanted(status)
            if status.st_dev != disk and stat.S_IMODE(status.st_mode) == 0:
                continue  # hidden from this unit by InaccessiblePaths=
            if (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) != required:
                yield path, descriptor, required


def _ownerships(folder: DepartmentFolder) -> dict[Path, Ownership]:
    """Return whose what is in a folder with separate users is; the database is its server's."""
    private, shared = (0o700, 0o600), (0o750, 0o640)
    bucket = folder.settings.picture_bucket
    named = {
        folder.path: Ownership("root", "root", 0o711, 0o600),
        folder.identity: Ownership(INGEST, INGEST, *private),
        folder.ingest: Ownership(INGEST, GROUP, 0o2750, 0o640),
        **dict.fromkeys((folder.checkpoint, folder.published_head), Ownership(INGEST, GROUP, *private)),
        folder.receipts: Ownership(INGEST, GROUP, *shared),
        folder.holds_aside.parent: Ownership(PAGES, PAGES, *private),
        folder.journal: Ownership(PAGES, PAGES, *private),
        folder.secret_key: Ownership(PAGES, PAGES, *private),
        **dict.fromkeys((folder.webhook_key, folder.webhook_client), Ownership(WEBHOOK_USER, WEBHOOK_USER, *private)),
        folder.household_key: Ownership(MISUSE_USER, MISUSE_USER, *private),
        folder.federation: Ownership("root", PARTNERS, *shared),
        **dict.fromkeys(_read_by_programs(folder), Ownership("root", GROUP, *shared)),
        **{folder.path / f"database.{end}": Ownership(SERVER, SERVER, *private) for end in ("lock", "log", "log.1")},
    }
    for path in (bucket.credentials, bucket.root) if bucket is not None else ():
        if path is not None:
            named[folder.path / path] = Ownership("root", GROUP, *shared)
    if folder.settings.identity_provider is not None:
        named[folder.path / folder.settings.identity_provider.secret_file] = Ownership(PAGES, PAGES, *private)
    if folder.is_private:
        named[folder.cluster] = Ownership(SERVER, GROUP, 0o710, 0o600)
    others = [path for path in folder.path.iterdir() if path not in named]
    return named | dict.fromkeys(others, Ownership("root", "root", *private))


def _read_by_programs(folder: DepartmentFolder) -> Iterator[Path]:
    """Yield what root alone writes and all programs read, as far as it is in the folder."""
    for path in (
        folder.path / SETTINGS,
        folder.policy,
        folder.register_file,
        folder.register_key,
        folder.places,
        folder.tiles,
        folder.training,
        folder.household_public,
        folder.nightly,
        folder.catalog,
    ):
        if path.is_relative_to(folder.path):
            yield path


def _below(top: Path, *, but: AbstractSet[Path], alone: bool) -> Iterator[tuple[Path, int]]:
    """Yield a file, or a folder and what is in it, without links, each with a descriptor that is open meanwhile.

    A folder may be a program's, which must not have root give it another file by changing a path underway: so nothing
    is opened by a path of more than one name below it, and no file that has a second name.
    """
    with suppress(FileNotFoundError):
        with _opened(str(top)) as descriptor:
            if descriptor is None:
                return
            yield top, descriptor
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        for base, folders, files, at in os.fwalk(top, follow_symlinks=False) if is_folder and not alone else ():
            folders[:] = [name for name in folders if Path(base, name) not in but]
            for name in (*folders, *files):
                with _opened(name, at) as descriptor:
                    if descriptor is not None and Path(base, name) not in but:
                        yield Path(base, name), descriptor


@contextmanager
def _opened(name: str, folder: int | None = None) -> Iterator[int | None]:
    """Open a folder, or a file that has no second name; None for all else, such as a link."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        yield None
        return
    try:
        status = os.fstat(descriptor)
        yield descriptor if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1 else None
    finally:
        os.close(descriptor)
