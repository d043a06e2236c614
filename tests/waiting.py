"""Waiting for a fact, such as what another thread or process has done: never for time."""

import time
from collections.abc import Callable
from typing import TypeVar

LIMIT_SECONDS = 90.0
"""Only turns a hang into a failure: a busy machine needs long, a quiet one never waits for it."""
_Fact = TypeVar("_Fact")


def until(
    fact: Callable[[], _Fact],
    what: str = "",
    *,
    seconds: float = LIMIT_SECONDS,
    report: Callable[[], object] = str,
) -> _Fact:
    """Wait until something is true; return it.

    Args:
        fact: asked again and again, in the thread of the caller.
        what: is waited for, in words.
        seconds: the limit.
        report: returns what explains a failure, such as a log.

    Raises:
        AssertionError: it has not become true in time.

    """
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what or 'a fact'}\n{report()}"
        time.sleep(0.01)
    return found
