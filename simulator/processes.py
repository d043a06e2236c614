"""Child processes: the command `platepost` as one, how one ends, and the end of its log."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PROGRAM = "import sys; from device.cli import main; sys.exit(main())"
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


def log_tail(log: Path) -> str:
    """Return the last lines of a log; nothing if there is none."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
