"""A web page of the simulator's, served in a thread of its own while something else runs."""

import asyncio
import threading

import uvicorn
from starlette.types import ASGIApp

from simulator.brokers.daemon import free_port
from simulator.errors import ServingError

LOOPBACK = "127.0.0.1"
_START_SECONDS = 10.0
_STOP_SECONDS = 5.0


class PageServer:
    """Serves an application at `address`, on the loopback interface unless told otherwise."""

    def __init__(self, application: ASGIApp, *, host: str = LOOPBACK, port: int | None = None) -> None:
        self.host = host
        self.port = port if port is not None else free_port()
        settings = uvicorn.Config(
            application,
            host=host,
            port=self.port,
            lifespan="off",
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._serve, name="page server", daemon=True)
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that serves, once it runs."""

    @property
    def address(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def start(self) -> None:
        """Serve; returns when the page can be opened.

        Raises:
            ServingError: it cannot be served, most likely because the port is taken.

        """
        self._thread.start()
        waited = threading.Event()
        for _ in range(round(_START_SECONDS / 0.05)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.05)
        raise ServingError(f"the page cannot be served at {self.address}: is the port in use?")

    def close(self, *, last_word_seconds: float = 0.0) -> None:
        """Stop serving; streams that are open have so long to end by themselves. A second call does nothing."""
        if self._thread.is_alive():
            self._thread.join(timeout=last_word_seconds)
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=_STOP_SECONDS)

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except SystemExit:  # how uvicorn says that the port is taken
            return

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        await self._server.serve()
