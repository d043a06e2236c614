"""A test that hangs, or leaves a process behind, fails by name, and nothing of it runs afterwards."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.processes import command, descendants, environment, wait_for_command

ROOT = Path(__file__).parents[1]
MARK = "PLATEPOST_SUPERVISED"
BEFORE = '''
import subprocess, sys, threading, time
import pytest

CHILD = """import time
def waits_in_vain():
    print("has begun", flush=True)
    print("waits", flush=True)
    time.sleep(600)
waits_in_vain()
"""

def begin(**keywords):
    child = subprocess.Popen([sys.executable, "-u", "-c", CHILD], stdout=subprocess.PIPE, **keywords)
    return child
'''
IN_A_LOCK = """
@pytest.mark.timeout(1)
def test_hangs():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
"""
IN_A_CHILD = """
@pytest.fixture(scope="module")
def child():
    child = begin()
    assert child.stdout.readline()
    yield child

def test_begins(child):
    pass

@pytest.mark.timeout(1)
def test_hangs(child):
    child.wait()
"""
ORPHAN = """
def test_leaves():
    code = "import subprocess, sys; subprocess.Popen(['sleep', '599'], start_new_session=True)"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
LEFT = """
def test_leaves():
    child = begin()
    assert child.stdout.readline()
"""
OWNED = """
@pytest.fixture(scope="module")
def server():
    children = [begin()]
    yield children
    children[-1].kill()
    children[-1].wait()

def test_first(server):
    assert server[-1].poll() is None

def test_restarts(server):
    server[-1].kill()
    server[-1].wait()
    server.append(begin())

def test_last(server):
    assert server[-1].poll() is None
"""
AFTER = """
def test_after():
    pass
"""
WORKERS = pytest.mark.parametrize("workers", ["0", "1"], ids=["in this process", "workers"])


