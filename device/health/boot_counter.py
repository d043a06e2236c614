"""The boot counter: starts in a row that did not go well, and how a post that dies again and again slows down.

A post that dies soon after each start would otherwise wear out its disk and its broker. After a few bad starts it
waits before it opens the camera, connected meanwhile, delivering and saying so: what kills a post is mostly the camera
or what looks at its frames. After more, the machine itself is restarted, at ever longer intervals.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from pydantic import BaseModel, Field

from platepost.common.files import StateFile, write_durably
from platepost.common.systemd import Notifier, boot_id
from platepost.device.audit.log import AuditLog
from platepost.device.clock.clock import SYSTEM, Clock

log = logging.getLogger(__name__)

FILE = "starts.json"
REBOOT = "reboot"
"""File by which the machine's restart is asked for; the unit `platepost-reboot.path` looks for it."""
WELL_SECONDS = 600.0
"""A run that lived so long, and fit, was a good one: the counter begins again."""
PAUSES = (0.0, 0.0, 0.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds before the camera is opened, by starts in a row before this one that did not go well; the last repeats."""
REBOOT_STARTS = 5
"""Bad starts in a row from which the machine is to be restarted."""
REBOOT_UPTIMES = (900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
"""Seconds that the machine must have run before it is restarted, by the times that was done in a row."""


class CountedStarts(BaseModel):
    """What is kept of a post's starts."""

    bad: int = Field(default=0, ge=0)
    """Starts in a row that did not go well."""
    reboots: int = Field(default=0, ge=0)
    """Restarts of the machine in a row that were asked for."""
    unopened: str | None = None
    """The start of the machine in which the present run has not opened its camera yet."""


class BootCounter:
    """Counts. Never raises: a counter that cannot be kept does not keep a post from working.

    Args:
        folder: where the counter is kept.
        notifier: tells whether systemd, which starts the post again, listens.
        clock: by which a run proves well.
        uptime: seconds since the machine started.
        machine: the start of the machine.

    """

    def __init__(
        self,
        folder: Path,
        notifier: Notifier,
        *,
        clock: Clock = SYSTEM,
        uptime: Callable[[], float] = monotonic,  # on Linux counted from the machine's start
        machine: str | None = None,
    ) -> None:
        self.notifier = notifier
        self._file = StateFile(folder / FILE, CountedStarts, about="the boot counter")
        self._wish = folder / REBOOT
        self._steady = clock.steady
        self._uptime = uptime
        self._began = self._fit_since = clock.steady()
        self._well = self._asked = False
        stored = self._file.recall() or CountedStarts()
        self._machine = boot_id() if machine is None else machine
        self.bad, self.reboots = stored.bad, stored.reboots
        if stored.unopened and self._machine and stored.unopened != self._machine:
            # Nothing of the post took the machine's power away: it waited to be accepted, for a list, or to be mounted.
            self.bad = max(0, self.bad - 1)

    def begin(self) -> None:
        """Count this start as bad until it proves well; a wish for the machine's restart has come true, or lapses."""
        try:
            self._wish.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s stays: %s", self._wish, error)
        self._file.keep(CountedStarts(bad=self.bad + 1, reboots=self.reboots, unopened=self._machine or None))

    def opens(self) -> None:
        """Note that the camera is opened from now on, and may take the whole machine with it."""
        if not self._asked:
            self._file.keep(CountedStarts(bad=self.bad + 1, reboots=self.reboots))

    @property
    def often(self) -> bool:
        """Whether this post starts so often that it waits before it opens the camera."""
        return not self._well and self._pause() > 0

    @property
    def waiting(self) -> bool:
        """Whether it still waits."""
        return not self._well and self._steady() - self._began < self._pause()

    def poll(self, *, fit: bool) -> None:
        """Look whether this run has proved well: long enough `fit` without a break, the camera open."""
        now = self._steady()
        if not fit or self.waiting or self._asked:
            self._fit_since = now
        elif not self._well and now - self._fit_since >= WELL_SECONDS:
            self._well = True
            self.bad = self.reboots = 0
            self._file.keep(CountedStarts())

    def stopped(self) -> None:
        """Count this run as good after all: it was told to stop, unless that was for the restart it asked for."""
        if not self._well and not self._asked:
            self._file.keep(CountedStarts(bad=self.bad, reboots=self.reboots))

    def reboot_due(self) -> bool:
        """Say whether the machine should be restarted, and has run long enough since it was last."""
        return self.bad >= REBOOT_STARTS and self._rested()

    def ask_for_reboot(self) -> bool:
        """Ask for the machine's restart if it has run long enough since the last; return whether that was asked."""
        if not self._rested():
            return False
        self._asked = True
        self._file.keep(CountedStarts(bad=self.bad + 1, reboots=self.reboots + 1))
        try:
            write_durably(self._wish, b"")
        except OSError as error:
            log.warning("the machine's restart cannot be asked for: %s", error)
            return False
        return True

    def reboot(self, audit: AuditLog, *, reason: str) -> bool:
        """Have the machine start again, unless it did so a short while ago; return whether it will.

        Raises:
            OutboxError: it cannot be audited, and the post is stopping.

        """
        if not self.notifier.listening or not self.ask_for_reboot():
            return False
        log.error("the machine is to reboot: %s", reason)
        audit.record("reboot", reason=reason, details={"bad_starts": self.bad, "in_a_row": self.reboots})
        return True

    def _rested(self) -> bool:
        return self._uptime() >= REBOOT_UPTIMES[min(self.reboots, len(REBOOT_UPTIMES) - 1)]

    def _pause(self) -> float:
        return PAUSES[min(self.bad, len(PAUSES) - 1)]
