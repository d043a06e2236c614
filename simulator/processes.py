"""Child processes: the command `platepost` as one, how one ends, and the end of its log."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from multiprocessing import active_children, forkserver, get_context, resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread, Timer
from typing import Any, AnyStr, TypeVar

from platepost.common.signals import CHILDREN_SECONDS, KILLED_SECONDS, Stopped, check, current

_PROGRAM = "import sys; from platepost.device.cli import main; sys.exit(main())"
T = TypeVar("T")
_LOG_LINES = 12
_CHECK_SECONDS = 0.1


def platepost(*arguments: str) -> Sequence[str]:
    """Return the command line, by the interpreter that runs this, wherever the command itself is installed."""
    # -P: the present folder may have a `device.py` of its own.
    return [sys.executable, "-P", "-c", _PROGRAM, *arguments]


def run(command: Sequence[str], settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with its output and errors; `settings` are added to its environment.

    Raises:
        Stopped: we were asked to end; so was it, and it is killed if it does not end.

    """
    pipe = subprocess.PIPE
    environment = os.environ | (settings or {})
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, env=environment
    ) as process:
        output, errors = communicated(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def communicated(process: "subprocess.Popen[AnyStr]") -> tuple[AnyStr, AnyStr]:
    """Return the output and errors of a process, at its end.

    Raises:
        Stopped: we were asked to end; so was it, and it is killed if it does not end.

    """
    stop = current()
    killing = Timer(CHILDREN_SECONDS, process.kill)
    killing.daemon = True

    def end() -> None:
        process.terminate()
        killing.start()

    try:
        with stop.on_request(end):
            output, errors = process.communicate()
    finally:
        killing.cancel()
    check()
    return output, errors


def results(pool: ProcessPoolExecutor, waiting: Iterable[Future[T]]) -> Iterator[T]:
    """Yield what comes of each task of a pool as it ends.

    Raises:
        Stopped: we were asked to end; so were the processes of the pool.

    """
    left = set(waiting)
    try:
        while left:
            done, left = wait(left, timeout=_CHECK_SECONDS, return_when=FIRST_COMPLETED)
            check()
            yield from (future.result() for future in done)
    except Stopped:
        for process in active_children():
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise


@contextmanager
def shielded() -> Iterator[None]:
    """Have processes that are started meanwhile begin without Ctrl-C, which would break off their imports.

    It is blocked in them until they unblock it, and comes to us a moment later.
    """
    resource_tracker.ensure_running()  # which any other process needs, and whose start ends with unblocking Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def forking(*modules: str) -> ForkServerContext:
    """Return what forks processes from one that has loaded some modules; Ctrl-C does not reach it.

    Raises:
        Stopped: we were asked to end while it loaded them. On a busy machine that takes many seconds, and the start of
            the first process would wait for it whatever comes.

    """
    context = get_context("forkserver")
    context.set_forkserver_preload([*modules])
    with shielded():
        forkserver.ensure_running()
    first = context.Process(target=_do_nothing)
    stop = current()  # here: when the thread learns of the end, the command may be over

    def start() -> None:
        try:
            first.start()
        except EOFError:
            if not stop.requested:
                raise

    starting = Thread(target=start, name="first fork", daemon=True)
    starting.start()
    try:
        while starting.is_alive():
            starting.join(_CHECK_SECONDS)
            check()
    except Stopped:
        os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)  # type: ignore[attr-defined]  # noqa: SLF001
        raise
    first.join()
    first.close()
    return context


def _do_nothing() -> None:
    pass


def await_answer(pipe: "Pipe[Any, Any]", seconds: float) -> bool:
    """Wait until something can be received, at most so many seconds; return whether it can.

    Raises:
        Stopped: we were asked to end.

    """
    until = time.monotonic() + seconds
    while not pipe.poll(max(0.0, min(_CHECK_SECONDS, until - time.monotonic()))):
        check()
        if time.monotonic() >= until:
            return False
    return True


def end(process: subprocess.Popen[bytes], *, sent: signal.Signals = signal.SIGTERM, seconds: float) -> int:
    """Send a process a signal, wait for its end, and return its exit code; after some seconds it is killed."""
    process.send_signal(sent)
    try:
        return process.wait(current().limit(seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(KILLED_SECONDS)


def end_forked(process: BaseProcess, *, sent: signal.Signals, seconds: float) -> int | None:
    """Do the same with a process of `multiprocessing`; one that stands still goes on, so that it can end."""
    with suppress(ProcessLookupError):
        if process.pid is not None:
            os.kill(process.pid, sent)
            os.kill(process.pid, signal.SIGCONT)
    began = time.monotonic()
    while process.is_alive() and time.monotonic() < began + current().limit(seconds):
        process.join(_CHECK_SECONDS)
    if process.is_alive():
        process.kill()
        process.join(KILLED_SECONDS)
    code = process.exitcode
    process.close()
    return code


def log_tail(log: Path) -> str:
    """Return the last lines of a log; nothing if there is none."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
