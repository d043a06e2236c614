"""The books of a post: what it writes down, in which order, and by what time.

Records are signed and chained into the outbox; what people are accountable for goes there as the audit trail, and so
does what was lost. The time is here too, for the chain is dated by it, and it goes on from the chain's last record.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event

from pydantic import JsonValue

from device.audit.log import AuditLog
from device.audit.rate_limit import RateLimitedAudit
from device.audit.retrying import RetryingRecorder
from device.clock.chrony import Chrony
from device.clock.timekeeper import Timekeeper
from device.config import Configuration
from device.errors import OutboxError
from device.outbox import Outbox
from device.records import Recorder
from device.secrets.certificate import certificate

log = logging.getLogger(__name__)


class Logbook:
    """Keeps one outbox, and the chain of records in it.

    Args:
        configuration: the post's.
        outbox: where records wait; it is closed here.
        stop: once it is set, a record that cannot be stored raises instead of waiting.
        meanwhile: called again and again while a record waits for the disk; it must record nothing.

    Raises:
        ConfigurationError: the post's certificate is unreadable.
        RecordError: a key file is unreadable or no private key on P-256.

    """

    def __init__(
        self, configuration: Configuration, outbox: Outbox, *, stop: Event, meanwhile: Callable[[], None]
    ) -> None:
        self._chrony = Chrony()
        self.outbox = outbox
        begun = certificate(configuration.uplink.certificate).not_valid_before_utc
        self.timekeeper = Timekeeper.beside(configuration.outbox.path, self._chrony, begun=begun, last=outbox.head.time)
        self.recorder = Recorder.of(
            configuration.records, outbox, configuration.post.source, now=self.timekeeper.record_time
        )
        """For threads that must not wait for the disk: what cannot be stored raises."""
        self.records = RetryingRecorder(self.recorder, stop=stop, meanwhile=meanwhile)
        """For all others."""
        self.auditor = AuditLog(self.records, post=configuration.post.name, timekeeper=self.timekeeper)
        self.moderator = RateLimitedAudit(self.auditor)
        self._set_aside = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Ask chrony for the time while this is open; then keep it for the next start, and close the outbox."""
        with ExitStack() as stack:
            stack.callback(self.outbox.close)
            stack.callback(self.timekeeper.save)
            self._chrony.start()
            stack.callback(self._chrony.stop)
            yield

    def audit_set_aside(self) -> None:
        """Put into the audit trail each outbox that was set aside since the last time.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        aside = self.outbox.set_aside[self._set_aside :]
        self._set_aside += len(aside)
        for file in aside:
            details: dict[str, JsonValue] = {"records_kept": file.kept, "same_chain": file.same_chain}
            self.auditor.say(
                "outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name, details=details
            )

    def account_for_losses(self) -> None:
        """Put into the audit trail what damage has cost and what was given up for want of room.

        What cannot be stored now is told the next time.
        """
        try:
            while self.recorder.account_for_losses(clock=self.timekeeper.quality()) is not None:
                pass
            self.recorder.account_for_drops(clock=self.timekeeper.quality())
        except OutboxError as error:
            log.warning("the account of what is gone is taken again later: %s", error)
