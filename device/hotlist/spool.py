"""Hot lists that someone brings as files, to a post without network: laid into a folder, taken by the running post.

Beside each package that was taken lies an outcome afterwards, for the one who brought it. A file is believed for its
signature only, as on the broker.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from platepost.common.files import as_owner_of, keep_newest, write_durably
from platepost.common.signals import current
from platepost.device.hotlist.service import Installation
from platepost.device.part import Part
from platepost.wire.hotlist import epochs, manifest
from platepost.wire.hotlist.package import PackageFile

log = logging.getLogger(__name__)

FOLDER = "handed"
"""Below the folder of the hot list."""
CHECK_SECONDS = 1.0
_STOP_SECONDS = 30.0
"""For the package under way: an installation that is cut off is as one at a power cut."""
_STOPPED_SECONDS = 6.0
"""The same, counted from the request that ends the command."""
KEPT_OUTCOMES = 16
"""Outcomes that wait for the one who brought a package, and may be gone."""
KEPT_PARTS = 1
"""Packages half laid, of which the newest may be under way; the others were of commands that were killed."""


def lay(directory: Path, name: str, package: bytes | Iterable[bytes]) -> None:
    """Lay a package into a post's folder, whole or not at all; root does so as the post. Raises OSError."""
    if not _is_name(name):
        raise ValueError(f"{name!r} is not the name of a package")
    folder = directory / FOLDER
    with as_owner_of(directory):
        _outcome_path(folder / name).unlink(missing_ok=True)
        write_durably(folder / name, package)


def fetch_outcome(directory: Path, name: str) -> Installation | None:
    """Return a package's outcome, once; None until the post has taken it up."""
    path = _outcome_path(directory / FOLDER / name)
    try:
        outcome = Installation(**json.loads(path.read_bytes()))
        path.unlink()
    except FileNotFoundError:
        return None
    return outcome


class PackageSpool(Part):
    """Looks into the folder now and then, in a thread of its own: a large list takes seconds, frames do not wait."""

    def __init__(
        self, directory: Path, install: Callable[[PackageFile], Installation], *, look_seconds: float = CHECK_SECONDS
    ) -> None:
        """Prepare; `directory` is that of the hot list, `install` puts a package in force or says why not."""
        self._look_seconds = look_seconds
        self._folder = directory / FOLDER
        self._install = install
        self._over = Event()
        self._thread = Thread(target=self._run, name="hotlist-spool", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End after the present package, unless that takes too long; may be called again, or without a start."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(current().limit(_STOP_SECONDS, after_request=_STOPPED_SECONDS))

    def install_new(self) -> int:
        """Install the packages in the folder, after keys the oldest version first, and return how many there were.

        Raises:
            OSError: one cannot be taken; the others were all the same.
            Exception: likewise, for an unforeseen fault.

        """
        try:
            paths = sorted((path for path in self._folder.iterdir() if _is_name(path.name)), key=_order)
        except FileNotFoundError:
            return 0
        failed: Exception | None = None
        for path in paths:
            try:
                self._take(path)
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error
        if paths:
            keep_newest(self._folder.glob("hotlist-*.outcome"), KEPT_OUTCOMES)
            keep_newest(self._folder.glob("hotlist-*.part"), KEPT_PARTS)
        if failed is not None:
            raise failed
        return len(paths)

    def _take(self, path: Path) -> None:
        with path.open("rb") as file:
            installed = self._install(PackageFile(file.fileno()))
        write_durably(_outcome_path(path), json.dumps(asdict(installed)).encode())
        path.unlink()

    def _run(self) -> None:
        logged = ""  # once, and not every second as long as it lasts
        while not self._over.wait(self._look_seconds):
            try:
                self.install_new()
                logged = ""
            except Exception as error:  # whatever it was: lists that are brought later are taken
                if logged != str(error):
                    logged = str(error)
                    unforeseen = None if isinstance(error, OSError) else error
                    log.warning("a hot list that was brought cannot be taken: %s", error, exc_info=unforeseen)


def _is_name(name: str) -> bool:
    return bool(manifest.FILE_NAME.fullmatch(name) or epochs.FILE_NAME.fullmatch(name))


def _order(path: Path) -> tuple[bool, str]:
    """Put keys before the packages that they open."""
    return path.suffix != ".keys", path.name


def _outcome_path(package: Path) -> Path:
    return package.with_name(f"{package.name}.outcome")
