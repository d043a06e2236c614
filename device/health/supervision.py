"""What a running post tells systemd and its own next start, and when the machine is to start again.

The watchdog is fed with evidence; what is wrong is kept for the audit of the next start, should this run die; bad
starts are counted where systemd starts the post again.
"""

import logging
from pathlib import Path

from platepost.common.errors import OutboxError
from platepost.device.camera.supervisor import CameraSupervisor
from platepost.device.diagnosis import FaultMonitor
from platepost.device.health.boot_counter import BootCounter
from platepost.device.health.crash_record import CrashRecord
from platepost.device.health.watchdog import Liveness, Watchdog
from platepost.device.logbook import Logbook
from platepost.device.part import Interval, Part
from platepost.device.uplink.uplink import Uplink, UplinkState
from platepost.wire.faults import Fault

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
"""How often the evidence is looked at and the watchdog fed: a small part of the unit's WatchdogSec."""


class Lifecycle(Part):
    """Keeps one run of a post alive, or lets it die with its reasons known.

    Args:
        folder: where what was wrong is kept for the next start.
        logbook: where the end of the run before is told.
        boots: counts starts.
        faults, uplink, supervisor: the evidence.

    """

    reports_faults = True

    def __init__(
        self,
        folder: Path,
        logbook: Logbook,
        boots: BootCounter,
        *,
        faults: FaultMonitor,
        uplink: Uplink,
        supervisor: CameraSupervisor,
    ) -> None:
        self._crash_record = CrashRecord(folder, run=logbook.run)
        self._watchdog = Watchdog()
        self._audit = logbook.audit
        self._boots, self._notifier = boots, boots.notifier
        self._faults = faults
        self._uplink = uplink
        self._supervisor = supervisor
        self._check_due = Interval(CHECK_SECONDS)
        self._said: frozenset[str] | None = None
        self._unfit: str | None = None
        self._accounted = False
        self.restart = False
        """Whether the run ends so that the software begins again, in the same process."""

    @property
    def holds_back(self) -> bool:
        """Whether the camera is better not opened yet, because the post died again and again."""
        return self._notifier.listening and self._boots.waiting

    def start(self) -> None:
        """Tell systemd that the post is there: before its first record, which a full disk may keep waiting."""
        if self._notifier.listening:
            self._boots.begin()
        self._notifier.ready("starting")

    def serves(self) -> None:
        """Note that the post begins its service: before the camera is opened, of which it may die."""
        if self._notifier.listening:
            self._boots.opens()

    def faults(self) -> tuple[Fault, ...]:
        """Name it if the post starts again and again."""
        return (Fault.RESTARTING_OFTEN,) if self._notifier.listening and self._boots.often else ()

    def poll(self, now: float) -> None:
        """Look at the post, and feed the watchdog if there is reason to."""
        if not self._accounted:
            self._accounted = True
            self._account()
        names = frozenset(fault.value for fault in self._faults.present)
        if not self._check_due.due(now) and names == self._said:
            return
        uplink = self._uplink.state()
        unfit = self._watchdog.unfit(self._evidence(uplink))
        if (names, unfit) != (self._said, self._unfit):
            self._said, self._unfit = names, unfit
            self._crash_record.keep(names, unfed=unfit)
            if unfit is not None:
                log.error("the watchdog is not fed: %s", unfit)
        # A run that has given its camera up is fed, but it is no good one: reboots must go on becoming rarer.
        self._boots.poll(fit=unfit is None and self._supervisor.watching)
        if unfit is None:
            self._notifier.alive()
        self._notifier.status(self._words(uplink))

    def while_waiting(self) -> None:
        """Feed the watchdog while a record waits for the disk: dying now would lose it."""
        self._notifier.alive()
        self._notifier.status("a record waits for the disk")

    def stop(self) -> None:
        """Take back what was kept for a crash; tell systemd, unless this process goes on with a fresh interpreter."""
        self._crash_record.close()
        if self._notifier.listening:
            self._boots.stopped()
        if not self.restart:
            self._notifier.stopping()

    def _account(self) -> None:
        """Say how the run before ended, if it was not told to; ask for a restart of the machine if that is due."""
        former = self._crash_record.former()
        if former is not None:
            self._audit.record(
                "died",
                outcome="failure",
                reason=former.how,
                object=former.run or None,
                details={
                    "faults": list(former.faults),
                    "unfed": former.unfed,
                    "rebooted": former.rebooted,
                    "bad_starts": self._boots.bad,
                },
            )
        self._crash_record.keep((), unfed=None)
        if self._notifier.listening and self._boots.reboot_due():
            self._boots.reboot(self._audit, reason="bad_starts")

    def _evidence(self, uplink: UplinkState) -> Liveness:
        return Liveness(
            watching=self._supervisor.watching,
            frames=self._supervisor.frames,
            connected=uplink.connected,
            attempts=uplink.attempts,
            acknowledged=uplink.acknowledged,
            owing=self._owing(),
        )

    def _owing(self) -> bool:
        try:
            return self._uplink.owes()
        except OutboxError:
            return False  # named as a fault of its own, which a restart does not mend

    def _words(self, uplink: UplinkState) -> str:
        state = ", ".join(sorted(self._said or ())) or "in service"
        line = f"connected to {uplink.broker}" if uplink.connected else f"not connected: {uplink.problem}"
        return f"{state}; {self._supervisor.frames} frames; {line}"
