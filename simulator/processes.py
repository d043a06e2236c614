"""Child processes: the command `platepost` as one, how one ends, and the end of its log."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

_PROGRAM = "import sys; from platepost.device.cli import main; sys.exit(main())"
_LOG_LINES = 12


def platepost(*arguments: str) -> Sequence[str]:
    """Return the command line, by the interpreter that runs this, wherever the command itself is installed."""
    # -P: the present folder may have a `device.py` of its own.
    return [sys.executable, "-P", "-c", _PROGRAM, *arguments]


def end(process: subprocess.Popen[bytes], *, sent: signal.Signals = signal.SIGTERM, seconds: float) -> int:
    """Send a process a signal, wait for its end, and return its exit code; after some seconds it is killed."""
    process.send_signal(sent)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def end_forked(process: BaseProcess, *, sent: signal.Signals, seconds: float) -> int | None:
    """Do the same with a process of `multiprocessing`; one that stands still goes on, so that it can end."""
    with suppress(ProcessLookupError):
        if process.pid is not None:
            os.kill(process.pid, sent)
            os.kill(process.pid, signal.SIGCONT)
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    code = process.exitcode
    process.close()
    return code


def log_tail(log: Path) -> str:
    """Return the last lines of a log; nothing if there is none."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
