"""The condition of a running post beyond its parts' own faults: lens, reads, machine, certificate, queue.

Looked at every few seconds, judged in `device.health`; here it only gets its names.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from device.camera.lens import Lens
from device.camera.view import FILE as VIEW_FILE
from device.camera.view import load_views
from device.clock.timekeeper import Timekeeper
from device.errors import ConfigurationError, OutboxError
from device.faults.fault import Fault
from device.frame import Frame
from device.health.machine import Machine, Readings, read_machine
from device.health.read_rate import FILE, ReadRateBaseline
from device.health.selftest import CERTIFICATE_DAYS
from device.outbox import Backlog

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
EXPIRING = timedelta(days=CERTIFICATE_DAYS)
OLD_SECONDS = 3600.0
"""Age of the oldest record waiting from which the queue is old: an hour without a broker is worth a visit to it."""


class Surroundings:
    """Looks at a post's surroundings.

    Args:
        folder: the post's state: accepted views, habit; on the disk that matters.
        timekeeper: the post's time.
        reads: tells how many reads there were.
        backlog: tells what waits.
        certificate_expires: tells when the post's certificate ends.
        machine: asks the machine.

    """

    def __init__(
        self,
        folder: Path,
        *,
        timekeeper: Timekeeper,
        reads: Callable[[], int],
        backlog: Callable[[], Backlog],
        certificate_expires: Callable[[], datetime],
        machine: Callable[[Path], Readings] = read_machine,
    ) -> None:
        self._folder = folder
        self._timekeeper = timekeeper
        self._reads = reads
        self._backlog = backlog
        self._certificate_expires = certificate_expires
        self._ask = machine
        self._machine = Machine()
        self._habit = ReadRateBaseline(folder / FILE)
        self._lens = Lens()
        self._views_written: int | None = None
        self._next_look = 0.0
        self._faults: frozenset[Fault] = frozenset()

    def see(self, frame: Frame) -> None:
        """Look through the lens, once a second."""
        self._lens.look(frame.grey, frame.monotonic)

    def tick(self, *, watching: bool) -> None:
        """Look around; `watching`: the camera should see the road. In the post's own thread."""
        now = monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._look(watching=watching)

    @property
    def faults(self) -> frozenset[Fault]:
        """What is amiss; from any thread."""
        return self._faults | {Fault(ailment.value) for ailment in self._lens.ailments}

    def _look(self, *, watching: bool) -> None:
        self._take_views()
        now = self._timekeeper.now()
        self._habit.tick(now, reads=self._reads(), watching=watching)
        faults = {Fault(name) for name in self._machine.ailments(self._ask(self._folder))}
        conditions = {
            Fault.NO_READS: self._habit.missed,
            Fault.CERTIFICATE_EXPIRING: self._expiring(now),
            Fault.QUEUE_OLD: self._queue_old(),
        }
        self._faults = frozenset(faults | {fault for fault, present in conditions.items() if present})

    def _take_views(self) -> None:
        """Judge by the accepted views as they are now: a technician may just have accepted another."""
        try:
            written = (self._folder / VIEW_FILE).stat().st_mtime_ns
        except OSError:
            written = None
        if written == self._views_written:
            return
        self._views_written = written
        try:
            self._lens.views = load_views(self._folder)
        except ConfigurationError as error:
            log.warning("%s", error)

    def _expiring(self, now: datetime) -> bool:
        try:
            return self._certificate_expires() - now < EXPIRING
        except ConfigurationError:
            return False  # being replaced at this very moment

    def _queue_old(self) -> bool:
        try:
            age = self._backlog().oldest_age_seconds
        except OutboxError:
            return False  # named as a fault of its own
        return age is not None and age >= OLD_SECONDS
