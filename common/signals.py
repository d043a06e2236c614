"""Ending a command in order: a signal wakes it, and raises nothing.

An exception from a signal handler may come between any two steps of the main thread, and so leave a lock locked for
ever. Here the handlers do nothing. The interpreter's C-level handler writes each signal's number to a socket
(`signal.set_wakeup_fd`); a watcher thread reads it, and marks the `Stop` of the command as requested. What waits in the
command notices that: it waits with `Stop.wait` or `Stop.sleep`, looks at `Stop.requested`, or is woken by a callback.
The exception `Stopped` is raised by `Stop.check` and `Stop.sleep` alone, where the command calls them.

Ctrl-C while modules are loaded ends the process at once (`ends_at_once`): there is nothing to end in order yet, and
extension modules turn a KeyboardInterrupt in their import into other errors, or lose it.
"""

import faulthandler
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a command that Ctrl-C has ended, as shells expect it."""
ABORTED = b"Aborted!\n"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; a stop by a service manager, CI or timeout(1); and the loss of a terminal (ssh, say)."""
ORDERLY_SECONDS = 8.0
"""After a request, the longest that a command may take to end in order; unless `Stop.allow` gives it more."""
CHILDREN_SECONDS = 3.5
"""After a request, for all that the command started to end in order, before what is left is killed."""
_LEAST_SECONDS = 0.2
_NOTED_SECONDS = 1.0
"""Until the watcher has read a signal that the main thread knows of already: it follows at once."""
_SAME_SECONDS = 0.25
"""timeout(1) and some terminals send a signal to the process and to its group: that is one request."""
KILLED_SECONDS = 1.0
"""Until a process that was killed is gone; one that waits for a broken disk may outlive it."""
_CLOSED = b"\0"


class Stopped(KeyboardInterrupt):
    """The command was asked to end. Raised where the command checks, in its main thread, once.

    A KeyboardInterrupt, and so no Exception: `except Exception` around a step of the work does not swallow it, and what
    ends in order at a Ctrl-C that came before the handlers were there ends in the same way now.
    """


class Stop:
    """Whether a command was asked to end. For any thread, if not stated otherwise."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        """Which signal asked; None before, and where something else asked."""
        self.allowed_seconds = ORDERLY_SECONDS
        self._requested = threading.Event()
        self._requested_at: float | None = None
        self._acknowledged = False
        self._noted = False
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    @property
    def requested(self) -> bool:
        """Whether the command was asked to end."""
        return self._requested.is_set()

    def request(self, number: signal.Signals | None = None) -> None:
        """Ask the command to end, and call what waits for that; not from a signal handler."""
        with self._lock:
            if self._requested.is_set():
                return
            self.signal, self._requested_at = number, time.monotonic()
            self._requested.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the command is asked to end, for so many seconds at most; tell whether it was."""
        return self._requested.wait(seconds)

    @property
    def pending(self) -> bool:
        """Whether the command was asked to end, and has not begun to: `check` would raise. False in other threads."""
        is_main = threading.current_thread() is threading.main_thread()
        return is_main and (self._noted or self._requested.is_set()) and not self._acknowledged

    def check(self) -> None:
        """Do nothing until the command is asked to end.

        Raises:
            Stopped: it was. Once: what closes things then is not interrupted. In the main thread only.

        """
        if self.pending:
            self._requested.wait(_NOTED_SECONDS)
            self._acknowledged = True
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds, in the main thread no longer than until the command is asked to end.

        Raises:
            Stopped: as `check`.

        """
        self.check()
        if self._acknowledged or threading.current_thread() is not threading.main_thread():
            time.sleep(seconds)
        else:
            self._requested.wait(seconds)
            self.check()

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """Note that a signal came: the Python handler, without which the C-level one writes nothing to the socket."""
        self._noted = True

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Have a signal raise `Stopped` while this is open: for a question to a person alone, which nothing else ends.

        Raises:
            Stopped: the command was asked to end. In the main thread only.

        """
        handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        numbers = [number for number, handler in handlers.items() if handler == self.note]
        if threading.current_thread() is not threading.main_thread() or not numbers:
            yield
            return

        def stopped(_number: int, _frame: FrameType | None) -> None:
            self._acknowledged = True
            raise Stopped

        try:
            for number in numbers:
                signal.signal(number, stopped)
            self.check()
            yield
        finally:
            for number in numbers:
                signal.signal(number, self.note)

    def acknowledge(self) -> None:
        """Declare that the command is ending: from now on `check` and `sleep` raise nothing."""
        self._acknowledged = True

    def allow(self, seconds: float) -> None:
        """Allow the command so many seconds, counted from the request, to end in order."""
        self.allowed_seconds = max(self.allowed_seconds, seconds)

    def limit(self, seconds: float, *, after_request: float = CHILDREN_SECONDS) -> float:
        """Return how long to wait for a process or thread to end: less once the command was asked to end.

        Args:
            seconds: how long where the command was not asked.
            after_request: the seconds after the request at which the wait is over, if it was.

        """
        if self._requested_at is None:
            return seconds
        left = self._requested_at + after_request - time.monotonic()
        return min(seconds, max(_LEAST_SECONDS, left))

    @contextmanager
    def on_request(self, callback: Callable[[], object]) -> Iterator[None]:
        """Have a callback called, in another thread, when the command is asked to end while this is open.

        It is called at once if the command was asked before and has not begun to end. It may still run for a moment
        after this was left.
        """
        with self._lock:
            at_once = self._requested.is_set() and not self._acknowledged
            self._callbacks.append(callback)
        try:
            if at_once:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)


