"""What a post says, in its signed audit trail, that it has given up."""

from typing import Any

from device.records import TYPES, Audit, SequenceRange
from simulator.faults.journal import Entry


class GivenUp:
    """Gathers the ranges of sequence numbers that audits of one post name."""

    def __init__(self) -> None:
        self._ranges: dict[str, list[SequenceRange]] = {}

    def note(self, event: dict[str, Any]) -> None:
        """Take note of one genuine record; all but audits of what was dropped say nothing."""
        if event.get("type") != TYPES[Audit]:
            return
        dropped = Audit.model_validate(event["data"]).dropped
        if dropped is not None:
            self._ranges.setdefault(str(event.get("chain")), []).extend(dropped.sequences)

    def __contains__(self, entry: Entry) -> bool:
        return any(gap.first <= entry.sequence <= gap.last for gap in self._ranges.get(entry.chain, ()))
