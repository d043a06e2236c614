"""A running post's controls: its remote configuration and its operators' commands, as the broker brings them."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from pydantic import JsonValue

from device.auditor import Auditor
from device.config import Configuration
from device.control import Journal, Judge, Note, Operators, Reason, RemoteConfiguration, Shelf
from device.control.desired import read_key
from device.errors import ConfigurationError
from device.faults import Fault
from device.health.timekeeper import Timekeeper
from device.moderator import Moderator
from device.orders import Doer, Orders
from device.records import Command, ConfigurationState, Envelope, Recorder, Source
from device.uplink import Delivery

BLAMED = frozenset(
    {
        Fault.CAMERA_BLACK,
        Fault.CAMERA_FAILED,
        Fault.CAMERA_SILENT,
        Fault.FALLING_BEHIND,
        Fault.HOTLIST_STALE,
        Fault.RECORD_TOO_LARGE,
    }
)
"""Faults that a configuration can cause; the network's and the clock's come and go by themselves."""


def remote_configuration(configuration: Configuration) -> RemoteConfiguration | None:
    """Open what is kept of the remote configuration; None for a post that takes none.

    Raises:
        ConfigurationError: the key is unreadable or of the wrong kind.

    """
    section = configuration.control
    if section is None:
        return None
    return RemoteConfiguration(
        configuration,
        Shelf(section.directory),
        read_key(_content(section.configuration_key, "control.configuration_key")),
        Source(configuration.post.agency, configuration.post.name),
        trial_seconds=section.trial_minutes * 60,
    )


class Controls:
    """Listens for configurations and commands, and says in the audit trail what became of each.

    Args:
        configuration: the post's.
        remote: its remote configuration.
        run: identifier of this run of the software.
        auditor, moderator: the audit trail.
        recorder: signs answers.
        timekeeper: the time.
        send: sends an answer.
        doers: what the post can be asked to do.

    Raises:
        ConfigurationError: the authority of the operators is unreadable.

    """

    def __init__(
        self,
        configuration: Configuration,
        remote: RemoteConfiguration,
        *,
        run: str,
        auditor: Auditor,
        moderator: Moderator,
        recorder: Recorder,
        timekeeper: Timekeeper,
        send: Callable[[Envelope], object],
        doers: Mapping[Command, Doer],
    ) -> None:
        section = configuration.control
        if section is None:
            raise ConfigurationError("control: missing")
        self._source = Source(configuration.post.agency, configuration.post.name)
        self._remote = remote
        self._auditor = auditor
        self._moderator = moderator
        self._timekeeper = timekeeper
        self._faults: frozenset[str] = frozenset()
        journal = Journal(section.directory / "journal.db")
        judge = Judge(
            self._source,
            Operators(_content(section.operators_ca, "control.operators_ca")),
            run=run,
            now=timekeeper.now,
            clock=timekeeper.quality,
            strict=journal.forgotten,
        )
        self._orders = Orders(
            self._source,
            judge,
            journal,
            auditor=auditor,
            moderator=self._moderator,
            recorder=recorder,
            timekeeper=timekeeper,
            send=send,
            doers=doers,
        )

    @property
    def subscriptions(self) -> dict[str, Callable[[Delivery], None]]:
        """What to listen to."""
        return {self._source.configuration: self._configure, self._source.command("+"): self._orders.receive}

    def tick(self, faults: Collection[Fault]) -> Configuration | None:
        """Look at what is on trial; return the configuration to change over to, if there is one."""
        self._faults = frozenset(fault.value for fault in faults)
        self._remote.watch(fault.value for fault in BLAMED.intersection(faults))
        self.audit()
        return self._remote.take_pending()

    def audit(self) -> None:
        """Put into the audit trail what became of configurations."""
        for note in self._remote.take_notes():
            self._say(note)

    def state(self) -> ConfigurationState:
        """Return what the status says of the configuration."""
        return self._remote.state()

    def changed(self) -> bool:
        """Tell, once, whether `state` says something new."""
        return self._remote.take_changed()

    def _configure(self, delivery: Delivery) -> None:
        self._remote.receive(
            delivery.payload, at=self._timekeeper.now(), clock=self._timekeeper.quality(), faults=self._faults
        )
        self.audit()

    def _say(self, note: Note) -> None:
        version = None if note.version is None else str(note.version)
        message: dict[str, JsonValue] = {} if note.message is None else {"message": note.message}
        if note.outcome == "refused":
            self._moderator.refused(
                note.action,
                reason=str(note.reason),
                source="broker",
                verified=note.verified,
                identity=note.identity,
                object=version,
                # Of what nobody signed only the reason is worth a word.
                details=message if note.verified or note.reason is Reason.TOO_LARGE else None,
            )
            return
        self._auditor.say(
            note.action,
            source="broker" if note.outcome == "success" else "post",
            outcome=note.outcome,
            identity=note.identity,
            reason=note.reason,
            object=version,
            details=message | note.details,
        )


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error
