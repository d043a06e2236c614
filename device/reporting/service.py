"""Reporting as a part of a post: records what vision made of each frame, and accounts for what it does not record."""

from collections.abc import Iterable

from platepost.device.audit.log import AuditLog
from platepost.device.part import Interval, Part, Tables
from platepost.device.reporting.reporter import Reporter
from platepost.device.vision.model_loader import ModelLoader, versions_of
from platepost.device.vision.pipeline import Ended, FrameResult
from platepost.wire.faults import Fault
from platepost.wire.records.settings import RecordSettings

SAFE_SECONDS = 3600.0
"""How often the department's own vehicles are accounted for: seldom, so that the account is no log of their rounds."""


class ReportingService(Part):
    """Reports the results of frames.

    Args:
        reporter: from passages to records.
        models: their versions are in every record.
        audit: where the department's own vehicles are accounted for.

    """

    def __init__(self, reporter: Reporter, models: ModelLoader, *, audit: AuditLog) -> None:
        self.reporter = reporter
        self._models = models
        self._audit = audit
        self._list = reporter.hotlist.current
        self._safe = Interval(SAFE_SECONDS)
        self._safe_reported = 0

    def report(self, result: FrameResult) -> None:
        """Record what a frame brought; withdrawals come first.

        Raises:
            OutboxError: a record cannot be stored.

        """
        for retraction in result.retractions:
            self.reporter.retract(retraction)
        for passage in result.early:
            self.reporter.early(passage)
        self.report_ended(result.ended)

    def report_ended(self, passages: Iterable[Ended]) -> None:
        """Record passages that are over, or whose vehicle has stood for too long.

        Raises:
            OutboxError: a record cannot be stored.

        """
        for ended in passages:
            self.reporter.ended(ended)

    def list_changed(self) -> bool:
        """Return, once for each hot list, whether another one is active than when this was last asked."""
        before, self._list = self._list, self.reporter.hotlist.current
        return self._list is not before

    def poll(self, now: float) -> None:
        """Account for the department's own vehicles once an hour, and for hits that are held when they begin."""
        if self._safe.due(now):
            self._account_for_safe()
        for surge in self.reporter.surge.take_begun():
            self._audit.record(
                "hits_held", object=surge.category, details={"plates": surge.plates, "usual": surge.usual}
            )

    def faults(self) -> tuple[Fault, ...]:
        """Return HITS_SURGING while hits are held."""
        return (Fault.HITS_SURGING,) if self.reporter.surge.present else ()

    def adjust(self, tables: Tables) -> None:
        """Put other pictures and other versions into records."""
        self.reporter.adjust(tables.table(RecordSettings), versions_of(tables.digest, self._models.recognizer))

    def stop(self) -> None:
        """Account for the department's own vehicles."""
        self._account_for_safe()

    def _account_for_safe(self) -> None:
        passages = self.reporter.safe - self._safe_reported
        if passages:
            self._safe_reported = self.reporter.safe
            self._audit.record("safelist_applied", details={"passages": passages})
