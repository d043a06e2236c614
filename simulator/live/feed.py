"""What the page is told, as it happens: a stream that one can join late, and at a bounded cost."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

KEPT = 120
"""Happenings that a page which is opened late still gets; a hit with its pictures is some 40 KB."""


class Feed:
    """Happenings, of which the last are kept, and states, of which only the newest counts.

    `happen` and `state` may be called from any thread once `bind` was called in the loop that serves the pages.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Condition()
        self._number = 0
        self._happenings: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT)
        self._states: dict[str, tuple[int, dict[str, Any]]] = {}
        self._over = False
        self._run = secrets.token_hex(4)
        """Tells this feed from that of a server that was here before, whose numbers a browser may come with."""

    def mark(self, number: int) -> str:
        """Return what a browser is to come back with that had everything up to a number."""
        return f"{self._run}-{number}"

    def number(self, mark: str) -> int:
        """Return the number of a mark, 0 for one that this feed has not given: its bearer has heard nothing of it."""
        run, _, number = mark.partition("-")
        return int(number) if run == self._run and number.isdecimal() and len(number) < 19 else 0

    def bind(self) -> None:
        """Use the running event loop, which serves the pages."""
        self._loop = asyncio.get_running_loop()

    def happen(self, event: dict[str, Any]) -> None:
        """Tell what happened."""
        self._call(self._add(event, None))

    def state(self, key: str, event: dict[str, Any]) -> None:
        """Tell how something is now; what was told before under the same key no longer counts."""
        self._call(self._add(event, key))

    def end(self) -> None:
        """Let every stream end."""
        self._call(self._end())

    async def tail(self, after: int) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """Yield all that is kept and was told after number `after`, then all that is told, each with its number."""
        while True:
            async with self._changed:
                while self._number <= after and not self._over:
                    await self._changed.wait()
                if self._over:
                    return
                current = [*self._happenings, *self._states.values()]
                fresh = sorted((item for item in current if item[0] > after), key=lambda item: item[0])
                after = self._number
            for item in fresh:
                yield item

    def _call(self, work: Any) -> None:
        if self._loop is None or self._loop.is_closed():
            work.close()
            return
        asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _add(self, event: dict[str, Any], key: str | None) -> None:
        async with self._changed:
            self._number += 1
            if key is None:
                self._happenings.append((self._number, event))
            else:
                self._states[key] = (self._number, event)
            self._changed.notify_all()

    async def _end(self) -> None:
        async with self._changed:
            self._over = True
            self._changed.notify_all()
