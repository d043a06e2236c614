"""Recording that does not give up: a full or failing disk delays a record and never loses it."""

import logging
from collections.abc import Callable
from threading import Event

from device.clock.clock import SYSTEM, Clock
from device.errors import OutboxError
from device.records import Envelope, RecordData, Recorder

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two attempts to store a record."""
REMEMBERED_SECONDS = 60.0
"""How long a failure is told after it has healed: while it lasts no status can be stored either."""


class RetryingRecorder:
    """Stores records through a recorder, again and again if need be.

    While the outbox takes nothing, what records waits; frames are dropped and counted meanwhile, records are not.
    """

    def __init__(self, recorder: Recorder, *, stop: Event, clock: Clock = SYSTEM) -> None:
        """Wrap `recorder`; once `stop` is set, a record that cannot be stored raises."""
        self.meanwhile: Callable[[], None] = _nothing
        """Called before each new attempt, in the thread that waits; it must record nothing."""
        self.clock = clock
        self.recorder = recorder
        self._stop = stop
        self._failed_at: float | None = None
        self._waiting = False

    @property
    def failing(self) -> bool:
        """Whether a record waits to be stored, or did a minute ago, so that a status can still say so."""
        recently = self._failed_at is not None and self.clock.steady() - self._failed_at < REMEMBERED_SECONDS
        return self._waiting or recently

    def record(self, data: RecordData) -> Envelope:
        """Store a record, however long it takes.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        while True:
            try:
                envelope = self.recorder.record(data)
            except OutboxError as error:
                if not self._waiting:
                    log.error("a record cannot be stored: %s", error)  # noqa: TRY400 - it says all, once
                self._waiting, self._failed_at = True, self.clock.steady()
                if self._stop.wait(PAUSE_SECONDS):
                    raise
                self.meanwhile()
            else:
                self._waiting = False
                return envelope


def _nothing() -> None:
    """Do nothing while a record waits."""
