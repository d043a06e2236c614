"""Limits of every test: how long it may take, and that no process which it started is left when it ends.

pytest-timeout says how long (`timeout` of pyproject.toml, or a mark). What happens then is ours: the stacks of all
threads are shown, and what each process below is doing; these are killed, and this process ends. Raising an error in
the test's thread instead would leave its locks locked and its fixtures half done for the tests that follow. Under
pytest-xdist the run goes on in another worker, and the report is that of the test, which failed.

After each test, whatever runs of what was started since fails it, and is killed. A process that a fixture of a module
or of the session started is that fixture's until it is torn down, and so is one with the same command line that takes
its place. Under pytest-xdist orphans are found too: the controller adopts them.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
import pytest_timeout  # type: ignore[import-untyped]

from scripts.processes import (
    Process,
    adopt_orphans,
    children,
    command,
    descendants,
    describe,
    environment,
    is_running,
    kill,
    wait_for_command,
)

GRACE_SECONDS = 2.0
"""How long a process that was told to end may take after the test."""
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "tests/department/commands/forked.py")
"""In their command lines: children that are started when first needed and end with this process.

What they start in turn counts as the test's.
"""


def pytest_configure(config: pytest.Config) -> None:
    supervisor: object
    if config.getoption("numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        supervisor = OfWorkers(config)
    else:
        supervisor = OfTests(config)
    config.pluginmanager.register(supervisor, "supervision")


def started_by(worker: str, controller: int) -> set[int]:
    """Return the orphans of a worker of pytest-xdist: the controller has adopted them."""
    return {pid for pid in children(controller) if f"PYTEST_XDIST_WORKER={worker}" in environment(pid)}


def is_helper(process: Process) -> bool:
    """Say whether a process is a helper of this one itself: what a helper forks has the same command line."""
    line = command(process.pid)
    return any(helper in line for helper in HELPERS) and process.pid in children(os.getpid())


def text_of(worker: str) -> str:
    """Return the name of the file, in the folder of a run, in which a worker says why it ends."""
    return f"expired-{worker}.txt"


class OfTests:
    """Holds the tests of this process to their limits."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker = os.environ.get("PYTEST_XDIST_WORKER")
        self._owned: dict[object, dict[Process, str]] = {}
        """What each fixture wider than a test has started, and the command line of each."""
        self._timer: threading.Timer | None = None
        self.after_test: dict[Process, float] = {}
        """What ran when the latest test had ended, with the CPU seconds of each."""

    def running(self) -> dict[Process, float]:
        """Return all that runs below this process, orphans too where they can be told, with their CPU seconds."""
        found = descendants([os.getpid()])
        if self._worker:
            controller = os.getppid()
            orphans = started_by(self._worker, controller)
            if orphans:
                found |= descendants(orphans)
                found |= {p: used for p, used in descendants([controller]).items() if p.pid in orphans}
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool:
        self._timer = threading.Timer(settings.timeout, self._expire, (item, settings.timeout))
        self._timer.name, self._timer.daemon = "limit of the test", True
        self._timer.start()
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool:
        if self._timer:
            self._timer.cancel()
            self._timer.join()  # once it has begun, it ends this process
            self._timer = None
        return True

    def _expire(self, item: pytest.Item, seconds: float) -> None:
        if pytest_timeout.is_debugging():
            return
        running = self.running()
        title = f"{item.nodeid} took longer than its limit of {seconds:g} s"
        text = "\n".join([title, *_stacks(), describe(running), *self._captured(item)])
        if self._worker:
            run = Path(self._config.option.basetemp).parent
            (run / text_of(self._worker)).write_text(text, encoding="utf-8")
        else:
            print(f"\n{text}\n{title}: the run ends here.", file=sys.__stderr__, flush=True)
        kill(running)
        os._exit(1)

    def _captured(self, item: pytest.Item) -> list[str]:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if capture is None:
            return []
        capture.suspend_global_capture(item)
        return [f"--- captured output\n{text}" for text in capture.read_global_capture() if text]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        before = self.running()
        try:
            return (yield)
        finally:
            new = {process for process in self.running().keys() - before.keys() if not is_helper(process)}
            for process in new:
                wait_for_command(process)
            if new:
                self._owned.setdefault(fixturedef, {}).update({process: command(process.pid) for process in new})

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        self._owned.pop(fixturedef, None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            left = self._left()
            if left:
                text = describe(left)
                kill(left)
                pytest.fail(f"{item.nodeid} left processes behind:\n{text}", pytrace=False)

    def _left(self) -> set[Process]:
        """Return what runs and belongs to no fixture, once it had time to end."""
        end = time.monotonic() + GRACE_SECONDS
        while True:
            self.after_test = self.running()
            running = self.after_test.keys()
            if not running:
                return set()
            owned = [processes for processes in self._owned.values() if processes]
            commands = {line for processes in owned for line in processes.values()}
            left = set(running)
            for process in running:
                line = command(process.pid)
                if is_helper(process):
                    left.discard(process)
                elif any(process in processes for processes in owned) or line in commands:
                    left -= {process, *descendants([process.pid])}
            if not left or time.monotonic() > end:
                return {process for process in left if is_running(process)}
            time.sleep(0.05)


class OfWorkers:
    """Clears up after the workers of pytest-xdist, and says why one of them ended."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reaping = threading.Thread(target=self._reap, name="reaping orphans", daemon=True)
        adopt_orphans()

    def pytest_testnodeready(self) -> None:
        if not self._reaping.is_alive():
            self._reaping.start()

    def _reap(self) -> None:
        """Reap the orphans that end, and workers too: pytest-xdist does not ask how they ended."""
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                time.sleep(0.1)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        orphans = started_by(node.gateway.id, os.getpid())
        kill(process for process in descendants([os.getpid()]) if process.pid in orphans)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, report: pytest.TestReport) -> None:
        run: Path = self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        path = run / text_of(report.node.gateway.id)
        if path.exists():
            report.longrepr = path.read_text(encoding="utf-8")


def _stacks() -> Iterable[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, frame in sys._current_frames().items():
        if number != threading.get_ident():
            yield f"--- thread {names.get(number, number)}"
            yield "".join(traceback.format_stack(frame)).rstrip()
