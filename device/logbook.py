"""The logbook of a post: what it writes down, in which order, and by what time.

Records are signed and chained into the outbox; what people are accountable for goes there as the audit log, and so
does what was lost. The time is here too, for the chain is dated by it, and it goes on from the chain's last record.
"""

import logging
from threading import Event

from pydantic import JsonValue

from device.audit.log import AuditLog
from device.audit.rate_limit import RateLimitedAudit
from device.audit.retrying import RetryingRecorder
from device.clock.timekeeper import Timekeeper
from device.errors import OutboxError
from device.faults.fault import Fault
from device.outbox import Outbox
from device.outbox.settings import OutboxSettings
from device.part import Interval, Part, Tables
from device.records.settings import PostIdentity, RecordSettings
from device.rig import Rig
from device.secrets.certificate import certificate
from device.uplink.settings import UplinkSettings

log = logging.getLogger(__name__)


class Logbook(Part):
    """Keeps one outbox, and the chain of records in it.

    Args:
        tables: the post's configuration.
        outbox: where records wait; its owner closes it.
        rig: what the time is and how good, and who signs and names records.
        stop: once it is set, a record that cannot be stored raises instead of waiting.

    Raises:
        ConfigurationError: the post's certificate is unreadable.
        RecordError: a key file is unreadable or no private key on P-256.

    """

    def __init__(self, tables: Tables, outbox: Outbox, rig: Rig, *, stop: Event) -> None:
        settings = tables.table(RecordSettings)
        self.source, self.clock = tables.table(PostIdentity).source, rig.clock
        self.run = rig.identify()
        """Identifier of this run of the software."""
        self.outbox = outbox
        self._time_source = rig.time_source()
        self.timekeeper = Timekeeper.beside(
            tables.table(OutboxSettings).path,
            self._time_source,
            begun=certificate(tables.table(UplinkSettings).certificate).not_valid_before_utc,
            last=outbox.head.time,
            clock=rig.clock,
        )
        self.recorder = rig.recorder(settings, outbox, self.source, now=self.timekeeper.record_time)
        """For threads that must not wait for the disk: what cannot be stored raises."""
        self.records = RetryingRecorder(self.recorder, stop=stop, clock=rig.clock)
        """For all others."""
        self.audit = AuditLog(self.records, post=self.source.post, timekeeper=self.timekeeper)
        self.rate_limited = RateLimitedAudit(self.audit, clock=rig.clock)
        self._account = Interval(settings.health_seconds)
        self._quarantined = 0

    def start(self) -> None:
        """Begin to ask chrony for the time."""
        self._time_source.start()

    def tick(self, now: float) -> None:
        """Put into the audit log each outbox that was quarantined since, and now and then what was lost or dropped."""
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
        """Account for losses as often as health is published."""
        self._account.seconds = tables.table(RecordSettings).health_seconds

    def stop(self) -> None:
        """Keep the time for the next start."""
        self._time_source.stop()
        self.timekeeper.save()

    def _audit_quarantined(self) -> None:
        quarantined = self.outbox.set_aside[self._quarantined :]
        self._quarantined += len(quarantined)
        for file in quarantined:
            details: dict[str, JsonValue] = {"records_kept": file.kept, "same_chain": file.same_chain}
            self.audit.say(
                "outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name, details=details
            )

    def _account_for_losses(self) -> None:
        """Say what damage has cost and what was given up for want of room; what cannot be stored now is told later."""
        try:
            while self.recorder.account_for_losses(clock=self.timekeeper.quality()) is not None:
                pass
            self.recorder.account_for_drops(clock=self.timekeeper.quality())
        except OutboxError as error:
            log.warning("the account of what is gone is taken again later: %s", error)
