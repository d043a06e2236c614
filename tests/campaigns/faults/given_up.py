"""What a post says, in its signed audit trail, that is gone: given up by its quota, or lost to a damaged page."""

from typing import Any

from platepost.wire.records import TYPES, Audit, SequenceRange
from tests.campaigns.faults.storage_log import LoggedRecord


class GivenUp:
    """Gathers the ranges of sequence numbers that audits of one post name."""

    def __init__(self) -> None:
        self._dropped: dict[str, list[SequenceRange]] = {}
        self._lost: dict[str, list[SequenceRange]] = {}
        self.incomplete: set[str] = set()
        """Chains of which damage hides which records it cost."""

    def note(self, event: dict[str, Any]) -> None:
        """Take note of one genuine record; all but audits of what is gone say nothing."""
        if event.get("type") != TYPES[Audit]:
            return
        audit = Audit.model_validate(event["data"])
        if audit.dropped is not None:
            self._dropped.setdefault(str(event.get("chain")), []).extend(audit.dropped.sequences)
        if audit.lost is not None:
            self._lost.setdefault(audit.lost.chain, []).extend(audit.lost.sequences)
            if not audit.lost.complete:
                self.incomplete.add(audit.lost.chain)

    def dropped(self, record: LoggedRecord) -> bool:
        """Tell whether the quota cost this record."""
        return _within(record, self._dropped)

    def damaged(self, record: LoggedRecord) -> bool:
        """Tell whether damage to the disk cost this record."""
        return _within(record, self._lost) or record.chain in self.incomplete

    def __contains__(self, record: LoggedRecord) -> bool:
        return self.dropped(record) or self.damaged(record)


def _within(record: LoggedRecord, ranges: dict[str, list[SequenceRange]]) -> bool:
    return any(gap.first <= record.sequence <= gap.last for gap in ranges.get(record.chain, ()))
