"""The processes that a process has started: which there are, what each is doing, and how to end all of them.

For the tests (`tests/supervision.py`) and `scripts/run-targets.py`: Linux and the standard library alone. Stacks of
Python processes come from py-spy, if it lies beside this interpreter.
"""

import ctypes
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_SET_CHILD_SUBREAPER = 36
_LINES = 20
"""Of a process's output, the last that are shown."""
_CHARACTERS = 240
"""Of a command line, the first that are shown."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """A process; the time of its start tells it from a later one with the same number."""

    pid: int
    started: int
    """Clock ticks since boot."""


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. The caller must then reap children."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> set[int]:
    """Return the numbers of a process's children."""
    found: set[int] = set()
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - twice for each test
            with suppress(OSError):
                found.update(map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split()))
    return found


def descendants(roots: Iterable[int]) -> dict[Process, float]:
    """Return all that run below some processes, with the CPU seconds of each and of the children that it has reaped.

    The processes named are not among them, nor is what has ended and was not reaped yet.
    """
    found: dict[Process, float] = {}
    waiting = [child for root in roots for child in children(root)]
    while waiting:
        pid = waiting.pop()
        fields = _stat(pid)
        if fields is None or fields[0] in "ZX":
            continue
        process = Process(pid, int(fields[19]))
        if process not in found:
            found[process] = sum(map(int, fields[11:15])) / _TICKS
            waiting += children(pid)
    return found


def is_running(process: Process) -> bool:
    """Say whether a process has not ended."""
    fields = _stat(process.pid)
    return fields is not None and fields[0] not in "ZX" and int(fields[19]) == process.started


def kill(processes: Iterable[Process], *, seconds: float = 5.0) -> None:
    """Kill processes and what runs below them, and wait until they have ended."""
    targets = set(processes)
    end = time.monotonic() + seconds
    while targets and time.monotonic() < end:
        targets |= descendants(process.pid for process in targets).keys()
        targets = {process for process in targets if is_running(process)}
        for process in targets:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.02)


def environment(pid: int) -> list[str]:
    """Return the environment that a process was started with, as `NAME=VALUE`; nothing if it may not be read."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return []


def command(pid: int) -> str:
    """Return the command line of a process; its name while it has none: see `wait_for_command`."""
    with suppress(OSError):
        return _command_line(pid) or Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    return "(ended)"


def wait_for_command(process: Process, *, seconds: float = 5.0) -> None:
    """Wait until a process has its command line, or has ended: for a moment after execve(2) the line is empty."""
    end = time.monotonic() + seconds
    with suppress(OSError):
        while is_running(process) and not _command_line(process.pid) and time.monotonic() < end:
            time.sleep(0.001)


def _command_line(pid: int) -> str:
    line = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
    return line.decode(errors="replace")


def describe(processes: Iterable[Process], *, seconds: float = 60.0) -> str:
    """Say what each process is doing: its state, its command line, its stack if it is Python, and its last output.

    Output that waits in a pipe to this process is taken from it: only for processes that are killed afterwards.
    """
    end = time.monotonic() + seconds
    return "\n".join(_description(process.pid, end) for process in sorted(processes))


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name: the third of proc(5) first."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return None


def _description(pid: int, end: float) -> str:
    fields = _stat(pid)
    if fields is None:
        return f"--- process {pid} has ended"
    waits = "?"
    with suppress(OSError):
        waits = Path(f"/proc/{pid}/wchan").read_text("ascii") or "?"
    line = command(pid)[:_CHARACTERS]
    lines = [f"--- process {pid}, child of {fields[1]}, state {fields[0]}, in the kernel at {waits}: {line}"]
    lines += _python_stack(pid, end)
    for number in (1, 2):
        lines += _output(pid, number)
    return "\n".join(lines)


def _python_stack(pid: int, end: float) -> list[str]:
    py_spy = Path(sys.executable).with_name("py-spy")
    try:
        if not Path(f"/proc/{pid}/exe").readlink().name.startswith("python") or not py_spy.exists():
            return []
        done = subprocess.run(
            [py_spy, "dump", "--pid", str(pid)],
            capture_output=True,
            text=True,
            timeout=max(0.1, min(10.0, end - time.monotonic())),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"no stack: {error}"]
    return (done.stdout or f"no stack: {done.stderr}").splitlines()


def _output(pid: int, number: int) -> list[str]:
    """Return the last lines that a process wrote into a file, or into a pipe that this process reads."""
    path = Path(f"/proc/{pid}/fd/{number}")
    with suppress(OSError):
        target, mode = path.readlink(), path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 10_000))
                text = file.read()
        elif stat.S_ISFIFO(mode) and (own := _read_end(target)):
            descriptor = os.open(own, os.O_RDONLY | os.O_NONBLOCK)
            try:
                text = os.read(descriptor, 1 << 20)
            finally:
                os.close(descriptor)
        else:
            return []
        lines = text.decode(errors="replace").splitlines()[-_LINES:]
        return [f"its output {number}, {target}, ends:", *(f"    {line}" for line in lines)] if lines else []
    return []


def _read_end(pipe: Path) -> Path | None:
    """Return the descriptor of this process that reads a pipe."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if descriptor.readlink() == pipe and fcntl.fcntl(int(descriptor.name), fcntl.F_GETFL) & os.O_ACCMODE == 0:
                return descriptor
    return None
