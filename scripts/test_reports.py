"""What the runs of pytest leave for the end of `make test`: what was skipped, and the seconds of each test.

`tests/reporting.py` writes it, one file for each run of pytest.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

REPORTS = "PLATEPOST_TEST_REPORTS"
"""The environment variable that names the folder."""


def skipped_lines(skipped: Mapping[str, int]) -> list[str]:
    """Return a line for each reason why tests were skipped, and what would run them, the most frequent first."""
    rows = sorted(skipped.items(), key=lambda row: (-row[1], row[0]))
    return [f"skipped {count:5}: {reason}" for reason, count in rows]


def summarize(folder: Path, durations: Path) -> list[str]:
    """Write the seconds of each test into a file, the longest first; return the lines of what was skipped."""
    skipped: Counter[str] = Counter()
    tests: list[tuple[str, float, float]] = []
    for path in folder.glob("*.json"):
        report = json.loads(path.read_text(encoding="utf-8"))
        skipped.update(report["skipped"])
        tests += report["tests"]
    rows = [f"{wall:9.2f} {cpu:9.2f}  {name}\n" for name, wall, cpu in sorted(tests, key=lambda test: -test[1])]
    durations.write_text(
        "     wall       CPU  seconds of each test, its fixtures and processes included\n" + "".join(rows)
    )
    return skipped_lines(skipped)
