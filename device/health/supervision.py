"""The keeper: what a running post tells systemd and its own next start, and when the machine is to start anew.

It feeds the watchdog with evidence, keeps the last words, and counts bad starts where systemd starts the post again.
"""

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from time import monotonic

from device.audit.log import AuditLog
from device.errors import OutboxError
from device.faults.fault import Fault
from device.health.boot_counter import BootCounter
from device.health.crash_record import CrashRecord
from device.health.watchdog import Evidence, Watchdog
from device.systemd import Notifier
from device.uplink import UplinkState

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the evidence is looked at and the watchdog fed: a small part of the unit's WatchdogSec."""


class Lifecycle:
    """Keeps one run of a post.

    Args:
        folder: where the last words and the counter are kept.
        run: identifier of this run.
        frames: tells how many frames have been evaluated.
        uplink: tells how the uplink is.
        owes: tells whether records wait that the broker should take; may raise OutboxError.

    """

    def __init__(
        self,
        folder: Path,
        *,
        run: str,
        frames: Callable[[], int],
        uplink: Callable[[], UplinkState],
        owes: Callable[[], bool],
        notifier: Notifier | None = None,
    ) -> None:
        self._notifier = notifier or Notifier()
        self._diary = CrashRecord(folder, run=run)
        self._starts = BootCounter(folder)
        self._watchdog = Watchdog()
        self._frames = frames
        self._uplink = uplink
        self._owes = owes
        self._next_look = 0.0
        self._faults: frozenset[str] | None = None
        self._unfit: str | None = None
        self.watching = False
        """Whether the camera is to deliver frames."""

    @property
    def holds_back(self) -> bool:
        """Whether the camera is better not opened yet, for the post died again and again."""
        return self._notifier.listening and self._starts.waiting

    @property
    def faults(self) -> set[Fault]:
        """What the keeper has to say of the post."""
        return {Fault.RESTARTING_OFTEN} if self._notifier.listening and self._starts.often else set()

    def begin(self) -> None:
        """Tell systemd that the post is there: before its first record, which a full disk may keep waiting."""
        if self._notifier.listening:
            self._starts.begin()
        self._notifier.ready("starting")

    def account(self, auditor: AuditLog) -> None:
        """Put into the audit trail how the run before ended, if it was not told to; ask for a restart of the machine.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        former = self._diary.former()
        if former is not None:
            auditor.say(
                "died",
                outcome="failure",
                reason=former.how,
                object=former.run or None,
                details={
                    "faults": list(former.faults),
                    "unfed": former.unfed,
                    "rebooted": former.rebooted,
                    "bad_starts": self._starts.bad,
                },
            )
        self._diary.keep((), unfed=None)
        if self._notifier.listening and self._starts.reboot_due():
            self.reboot(auditor, reason="bad_starts")

    def reboot(self, auditor: AuditLog, *, reason: str) -> bool:
        """Have the machine start anew, unless it did so a short while ago; return whether it will.

        Raises:
            OutboxError: it cannot be audited, and the post is stopping.

        """
        if not self._notifier.listening or not self._starts.ask_for_reboot():
            return False
        log.error("the machine is to start anew: %s", reason)
        auditor.say("reboot", reason=reason, details={"bad_starts": self._starts.bad, "in_a_row": self._starts.reboots})
        return True

    def tick(self, faults: Collection[Fault]) -> None:
        """Look at the post, and feed the watchdog if there is reason to."""
        said = frozenset(fault.value for fault in faults)
        now = monotonic()
        if said == self._faults and now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        uplink = self._uplink()
        unfit = self._watchdog.unfit(self._evidence(uplink))
        if (said, unfit) != (self._faults, self._unfit):
            self._faults, self._unfit = said, unfit
            self._diary.keep(said, unfed=unfit)
            if unfit is not None:
                log.error("the watchdog is not fed: %s", unfit)
        # A run that has given its camera up is fed, but it is no good one: reboots must go on becoming rarer.
        self._starts.tick(fit=unfit is None and self.watching)
        if unfit is None:
            self._notifier.alive()
        self._notifier.status(self._words(uplink))

    def waiting(self) -> None:
        """Feed the watchdog while a record waits for the disk: dying now would lose it."""
        self._notifier.alive()
        self._notifier.status("a record waits for the disk")

    def end(self, *, restart: bool) -> None:
        """Strike out the last words; tell systemd, unless this process goes on with a fresh interpreter."""
        self._diary.close()
        if self._notifier.listening:
            self._starts.stopped()
        if not restart:
            self._notifier.stopping()

    def _evidence(self, uplink: UplinkState) -> Evidence:
        return Evidence(
            watching=self.watching,
            frames=self._frames(),
            connected=uplink.connected,
            attempts=uplink.failures,
            acknowledged=uplink.acknowledged,
            owing=self._owing(),
        )

    def _owing(self) -> bool:
        try:
            return self._owes()
        except OutboxError:
            return False  # named as a fault of its own, which a restart does not mend

    def _words(self, uplink: UplinkState) -> str:
        state = ", ".join(sorted(self._faults or ())) or "in service"
        line = f"connected to {uplink.broker}" if uplink.connected else f"not connected: {uplink.problem}"
        return f"{state}; {self._frames()} frames; {line}"
