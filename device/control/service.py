"""Remote control: the remote configuration, the keys behind it, and the operators' commands."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypedDict

from platepost.common.settings import Table
from platepost.device.clock.clock import Clock
from platepost.device.control import ConfigurationStore, RemoteConfiguration
from platepost.device.control.commands import CommandExecutor
from platepost.device.control.keys.rotation import AGAIN_SECONDS, KeyRotation
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.control.settings import ControlSettings
from platepost.device.diagnosis import FaultMonitor
from platepost.device.logbook import Logbook
from platepost.device.part import Interval, Part
from platepost.device.uplink.inbox import Delivery
from platepost.device.uplink.uplink import Uplink
from platepost.wire.faults import CONFIGURATION_FAULTS, Fault
from platepost.wire.records import ClockQuality, ConfigurationState, KeyState, Source


class Conditions(TypedDict):
    """By what a configuration is judged."""

    at: datetime
    clock: ClockQuality
    faults: frozenset[str]


def remote_configuration(
    base: Table, settings: ControlSettings | None, trust: TrustedKeys, source: Source, *, clock: Clock
) -> RemoteConfiguration[Table] | None:
    """Open what is kept of the remote configuration over the post's own, `base`; None for a post that takes none.

    A configuration is on trial by `clock`.
    """
    keys = trust.configuration
    if settings is None or keys is None:
        return None
    return RemoteConfiguration(
        base,
        ConfigurationStore(settings.directory),
        keys,
        source,
        trial_seconds=settings.trial_minutes * 60,
        steady=clock.steady,
    )


class RemoteControl(Part, Generic[Table]):
    """Listens for configurations, statements about keys and commands, and says in the audit trail what became of each.

    Args:
        remote: the post's remote configuration.
        trust: the keys by which it knows configurations and hot lists.
        logbook: the audit log and the time; answers are signed, and not kept.
        uplink: brings what the department sends, and takes answers.
        faults: what a configuration on trial may not bring about.
        commands: does what operators ask.
        stale_by: tells whether the hot list is stale by another configuration.

    """

    reports_faults = True

    def __init__(
        self,
        remote: RemoteConfiguration[Table],
        trust: TrustedKeys,
        logbook: Logbook,
        uplink: Uplink,
        *,
        faults: FaultMonitor,
        commands: CommandExecutor,
        stale_by: Callable[[Table], bool],
    ) -> None:
        self._source = logbook.source
        self._remote = remote
        self._rate_limited = logbook.rate_limited
        self._trust = trust
        self._timekeeper = timekeeper = logbook.timekeeper
        self._uplink = uplink
        self._faults = faults
        self._stale_by = stale_by
        self._again = Interval(AGAIN_SECONDS)
        self._rotation = KeyRotation(
            trust, agency=self._source.agency, audit=logbook.rate_limited, timekeeper=timekeeper
        )
        # Before all else: with a new key may come what it signed.
        self._rotation.listen(uplink)
        self._listen()
        uplink.subscribe(self._source.command("+"), commands.receive)
        if trust.configuration is not None:
            trust.configuration.on_changed(remote.recheck)
            trust.configuration.on_changed(self._listen)

    def poll(self, now: float) -> None:
        """Look at what is on trial, and now and then at what the clock or the disk did not let be applied."""
        if self._again.due(now):
            self._remote.look_again(**self._conditions())
        waits = bool(CONFIGURATION_FAULTS & self._faults.undecided())
        self._remote.watch((fault.value for fault in self._blamed()), waits=waits)
        self._rotation.poll(now)
        self.audit()

    def _blamed(self) -> frozenset[Fault]:
        """Return what the configuration on trial may have caused.

        A list that is stale by the one before too has grown old by itself, as while the power was off.
        """
        present = CONFIGURATION_FAULTS & self._faults.present
        former = self._remote.former if Fault.HOTLIST_STALE in present else None
        if former is not None and self._stale_by(former):
            return present - {Fault.HOTLIST_STALE}
        return present

    def take_pending(self) -> Table | None:
        """Return, once, the configuration that the post is to go by from now on."""
        return self._remote.take_pending()

    def audit(self) -> None:
        """Put into the audit trail what became of configurations."""
        for event in self._remote.take_events():
            self._rate_limited.take(event)

    def state(self) -> ConfigurationState:
        """Return what the status says of the configuration."""
        return self._remote.state()

    def keys(self) -> tuple[KeyState, ...]:
        """Return what the status says of the keys."""
        return self._trust.state(self._timekeeper.now())

    def changed(self) -> bool:
        """Tell, once, whether `state` or `keys` says something new."""
        return self._remote.take_changed() | self._rotation.changed()

    def _listen(self) -> None:
        """Have the configuration sent, again if its keys have changed."""
        self._uplink.subscribe(self._source.configuration, self._configure, small=True)

    def _configure(self, delivery: Delivery) -> None:
        self._remote.receive(delivery.payload, **self._conditions())
        self.audit()

    def _conditions(self) -> Conditions:
        return {
            "at": self._timekeeper.now(),
            "clock": self._timekeeper.quality(),
            "faults": frozenset(self._faults.present),
        }