_NEVER = Stop()
_current: Stop | None = None
_forget: Callable[[], None] | None = None


def current() -> Stop:
    """Return the stop of the command that runs in this process; one that nothing requests where there is none."""
    return _current or _NEVER


def check() -> None:
    """Do nothing until the command that runs in this process is asked to end. Raises Stopped: see `Stop.check`."""
    current().check()


def sleep(seconds: float) -> None:
    """Wait, no longer than until the command that runs in this process is asked to end. Raises Stopped."""
    current().sleep(seconds)


def wait_for(changed: threading.Condition, predicate: Callable[[], bool], seconds: float) -> bool:
    """Wait until a predicate holds, as `Condition.wait_for`, and return whether it does; takes the condition's lock.

    Raises:
        Stopped: the command was asked to end. The lock is released then.

    """
    stop = current()

    def wake() -> None:
        with changed:
            changed.notify_all()

    with stop.on_request(wake), changed:
        holds = changed.wait_for(lambda: predicate() or stop.pending, seconds)
    stop.check()
    return holds


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Have the signals that end a command request its stop while this is open. Main thread only; elsewhere nothing.

    A signal that is ignored, as SIGHUP under nohup, stays so. A second Ctrl-C ends the process and its children at
    once. If the command does not end in order within `Stop.allowed_seconds`, the stacks of its threads are written to
    standard error, and the process and its children are ended. Within another `stop_on_signals` it gives that one's
    stop.
    """
    global _current, _forget
    if threading.current_thread() is not threading.main_thread():
        yield Stop()
        return
    if _current is not None:
        yield _current
        return
    stop = Stop()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    numbers = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in numbers}
    former = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def restore() -> None:
        signal.set_wakeup_fd(former)
        for number, handler in before.items():
            signal.signal(number, handler)

    def forget() -> None:  # in a child that was forked, which answers for itself
        restore()
        reader.close()
        writer.close()

    watcher = threading.Thread(target=_watch, args=(reader, stop, frozenset(numbers)), name="signals", daemon=True)
    watcher.start()
    _current, _forget = stop, forget
    try:
        for number in numbers:
            signal.signal(number, stop.note)
        yield stop
    finally:
        _current, _forget = None, None
        restore()
        writer.send(_CLOSED)
        watcher.join(1.0)
        reader.close()
        writer.close()


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Have Ctrl-C end the process at once while this is open, with no exception; nothing where it is handled already.

    For the import of modules: an exception within one may become an ImportError, or be reported and ignored.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, _aborted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ends_as_by_ctrl_c() -> Iterator[None]:
    """Have a stop, and the loss of the terminal, end a command as Ctrl-C does while this is open: KeyboardInterrupt.

    For a short command that has something to undo: by default these signals end its process on the spot. Nothing
    where they are handled or ignored already, and outside the main thread.
    """
    numbers = []
    if threading.current_thread() is threading.main_thread():
        numbers = [number for number in STOP_SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _aborted(_number: int, _frame: FrameType | None) -> None:
    os.write(2, ABORTED)
    os._exit(INTERRUPTED)


def _watch(reader: socket.socket, stop: Stop, numbers: frozenset[signal.Signals]) -> None:
    began: float | None = None
    while True:
        left = None if began is None else max(0.0, began + stop.allowed_seconds - time.monotonic())
        if not select.select([reader], [], [], left)[0]:
            if began is not None and time.monotonic() >= began + stop.allowed_seconds:
                _give_up(stop.allowed_seconds)
            continue
        for byte in reader.recv(64) or _CLOSED:
            if byte == 0:
                return
            number = signal.Signals(byte)
            if number not in numbers:
                continue
            if began is None:
                began = time.monotonic()
                # In a thread of its own: a callback that waits must not hold up the second Ctrl-C.
                threading.Thread(target=stop.request, args=(number,), name="stop", daemon=True).start()
            elif number is signal.SIGINT and time.monotonic() > began + _SAME_SECONDS:
                _end_at_once(ABORTED, INTERRUPTED)


def _give_up(seconds: float) -> None:
    with suppress(OSError, ValueError):
        os.write(2, f"platepost did not end within {seconds:g} s after it was asked to. Its threads:\n".encode())
        faulthandler.dump_traceback(2, all_threads=True)
    _end_at_once(b"", 1)


def _end_at_once(words: bytes, code: int) -> None:
    until = time.monotonic() + KILLED_SECONDS
    sys.addaudithook(_start_nothing)
    while (running := [*filter(_is_running, _descendants(os.getpid()))]) and time.monotonic() < until:
        for process in running:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)
    with suppress(OSError):
        os.write(2, words)
    os._exit(code)


def _start_nothing(event: str, _arguments: object) -> None:
    """End a thread that would start another process, such as a broker in the place of one that was killed."""
    if event in {"subprocess.Popen", "os.fork"}:
        raise SystemExit


def _descendants(ancestor: int) -> list[int]:
    """Return the processes that a process started, and those that they did; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):  # it has ended
            parent = int(stat.read_text("utf-8", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    descendants, to_do = [], [ancestor]
    while to_do:
        below = children.get(to_do.pop(), [])
        descendants += below
        to_do += below
    return descendants


def _is_running(process: int) -> bool:
    with suppress(OSError):
        return (
            Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[0] not in "ZX"
        )
    return False


def _after_fork() -> None:
    global _current, _forget, _NEVER
    forget, _forget, _current, _NEVER = _forget, None, None, Stop()
    if forget is not None:
        forget()


os.register_at_fork(after_in_child=_after_fork)
