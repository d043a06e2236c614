"""Software that the department ordered: the post asks root for it within the window, and reports what became of it.

An order comes with the signed configuration and names a version, nothing else. Where bundles or packages come from, and
whose signature they must have, is written down on the unit, out of the post's reach: `packaging/systemd/update`.
"""

import logging
from datetime import datetime
from pathlib import Path

from platepost.common.files import write_durably
from platepost.device.audit.log import AuditLog
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.control.settings import SoftwareSettings
from platepost.device.part import Interval, Part, Tables
from platepost.version import __version__
from platepost.wire.faults import Fault

log = logging.getLogger(__name__)

REQUEST = "update"
"""File, in the post's folder, by which the version is asked for; `platepost-update.path` looks for it."""
RESULT = Path("/run/platepost-update/result")
"""Where root writes what became of the last request: the version, and a word."""
INSTALLED = "installed"
CHECK_SECONDS = 5.0
AGAIN_SECONDS = 3600.0
"""After which a version that was not installed is asked for again: the network may have been away."""


class SoftwareUpdates(Part):
    """Has the ordered software installed.

    Args:
        folder: the post's, where the request is left.
        settings: the order.
        audit: logs orders and failures.
        timekeeper: the post's time.
        present: the version that runs.
        result: where root answers.

    """

    def __init__(
        self,
        folder: Path,
        settings: SoftwareSettings,
        *,
        audit: AuditLog,
        timekeeper: Timekeeper,
        present: str = __version__,
        result: Path = RESULT,
    ) -> None:
        self._request = folder / REQUEST
        self._settings = settings
        self._audit = audit
        self._timekeeper = timekeeper
        self._present = present
        self._result = result
        self._check_due, self._again = Interval(CHECK_SECONDS), Interval(AGAIN_SECONDS)
        self._asked: str | None = None
        self._failed: str | None = None
        """Why the version was not installed."""

    def start(self) -> None:
        """Take back what a former run asked for: the order may be another by now."""
        self._request.unlink(missing_ok=True)

    def adjust(self, tables: Tables) -> None:
        """Switch to another order; a request for a version that is no longer ordered is withdrawn."""
        before, self._settings = self._settings, tables.table(SoftwareSettings)
        if self._settings.version != before.version:
            self._asked = self._failed = None
            self._again = Interval(AGAIN_SECONDS)
            self._request.unlink(missing_ok=True)

    def poll(self, now: float) -> None:
        """Ask for the ordered version if it does not run, and note what became of it."""
        target = self._settings.version
        if target is None or target == self._present or not self._check_due.due(now):
            return
        if self._asked == target:
            self._note_result(target)
        if self._is_open(self._timekeeper.now()) and self._again.due(now):
            self._ask(target)

    def faults(self) -> tuple[Fault, ...]:
        """Report an ordered version that could not be installed."""
        return () if self._failed is None else (Fault.UPDATE_FAILED,)

    def _is_open(self, at: datetime) -> bool:
        return (at.hour - self._settings.window_begin) % 24 < self._settings.window_hours

    def _ask(self, wanted: str) -> None:
        try:
            write_durably(self._request, f"{wanted}\n".encode())
        except OSError as error:
            log.warning("the update cannot be asked for: %s", error)
            return
        if self._asked != wanted:
            self._asked = wanted
            self._audit.record("update_ordered", object=wanted, details={"present": self._present})

    def _note_result(self, wanted: str) -> None:
        try:
            version, _, outcome = self._result.read_text(encoding="ascii").strip().partition(" ")
        except (OSError, ValueError):
            return
        if version != wanted or outcome in {INSTALLED, self._failed}:
            return
        self._failed = outcome
        self._audit.record("update_failed", outcome="failure", object=wanted, reason=outcome)
