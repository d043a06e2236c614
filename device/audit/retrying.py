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
"""How long a failure is told after it has healed: while it lasts no status can be stored either."""
MOST_PUT_OFF = 100
"""Records that may be put off; who has more waits."""


class RetryingRecorder:
    """Stores records through a recorder, again and again if need be.

    While the outbox takes nothing, what records waits; frames are dropped and counted meanwhile, records are not. Who
    takes what the broker brings must not wait: receipts come the same way, and it is they that make room.
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
        self._put_off: deque[RecordData] = deque()
        self._look_at = float("-inf")
        self._lock = RLock()

    @property
    def failing(self) -> bool:
        """Whether a record waits to be stored, or did a minute ago, so that a status can still say so."""
        recently = self._failed_at is not None and self.clock.steady() - self._failed_at < REMEMBERED_SECONDS
        return self._waiting or bool(self._put_off) or recently

    def record(self, data: RecordData) -> Envelope:
        """Store a record after what was put off, however long it takes.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        while True:
            try:
                envelope = self.record_now(data)
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

    def record_soon(self, data: RecordData) -> None:
        """Store a record now, or put it off until the disk takes it.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            if len(self._put_off) < MOST_PUT_OFF:
                self._put_off.append(data)
                self.look()
                return
        self.record(data)

    def record_now(self, data: RecordData) -> Envelope:
        """Store a record after what was put off, now or not at all.

        Raises:
            RecordError: it has no canonical form.
            OutboxError: it cannot be stored now.

        """
        with self._lock:
            self._store_put_off()
            return self.recorder.record(data)

    def look(self) -> None:
        """Store what was put off, if the disk takes it now; call it again and again.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        with self._lock:
            if not self._put_off or self.clock.steady() < self._look_at:
                return
            try:
                self._store_put_off()
            except OutboxError as error:
                log.warning("records are put off: %s", error)
                self._failed_at = self.clock.steady()
                self._look_at = self._failed_at + PAUSE_SECONDS
                if self._stop.is_set():
                    raise

    def _store_put_off(self) -> None:
        while self._put_off:
            data = self._put_off.popleft()
            try:
                self.recorder.record(data)
            except OutboxError:
                self._put_off.appendleft(data)
                raise


def _nothing() -> None:
    """Do nothing while a record waits."""
