"""The tables that a run of the suites ends with: checks by implementations, what ran, and why the rest did not."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

WORDS = {"passed": "yes", "failed": "FAILED", "skipped": "-"}


@dataclass
class Table:
    """What came of every check with every implementation."""

    title: str
    columns: tuple[str, ...]
    cells: dict[tuple[str, str], str] = field(default_factory=dict)
    reasons: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Implementation and reason -> the checks that were left out for it."""

    def take(self, item: pytest.Item, column: str, report: pytest.TestReport) -> None:
        """Take the outcome of one stage of a test."""
        name = getattr(item, "originalname", item.name)
        check = name.removeprefix("test_").replace("_s_", "'s ").replace("_", " ")
        place = check, column
        if report.when == "teardown" and report.passed:
            notes = [str(text) for key, text in item.user_properties if key == "note"]
            if notes and self.cells.get(place) == WORDS["passed"]:
                self.cells[place] = notes[0]
        elif self.cells.get(place) == WORDS["failed"]:
            return  # a check with several cases is as good as its worst
        elif report.when == "call" or not report.passed:
            self.cells[place] = WORDS[report.outcome]
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            left_out = self.reasons.setdefault((column, reason), [])
            if check not in left_out:
                left_out.append(check)

    def lines(self) -> Iterator[str]:
        """Write the table, and under it the reasons."""
        checks = list(dict.fromkeys(check for check, _ in self.cells))
        yield "| check | " + " | ".join(self.columns) + " |"
        yield "|---" * (1 + len(self.columns)) + "|"
        for check in checks:
            yield f"| {check} | " + " | ".join(self.cells.get((check, one), "-") for one in self.columns) + " |"
        for (column, reason), left_out in self.reasons.items():
            which = "all" if len(left_out) == len(checks) else ", ".join(left_out)
            yield f"skipped: {column}: {which}: {reason}"
