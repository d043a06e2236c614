"""A child that works until it is killed in the middle of it."""

import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

Work = Callable[[Callable[[str], None]], None]
"""Does something once, and says a line by what it is given when that is done."""


def killed_child(work: Work, *, seconds: float) -> list[str]:
    """Let a child work, again and again, for `seconds` after the first thing it said; return all that it said."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _work_for_ever(work, writer)
    os.close(writer)
    said = os.read(reader, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(reader, 65536):
        said += part
    os.close(reader)
    return [line.strip() for line in said.decode().splitlines(keepends=True) if line.endswith("\n")]


def _work_for_ever(work: Work, pipe: int) -> NoReturn:
    try:
        while True:
            work(lambda text: os.write(pipe, f"{text}\n".encode()) and None)
    finally:
        os._exit(1)
