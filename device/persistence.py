"""Recording that does not give up: a full or failing disk delays a record and never loses it."""

import logging
from threading import Event

from device.errors import OutboxError
from device.records import Envelope, RecordData, Recorder

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two attempts to store a record."""


class PersistentRecorder:
    """Stores records through a recorder, again and again if need be.

    While the outbox takes nothing, whoever records waits; frames are dropped and counted meanwhile, records are not.
    """

    def __init__(self, recorder: Recorder, *, stop: Event) -> None:
        """Wrap `recorder`; once `stop` is set, a record that cannot be stored raises."""
        self._recorder = recorder
        self._stop = stop
        self.failing = False
        """Whether the last attempt failed."""

    def record(self, data: RecordData) -> Envelope:
        """Store a record, however long it takes.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        while True:
            try:
                envelope = self._recorder.record(data)
            except OutboxError as error:
                if not self.failing:
                    log.error("a record cannot be stored: %s", error)  # noqa: TRY400 - it says all, once
                self.failing = True
                if self._stop.wait(PAUSE_SECONDS):
                    raise
            else:
                self.failing = False
                return envelope
