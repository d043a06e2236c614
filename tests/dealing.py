"""How tests are collected, and how whole posts are dealt to workers (`-m end_to_end --dist loadfile`).

What waits longest goes first. A worker takes a file at a time, for its tests share fixtures, and one folder whose files
share a department; files whose tests share none are dealt test by test, and scenarios one by one. Scenarios wait for
little and compute all the time: they go last, when they keep nothing else from being in time, and are short enough to
end together.
"""

import fcntl
import gc
import os
from collections.abc import Generator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

MARK = "end_to_end"
"""Of tests of whole posts and of pages in a browser."""
SCENARIOS = "tests/end_to_end/test_scenarios.py"
"""Dealt after all others, by what stands in the brackets: the tests of one scenario share one playing of it."""
APART = (
    "tests/end_to_end/test_stopped_commands.py",
    "tests/end_to_end/test_rotate_signing_keys.py",
    "tests/end_to_end/test_rollout.py",
    "tests/end_to_end/test_custody_campaign.py",
)
TOGETHER = "tests/department/alerts/pages/"
"""A folder of files that share a fixture of the session."""
LONGEST = (
    "tests/end_to_end/test_technicians_day.py",
    "tests/end_to_end/test_demo_run.py",
    "tests/conformance/test_lockout.py",
    "tests/examples/test_consoles.py",
    "tests/end_to_end/test_aim.py",
    "tests/end_to_end/test_live_page.py",
    "tests/end_to_end/test_practice.py",
    "tests/end_to_end/test_accept.py",
    "tests/end_to_end/test_signing_keys.py",
    "tests/provisioning/enrollment/test_running_post.py",
    "tests/campaigns/fleet/test_fleet.py",
    "tests/end_to_end/test_faults.py",
    *APART,
)
"""A worker that comes to one of these last keeps all others waiting."""


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file that has no whole post: most have none, and every worker would import all.

    A file that has one spells the mark out: see `pytest_pycollect_makeitem`.
    """
    if config.getoption("markexpr") != MARK or not collection_path.name.startswith("test_"):
        return None
    return True if MARK not in collection_path.read_text(encoding="utf-8") else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among what is collected and imported here: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True, specname="pytest_collection")
def pytest_collection_compiled(session: pytest.Session) -> Generator[None, object, object]:
    """Have one worker compile the tests, and the others, which then collect all at once, find them compiled."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    run = Path(session.config.option.basetemp).parent
    with (run / "collecting").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "collected").exists():
            try:
                return (yield)
            finally:
                (run / "collected").touch()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> None:
    """Refuse a file that has the mark from elsewhere: no part of `make test` would run its tests."""
    own = obj.__dict__.get("pytestmark", ()) if isinstance(obj, FunctionType | type) else ()
    marks = [*collector.iter_markers(), *own]
    if any(mark.name == MARK for mark in marks) and MARK not in collector.path.read_text(encoding="utf-8"):
        raise collector.CollectError(f"`pytest.mark.{MARK}` must be written in the file itself, not taken from another")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    place[SCENARIOS] = len(LONGEST) + 1
    items.sort(key=lambda item: place.get(file_of(item.nodeid), len(LONGEST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - on emulated ARM there is none

    class Dealing(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = file_of(nodeid)
            if file == SCENARIOS:
                return nodeid.partition("[")[2]
            if file.startswith(TOGETHER):
                return TOGETHER
            return nodeid if file in APART else file

        def remove_node(self, node: Any) -> str | None:
            """Deal again what a worker had left when it ended, and return the test that ended it.

            xdist deals that test again too, which would end each worker in turn, and what was finished, for which no
            worker that gets it would ever ask for more.
            """
            dealt = self.assigned_work.pop(node)
            left = [(file, test) for file, tests in dealt.items() for test, done in tests.items() if not done]
            if not left:
                return None
            (_, ended_by), *rest = left
            for file, test in rest:
                self.workqueue.setdefault(file, {})[test] = False
            for other in self.nodes:
                self._reschedule(other)
            return ended_by

    return Dealing(config, log)
