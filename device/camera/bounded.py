"""Calls into a driver that may never return."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Bounded(Generic[Result]):
    """One call in a thread of its own, with a time limit.

    A call that hangs in the kernel can be ended by nobody; its caller must go on without it.
    """

    def __init__(self, call: Callable[[], Result], *, name: str) -> None:
        self._call = call
        self._result: list[Result] = []
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has not returned yet."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None) -> Result:
        """Return the result of the call, waiting forever if `seconds` is None.

        Raises:
            TimeoutError: it has not returned within `seconds`.
            Exception: what the call raised.

        """
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._call())
        except Exception as error:  # noqa: BLE001 - raised in the caller's thread
            self._error = error
