"""What a run reports besides what failed: what was skipped, and the seconds that each test took.

In the folder that PLATEPOST_TEST_REPORTS names, each run of pytest leaves a file for `scripts/run-targets.py`, which
shows the skipped tests of all runs at the end. Elsewhere they are shown at the end of the run itself.
"""

import json
import os
import resource
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from scripts.test_reports import REPORTS, skipped_lines
from tests.supervision import OfTests

CPU = "cpu_seconds"
BEGAN = pytest.StashKey[float]()
"""Of a run: the CPU seconds that were used when its present test began, which is when the one before had ended."""


def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Report(), "reporting")


def cpu_seconds(config: pytest.Config) -> float:
    """Return the CPU seconds of this process so far, and of all that ran below it when the latest test had ended."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    supervisor = config.pluginmanager.getplugin("supervision")
    below = supervisor.after_test.values() if isinstance(supervisor, OfTests) else ()
    return sum(used.ru_utime + used.ru_stime for used in own) + sum(below)


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[BEGAN] = cpu_seconds(session.config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    if call.when == "teardown":
        used = cpu_seconds(item.config)
        item.user_properties.append((CPU, round(used - item.config.stash[BEGAN], 3)))
        item.config.stash[BEGAN] = used
    return (yield)


class Report:
    """Collects what is reported of the tests of a run."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: dict[str, Any] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.wall[report.nodeid] += report.duration
        self.cpu[report.nodeid] = dict(report.user_properties).get(CPU, 0.0)
        if report.skipped and not hasattr(report, "wasxfail"):
            self._skip(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._skip(report)

    def _skip(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.skipped[reason.removeprefix("Skipped: ")] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if folder := os.environ.get(REPORTS):
            tests = [(name, round(seconds, 3), self.cpu[name]) for name, seconds in self.wall.items()]
            text = json.dumps({"skipped": self.skipped, "tests": tests})
            (Path(folder) / f"{os.getpid()}.json").write_text(text, encoding="utf-8")
            return
        for line in skipped_lines(self.skipped):
            terminalreporter.write_line(line)
