"""Commands of a person that end in order when told to, or when their terminal is lost: what they opened is closed."""

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

BROKEN_OFF = 128 + signal.SIGINT
"""Exit code of what Ctrl-C has broken off, as shells expect it."""
LOST_OR_STOPPED = (signal.SIGTERM, signal.SIGHUP)
"""What a stop sends, and the loss of a terminal (ssh, say)."""


def heeded(numbers: Collection[signal.Signals]) -> list[signal.Signals]:
    """Return those of `numbers` that are not ignored, as SIGHUP is under nohup."""
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def instead(numbers: Collection[signal.Signals], act: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Have `act` called for these signals, with the one that came, instead of what they do; main thread only."""

    def handle(number: int, _frame: FrameType | None) -> None:
        act(signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C, a lost terminal or a stop wait for the block's end, so that a process that it starts has an owner.

    In other threads than the main one, where no signal is handled, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[signal.Signals] = []
    numbers = heeded((signal.SIGINT, *LOST_OR_STOPPED))
    with instead([number for number in numbers if callable(signal.getsignal(number))], came.append):
        yield
    for number in dict.fromkeys(came):
        signal.raise_signal(number)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Have a lost terminal (ssh, say) or a stop break a command off as Ctrl-C does.

    By default they end the process at once: pins stay as they are, the illuminator lit; posts keep a change that nobody
    watches. Main thread only.

    Raises:
        KeyboardInterrupt: it happened.

    """
    numbers = heeded(LOST_OR_STOPPED)

    def end(_number: signal.Signals) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # once is enough: what is being closed is not broken off
        raise KeyboardInterrupt

    with instead(numbers, end):
        yield
