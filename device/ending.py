"""Commands of a person at the unit that end in order when the terminal is lost: what they opened is closed."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Have a lost terminal (ssh, say) or a stop break a command off as Ctrl-C does.

    By default they end the process at once: pins stay as they are, the illuminator lit. Main thread only.

    Raises:
        KeyboardInterrupt: it happened.

    """

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)  # once is enough: what is being closed is not broken off
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # not under nohup
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