def pytest_of_ours(
    folder: Path, *options: str, timeout: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder with the project's configuration, and without plugins that they do not need."""
    plugins = ["xdist.plugin", "pytest_timeout", "tests.supervision", "tests.reporting", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={folder}"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PLATEPOST_TEST"))}
    return subprocess.run(
        [*command, *(f"-p{plugin}" for plugin in plugins), f"--basetemp={folder / 'temporary'}", *options, str(folder)],
        cwd=ROOT,
        env=own | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", MARK: str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def run(tmp_path: Path, test: str, workers: str) -> subprocess.CompletedProcess[str]:
    """Run a file of tests."""
    (tmp_path / "test_supervised.py").write_text(BEFORE + test + AFTER)
    return pytest_of_ours(tmp_path, "-n", workers)


def nothing_left(tmp_path: Path) -> bool:
    """Say whether none of the processes runs that a run has started."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        if not any(f"{MARK}={tmp_path}" in environment(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


@WORKERS
def test_a_lock_that_is_never_released(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, IN_A_LOCK, workers)
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert "test_supervised.py::test_hangs took longer than its limit of 1 s" in printed
    assert "--- thread MainThread" in printed
    assert "    lock.acquire()" in printed
    assert nothing_left(tmp_path)
    if workers != "0":
        assert "1 failed, 1 passed" in printed


def test_whole_posts_after_a_lock_that_is_never_released(tmp_path: Path) -> None:
    for name in ("before", "long_before", "then", "afterwards", "last"):
        (tmp_path / f"test_{name}.py").write_text(AFTER)
    (tmp_path / "test_supervised.py").write_text(BEFORE + IN_A_LOCK)
    done = pytest_of_ours(tmp_path, "-n2", "--dist=loadfile", "-ptests.dealing", timeout=60)
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr


def test_a_file_with_the_mark_of_whole_posts_from_elsewhere(tmp_path: Path) -> None:
    """No part of `make test` would run it: one leaves out tests with the mark, the other files that do not have it."""
    (tmp_path / "marks.py").write_text("import pytest\nMARKS = [pytest.mark.end_to_end]\n")
    (tmp_path / "test_marked.py").write_text(f"from marks import MARKS\npytestmark = MARKS\n{AFTER}")
    options = ("-ptests.dealing", "-n1", "-m", "not end_to_end")
    done = pytest_of_ours(tmp_path, *options, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1, done.stdout
    assert "`pytest.mark.end_to_end` must be written in the file itself" in done.stdout
    assert re.search("^ERROR .*test_marked.py", done.stdout, re.MULTILINE)


@WORKERS
def test_a_child_that_hangs(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, IN_A_CHILD, workers)
    printed = done.stdout + done.stderr
    assert done.returncode == 1, printed
    assert "test_supervised.py::test_hangs took longer than its limit of 1 s" in printed
    assert "    child.wait()" in printed
    assert "waits_in_vain (<string>:" in printed
    assert "    waits" in printed
    assert nothing_left(tmp_path)


def test_a_process_that_is_left(tmp_path: Path) -> None:
    done = run(tmp_path, LEFT, "0")
    assert done.returncode == 1, done.stdout
    assert "test_supervised.py::test_leaves left processes behind" in done.stdout
    assert "2 passed, 1 error" in done.stdout
    assert nothing_left(tmp_path)


def test_an_orphan_that_is_left(tmp_path: Path) -> None:
    done = run(tmp_path, ORPHAN, "1")
    assert done.returncode == 1, done.stdout
    assert "test_supervised.py::test_leaves left processes behind" in done.stdout
    assert "sleep 599" in done.stdout
    assert nothing_left(tmp_path)


def test_a_process_of_a_fixture_of_the_module(tmp_path: Path) -> None:
    done = run(tmp_path, OWNED, "0")
    assert done.returncode == 0, done.stdout
    assert nothing_left(tmp_path)


def test_a_process_that_has_just_begun_gets_its_command_line() -> None:
    for _ in range(50):  # without waiting, 4 of 10 have none
        child = subprocess.Popen(["sleep", "599"])
        (process,) = (each for each in descendants([os.getpid()]) if each.pid == child.pid)
        wait_for_command(process)
        line = command(child.pid)
        child.kill()
        child.wait()
        assert line == "sleep 599"


SKIPPED = """
import pytest, subprocess, sys

@pytest.mark.parametrize("number", range(3))
def test_skipped(number):
    pytest.skip("X is missing: make x")

def test_computes():
    code = "from time import process_time\\nwhile process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
MAKEFILE = """
quick:
\t@echo quick
wrong:
\t@exit 3
hung:
\t@{python} -c 'import time; print("has begun", flush=True); time.sleep(600)'
"""


def test_a_target_that_hangs(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "run-targets.py", "make", "2", "quick=60", "hung=2", "wrong=60"],
        cwd=tmp_path,
        env=os.environ | {MARK: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make hung took longer than 2 s" in done.stdout
    assert ": make hung" in done.stdout
    table = [line.split(maxsplit=3) for line in done.stdout.splitlines()[-3:]]
    assert [(row[0], row[3]) for row in table] == [
        ("quick", "passed"),
        ("hung", "over its limit of 2 s"),
        ("wrong", "failed (2)"),
    ]
    assert nothing_left(tmp_path)


def test_what_was_skipped_and_how_long_each_test_took(tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    done = pytest_of_ours(tmp_path)
    assert "skipped     3: X is missing: make x" in done.stdout.splitlines(), done.stdout
    reports = tmp_path / "reports"
    reports.mkdir()
    done = pytest_of_ours(tmp_path, "-n1", PLATEPOST_TEST_REPORTS=str(reports))
    (path,) = reports.iterdir()
    report = json.loads(path.read_text())
    assert report["skipped"] == {"X is missing: make x": 3}
    cpu = {name.rpartition("::")[2]: seconds for name, _, seconds in report["tests"]}
    assert cpu["test_computes"] >= 0.3
