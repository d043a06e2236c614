"""The audit trail of the unit that a command works on: what a technician does there, in the post's own chain."""

import os
import pwd
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from platepost.common.language import Phrase
from platepost.common.secrets.certificate import certificate
from platepost.device.audit.log import AuditLog
from platepost.device.clock.chrony import Chrony
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.config import Configuration
from platepost.device.outbox.database import in_use
from platepost.device.outbox.errors import OutboxBusyError
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.people.acts import Author
from platepost.technician.technician import Technician
from platepost.wire.records import Recorder

SESSIONS = ("aim", "accept")
"""Commands of a technician that hold it."""


def session_of(outbox: Path) -> tuple[str, int] | None:
    """Return which command of a technician has an outbox open, and its process; None if none can be told.

    Linux lists every lock with its process and file (`proc_locks(5)`).
    """
    try:
        status = outbox.stat()
        file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        rows = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
        holders = {int(row[4]) for row in rows if len(row) == 8 and row[1] == "POSIX" and row[5] == file}
        for process in sorted(holders - {os.getpid()}):
            words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
            command = next((word for word in words if word in SESSIONS), None)
            if command is not None:
                return command, process
    except (OSError, ValueError):
        pass  # it has just ended, or this system has no such list
    return None


_RUNNING = Phrase(
    "the post is running: stop it first, for it needs the camera itself (sudo systemctl stop platepost); "
    "or a session of aim or accept is still open: end that"
)


def _held(configuration: Configuration) -> ProvisioningError:
    """Say who holds the outbox, and how a person ends that."""
    session = session_of(configuration.outbox.path)
    if session is None:
        return ProvisioningError(_RUNNING)
    command, process = session
    owner = pwd.getpwuid(configuration.outbox.path.stat().st_uid).pw_name
    return ProvisioningError(
        Phrase(
            "platepost {command} is open at this unit already: end that by Ctrl-C; where its terminal was lost (ssh), "
            "by {kill}",
            command=command,
            kill=f"sudo -u {owner} kill {process}",
        )
    )


def require_stopped(configuration: Configuration) -> None:
    """Make sure that the post is stopped, before a person is asked for anything; a trail makes sure again.

    Raises:
        ProvisioningError: another process has its outbox open.

    """
    if in_use(configuration.outbox.path):
        raise _held(configuration)


class AuditTrail:
    """Records what one technician does, while the post itself is stopped; what it says is delivered when it runs.

    The session is logged among the technician's own acts too, in the folder of their identity. A context manager: it
    holds the outbox, so that the post cannot start meanwhile.
    """

    def __init__(
        self, configuration: Configuration, technician: Technician, *, doing: str, silent: bool = False
    ) -> None:
        """Open the outbox.

        Args:
            configuration: the post's.
            technician: who works.
            doing: what the session is, a slug such as `aimed`.
            silent: whether to leave the session's begin and end unsaid, as where it is gone on with.

        Raises:
            ProvisioningError: the post is running.
            OutboxError: the outbox cannot be opened.
            RecordError: the signing key is unreadable.

        """
        try:
            self._outbox = Outbox.of(configuration.outbox)
        except OutboxBusyError as error:
            raise _held(configuration) from error
        self._technician = technician
        self._doing = doing
        self._silent = silent
        self._post = configuration.post.name
        valid = certificate(configuration.uplink.certificate)
        outbox = self._outbox
        timekeeper = Timekeeper.beside(outbox.path, Chrony(), valid=valid, last=outbox.head.time)
        recorder = Recorder.of(configuration.records, outbox, configuration.post.source, now=timekeeper.now)
        self._auditor = AuditLog(
            RetryingRecorder(recorder, stop=_give_up()), post=configuration.post.name, timekeeper=timekeeper
        )

    def __enter__(self) -> Self:
        if self._silent:
            return self
        person = self._technician.identity
        author = Author.of(person, self._technician.purpose)
        author.admit(person)
        author.record(f"post_{self._doing}", object=self._post)
        self.record("technician_session", {"doing": self._doing, "phase": "begin"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._silent:
                self.record("technician_session", {"doing": self._doing, "phase": "end"}, failed=error is not None)
        finally:
            self._outbox.close()

    def record(self, action: str, details: dict[str, Any], *, object: str | None = None, failed: bool = False) -> None:  # noqa: A002 - the record's own name
        """Record one act of the technician's, with their purpose.

        Raises:
            OutboxError: it cannot be stored.

        """
        fields: dict[str, JsonValue] = {"purpose": self._technician.purpose, **details}
        self._auditor.record(
            action,
            source="console",
            outcome="failure" if failed else "success",
            identity=self._technician.name,
            object=object,
            details=fields,
        )


def _give_up() -> Event:
    """Return what makes a recorder raise at once: a person waits, and can do something about a full disk."""
    event = Event()
    event.set()
    return event
