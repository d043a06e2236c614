"""A running post's controls: its remote configuration, the keys behind it, and its operators' commands."""

from collections.abc import Callable, Collection, Mapping
from typing import Generic

from device.control import CommandVerifier, ConfigurationStore, Operators, RemoteConfiguration, ReplayGuard
from device.control.commands import CommandExecutor, Doer
from device.control.keys.rotation import KeyRotation
from device.control.keys.trust import Trust
from device.control.settings import ControlSettings
from device.faults.fault import Fault
from device.files import read_configured
from device.hotlist.download import Subscriptions
from device.logbook import Logbook
from device.records import Command, ConfigurationState, Envelope, KeyState, Source
from device.settings import Table
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


def remote_configuration(
    base: Table, settings: ControlSettings | None, trust: Trust, source: Source
) -> RemoteConfiguration[Table] | None:
    """Open what is kept of the remote configuration over the post's own, `base`; None for a post that takes none."""
    keys = trust.configuration
    if settings is None or keys is None:
        return None
    return RemoteConfiguration(
        base, ConfigurationStore(settings.directory), keys, source, trial_seconds=settings.trial_minutes * 60
    )


class RemoteControl(Generic[Table]):
    """Listens for configurations, statements about keys and commands, and says in the audit trail what became of each.

    Args:
        settings: where what was asked is kept, and whose operators may ask.
        source: the post.
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
        settings: ControlSettings,
        source: Source,
        remote: RemoteConfiguration[Table],
        *,
        trust: Trust,
        books: Logbook,
        run: str,
        send: Callable[[Envelope], object],
        doers: Mapping[Command, Doer],
    ) -> None:
        self._source = source
        self._remote = remote
        self._moderator = books.moderator
        self._trust = trust
        self._succession = KeyRotation(
            trust, agency=self._source.agency, moderator=books.moderator, timekeeper=books.timekeeper
        )
        self._timekeeper = books.timekeeper
        self._faults: frozenset[str] = frozenset()
        journal = ReplayGuard(settings.directory / "journal.db")
        judge = CommandVerifier(
            self._source,
            Operators(read_configured(settings.operators_ca, "control.operators_ca")),
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

    def tick(self, faults: Collection[Fault]) -> Table | None:
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
