"""An asyncio event loop in its own thread."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from platepost.common.signals import current

T = TypeVar("T")

_CLOSE_SECONDS = 10.0


class EventLoopThread:
    """An asyncio event loop in its own thread, for use from other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30.0)

    def close(self) -> None:
        """Cancel all tasks and stop the loop."""
        if not self._thread.is_alive():
            return
        seconds = current().limit(_CLOSE_SECONDS)
        cancelled = asyncio.run_coroutine_threadsafe(self._cancel(), self._loop)
        with contextlib.suppress(TimeoutError):
            cancelled.result(seconds)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)
        if not self._thread.is_alive():  # otherwise it ends with the process
            self._loop.close()

    @staticmethod
    async def _cancel() -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
