"""A running post's controls: its remote configuration, the keys behind it, and its operators' commands."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from device.config import Configuration
from device.control import CommandVerifier, ConfigurationStore, Operators, RemoteConfiguration, ReplayGuard
from device.control.commands import CommandExecutor, Doer
from device.control.keys.rotation import KeyRotation
from device.control.keys.trust import Trust
from device.errors import ConfigurationError
from device.faults.fault import Fault
from device.hotlist.download import Subscriptions
from device.logbook import Logbook
from device.records import Command, ConfigurationState, Envelope, KeyState, Source
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


def remote_configuration(configuration: Configuration, trust: Trust) -> RemoteConfiguration | None:
    """Open what is kept of the remote configuration; None for a post that takes none."""
    section, keys = configuration.control, trust.configuration
    if section is None or keys is None:
        return None
    return RemoteConfiguration(
        configuration,
        ConfigurationStore(section.directory),
        keys,
        Source(configuration.post.agency, configuration.post.name),
        trial_seconds=section.trial_minutes * 60,
    )


class RemoteControl:
    """Listens for configurations, statements about keys and commands, and says in the audit trail what became of each.

    Args:
        configuration: the post's.
        remote: its remote configuration.
        trust: the keys by which it knows configurations and hot lists.
        books: the audit trail and the time; answers are signed, and not kept.
        run: identifier of this run of the software.
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
        trust: Trust,
        books: Logbook,
        run: str,
        send: Callable[[Envelope], object],
        doers: Mapping[Command, Doer],
    ) -> None:
        section = configuration.control
        if section is None:
            raise ConfigurationError("control: missing")
        self._source = Source(configuration.post.agency, configuration.post.name)
        self._remote = remote
        self._moderator = books.moderator
        self._trust = trust
        self._succession = KeyRotation(
            trust, agency=self._source.agency, moderator=books.moderator, timekeeper=books.timekeeper
        )
        self._timekeeper = books.timekeeper
        self._faults: frozenset[str] = frozenset()
        journal = ReplayGuard(section.directory / "journal.db")
        judge = CommandVerifier(
            self._source,
            Operators(_content(section.operators_ca, "control.operators_ca")),
            run=run,
            now=books.timekeeper.now,
            clock=books.timekeeper.quality,
            strict=journal.forgotten,
        )
        self._orders = CommandExecutor(
            self._source,
            judge,
            journal,
            auditor=books.auditor,
            moderator=books.moderator,
            recorder=books.recorder,
            timekeeper=books.timekeeper,
            send=send,
            doers=doers,
        )

    @property
    def subscriptions(self) -> dict[str, Callable[[Delivery], None]]:
        """What to listen to."""
        own = {self._source.configuration: self._configure, self._source.command("+"): self._orders.receive}
        # Before all else: with a new key may come what it signed.
        return self._succession.subscriptions | own

    def connect(self, subscriptions: Subscriptions) -> None:
        """Say through whom to send for the configuration again when its keys have changed."""
        if self._trust.configuration is not None:
            self._trust.configuration.on_changed(self._remote.recheck)
            self._trust.configuration.on_changed(
                lambda: subscriptions.subscribe(self._source.configuration, self._configure)
            )

    def tick(self, faults: Collection[Fault]) -> Configuration | None:
        """Look at what is on trial; return the configuration to change over to, if there is one."""
        self._faults = frozenset(fault.value for fault in faults)
        self._remote.watch(fault.value for fault in BLAMED.intersection(faults))
        self._succession.tick()
        self.audit()
        return self._remote.take_pending()

    def audit(self) -> None:
        """Put into the audit trail what became of configurations."""
        for event in self._remote.take_events():
            self._moderator.take(event)

    def state(self) -> ConfigurationState:
        """Return what the status says of the configuration."""
        return self._remote.state()

    def keys(self) -> tuple[KeyState, ...]:
        """Return what the status says of the keys."""
        return self._trust.state(self._timekeeper.now())

    def changed(self) -> bool:
        """Tell, once, whether `state` or `keys` says something new."""
        return self._remote.take_changed() | self._succession.changed()

    def _configure(self, delivery: Delivery) -> None:
        self._remote.receive(
            delivery.payload, at=self._timekeeper.now(), clock=self._timekeeper.quality(), faults=self._faults
        )
        self.audit()


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error
