"""The logbook of a post: what it writes down, in which order, and by what time.

Records are signed and chained into the outbox; what people are accountable for goes there as the audit log, and so
does what was lost. The time is here too, for the chain is dated by it, and it goes on from the chain's last record.
"""

import logging

from pydantic import JsonValue

from platepost.common.errors import OutboxError
from platepost.device.audit.log import AuditLog
from platepost.device.audit.rate_limit import RateLimitedAudit
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.part import Interval, Part, Tables
from platepost.wire.faults import Fault
from platepost.wire.records.settings import RecordSettings

log = logging.getLogger(__name__)


class Logbook(Part):
    """Keeps one outbox, and the chain of records in it.

    Args:
        outbox: where records wait; its owner closes it.
        records: signs and chains them into the outbox, however long that takes.
        timekeeper: dates them.
        run: identifier of this run of the software.
        settings: how records are made; what was lost is accounted for as often as health is published.

    """

    def __init__(
        self,
        outbox: Outbox,
        records: RetryingRecorder,
        timekeeper: Timekeeper,
        *,
        run: str,
        settings: RecordSettings,
    ) -> None:
        self.outbox = outbox
        self.records = records
        self.recorder = records.recorder
        """For threads that must not wait for the disk: what cannot be stored raises."""
        self.timekeeper = timekeeper
        self.run = run
        self.source, self.clock = records.recorder.source, records.clock
        self.audit = AuditLog(records, post=self.source.post, timekeeper=timekeeper)
        self.rate_limited = RateLimitedAudit(self.audit, clock=self.clock)
        self.settings = settings
        self._account = Interval(settings.health_seconds)
        self._quarantined = 0

    def poll(self, now: float) -> None:
        """Put into the audit log each outbox that was quarantined since, and now and then what was lost or dropped.

        Before that, what was put off while the disk was full.
        """
        self.records.retry()
        self._audit_quarantined()
        if self._account.due(now):
            self._account_for_losses()

    def faults(self) -> set[Fault]:
        """Name it if records cannot be stored."""
        conditions = {
            Fault.DISK_FULL: self.outbox.disk_full,
            Fault.OUTBOX_FAILED: self.records.failing,
            Fault.OUTBOX_SET_ASIDE: bool(self.outbox.set_aside),
        }
        return {fault for fault, present in conditions.items() if present}

    def adjust(self, tables: Tables) -> None:
        """Go by other settings, and account for losses as often as health is published now."""
        self.settings = tables.table(RecordSettings)
        self._account.seconds = self.settings.health_seconds

    def stop(self) -> None:
        """Keep the time for the next start, and store what was put off."""
        self.timekeeper.save()
        self.records.retry()

    def _audit_quarantined(self) -> None:
        quarantined = self.outbox.set_aside[self._quarantined :]
        self._quarantined += len(quarantined)
        for file in quarantined:
            details: dict[str, JsonValue] = {"records_kept": file.kept, "same_chain": file.same_chain}
            self.audit.record(
                "outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name, details=details
            )

    def _account_for_losses(self) -> None:
        """Record what damage cost and what was given up for lack of space; what cannot be stored now follows later."""
        try:
            while self.recorder.account_for_losses(clock=self.timekeeper.quality()) is not None:
                pass
            self.recorder.account_for_drops(clock=self.timekeeper.quality())
        except OutboxError as error:
            log.warning("the account of what is gone is taken again later: %s", error)
