"""Recording that does not give up: a full or failing disk delays a record and never loses it."""

import logging
from collections import deque
from collections.abc import Callable
from threading import Event, RLock

from platepost.common.errors import OutboxError
from platepost.device.clock.clock import SYSTEM, Clock
from platepost.wire.records import Envelope, RecordData, Recorder

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between two attempts to store a record."""
REMEMBERED_SECONDS = 60.0
"""How long a failure is still reported after it has ended: while it lasts no status can be stored either."""
MAX_DEFERRED = 100
"""Records that may be deferred; with more, `record_soon` blocks."""


class RetryingRecorder:
    """Stores records through a recorder, again and again if need be.

    While the outbox cannot store anything, `record` blocks; frames are dropped and counted, records are not. The thread
    that handles messages from the broker uses `record_soon` instead: receipts arrive there, and receipts make room.
    """

    def __init__(self, recorder: Recorder, *, stop: Event, clock: Clock = SYSTEM) -> None:
        """Wrap `recorder`; once `stop` is set, a record that cannot be stored raises."""
        self.on_wait: Callable[[], None] = _nothing
        """Called before each new attempt, in the thread that waits; it must record nothing."""
        self.clock = clock
        self.recorder = recorder
        self._stop = stop
        self._failed_at: float | None = None
        self._waiting = False
        self._deferred: deque[RecordData] = deque()
        self._retry_at = float("-inf")
        self._lock = RLock()

    @property
    def failing(self) -> bool:
        """Whether a record waits to be stored, or did a minute ago, so that a status can still report it."""
        recently = self._failed_at is not None and self.clock.steady() - self._failed_at < REMEMBERED_SECONDS
        return self._waiting or bool(self._deferred) or recently

    def record(self, data: RecordData) -> Envelope:
        """Store a record after those deferred, however long it takes.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        while True:
            try:
                envelope = self.record_now(data)
            except OutboxError as error:
                if not self._waiting:
                    log.error("a record cannot be stored: %s", error)
                self._waiting, self._failed_at = True, self.clock.steady()
                if self._stop.wait(PAUSE_SECONDS):
                    raise
                self.on_wait()
            else:
                self._waiting = False
                return envelope

    def record_soon(self, data: RecordData) -> None:
        """Store a record now, or defer it until the disk accepts it.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            if len(self._deferred) < MAX_DEFERRED:
                self._deferred.append(data)
                self.retry()
                return
        self.record(data)

    def record_now(self, data: RecordData) -> Envelope:
        """Store a record after those deferred, now or not at all.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored now.

        """
        with self._lock:
            self._store_deferred()
            return self.recorder.record(data)

    def retry(self) -> None:
        """Store deferred records if the disk accepts them now; call it again and again.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            if not self._deferred or self.clock.steady() < self._retry_at:
                return
            try:
                self._store_deferred()
            except OutboxError as error:
                log.warning("records are deferred: %s", error)
                self._failed_at = self.clock.steady()
                self._retry_at = self._failed_at + PAUSE_SECONDS
                if self._stop.is_set():
                    raise

    def _store_deferred(self) -> None:
        while self._deferred:
            data = self._deferred.popleft()
            try:
                self.recorder.record(data)
            except OutboxError:
                self._deferred.appendleft(data)
                raise


def _nothing() -> None:
    """Do nothing while a record waits."""
