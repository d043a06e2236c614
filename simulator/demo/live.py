"""The live page: what the subscriber receives, as it comes, in a browser on this machine.

Served on the loopback interface only, while the demonstration runs. A page that is opened late gets everything that
came before it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from provisioning.serving import PageServer
from simulator.brokers.daemon import free_port
from simulator.brokers.mosquitto import Broker
from simulator.demo.hot_list import BuiltList
from simulator.demo.report import environment
from simulator.demo.run import Observer
from simulator.demo.telling import Teller
from simulator.ground.site import Site
from simulator.ground.subscriber import Arrival

_LAST_WORD_SECONDS = 0.5
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class LivePage(Observer):
    """Shows a running demonstration in a browser, at `address`."""

    def __init__(self, *, port: int | None = None) -> None:
        self._changed = asyncio.Condition()
        self._events: list[dict[str, Any]] = []
        self._over = False
        self._teller = Teller()
        application = Starlette(routes=[Route("/", self._page), Route("/events", self._stream)])
        self._server = PageServer(application, host="127.0.0.1", port=free_port() if port is None else port)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self._server.base}/"

    def start(self) -> None:
        """Serve the page; returns when it can be opened.

        Raises:
            ProvisioningError: it cannot be served.

        """
        self._server.start()

    def close(self) -> None:
        """Let the pages that are open hear the last of it, then stop serving; a second call does nothing."""
        self._server.close(last_word_seconds=_LAST_WORD_SECONDS)

    def begins(self, site: Site[Broker], hot_list: BuiltList, *, frames: int) -> None:  # noqa: ARG002 - the observer's signature
        """Say how long the footage is."""
        self._tell({"kind": "staged", "frames": frames})

    def arrived(self, arrival: Arrival) -> None:
        """Show a record on every page that is open."""
        event = self._teller.tell(arrival)
        if event is not None and event["kind"] != "audit":
            self._tell(event)

    def ended(self) -> None:
        """Say on every page that the demonstration is over."""
        self._tell({"kind": "ended"}, over=True)

    def _tell(self, event: dict[str, Any], *, over: bool = False) -> None:
        loop = self._server.loop
        if loop is not None and not loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._add(event, over=over), loop)

    async def _add(self, event: dict[str, Any], *, over: bool) -> None:
        async with self._changed:
            self._events.append(event)
            self._over = self._over or over
            self._changed.notify_all()

    async def _page(self, _request: Request) -> HTMLResponse:
        return HTMLResponse(environment().get_template("live.html").render(), headers=_SECURITY)

    async def _stream(self, request: Request) -> EventSourceResponse:
        # A browser that lost the stream says which event it had last.
        last = request.headers.get("last-event-id", "")
        return EventSourceResponse(self._tail(int(last) + 1 if last.isdecimal() else 0), headers=_SECURITY)

    async def _tail(self, start: int) -> AsyncIterator[ServerSentEvent]:
        sent = start
        while True:
            async with self._changed:
                while sent >= len(self._events) and not self._over:
                    await self._changed.wait()
                fresh = self._events[sent:]
            for event in fresh:
                yield ServerSentEvent(json.dumps(event), id=str(sent))
                sent += 1
            if self._over and sent >= len(self._events):
                return
