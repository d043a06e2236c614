"""Putting a file out of the way that cannot be used, without losing what it holds."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from platepost.common.errors import OutboxError
from platepost.common.files import keep_newest
from platepost.device.outbox.database import companions, database_files

log = logging.getLogger(__name__)

KEPT = 2
"""Files that are kept of those set aside for one reason: each may be as large as the outbox ever was."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An outbox file that could not be used and was put out of the way."""

    path: Path
    """Where it is now; no such file if it had `vanished`, or nothing was left in it."""
    reason: str
    """`damaged`, `wrong_key`, `newer_version` or `vanished`."""
    kept: int = 0
    """Records that were taken over from it."""
    same_chain: bool = False
    """Whether the chain goes on."""


def set_aside(path: Path, *, reason: str) -> Quarantined:
    """Rename the files of the outbox at `path`: `outbox.db` -> `outbox.damaged-20260131T170509.db`.

    Raises:
        OutboxError: they cannot be renamed.

    """
    target = _free_name(path, f"{reason}-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    try:
        for file in database_files(path):
            file.rename(target.with_name(target.name + file.name.removeprefix(path.name)))
        for file in companions(path):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise OutboxError(f"cannot set the outbox aside: {error.strerror}") from error
    log.error("outbox set aside as %s: %s", target.name, reason)
    return Quarantined(path=target, reason=reason)


def remove(aside: Quarantined) -> None:
    """Remove a file of which everything was taken over; one that cannot be removed stays."""
    log.info("%s is removed: all that was in it was taken over", aside.path.name)
    _unlink(aside.path)


def remove_older(path: Path, aside: Quarantined) -> None:
    """Remove what was set aside of the outbox at `path` for the same reason, except the newest files."""
    # The one of this moment stays in any case.
    others = [file for file in path.parent.glob(f"{path.stem}.{aside.reason}-*{path.suffix}") if file != aside.path]
    keep_newest(others, KEPT - 1, remove=_unlink)


def _unlink(path: Path) -> None:
    for file in database_files(path):
        with suppress(OSError):
            file.unlink()


def _free_name(path: Path, label: str) -> Path:
    for number in range(1000):
        suffix = f"-{number}" if number else ""
        target = path.with_name(f"{path.stem}.{label}{suffix}{path.suffix}")
        if not target.exists():
            return target
    raise OutboxError("too many outbox files were set aside within a second")
