"""A web page, served in a thread of its own while something else runs."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from platepost.common.signals import Stop
from platepost.provisioning.errors import ProvisioningError

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_SMALL_STOP_SECONDS = 3


def check_free(host: str, port: int) -> None:
    """Make sure that a page can be served there, before much is made that it will show.

    Raises:
        ProvisioningError: another program has the port, or the address is none of this machine.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise _not_served(_base(host, port)) from error


def _base(host: str, port: int, *, scheme: str = "http") -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _not_served(base: str) -> ProvisioningError:
    return ProvisioningError(f"cannot listen on {base}: is that an address of this machine, and free?")


def _is_not_cut_off(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class StoppableServer(uvicorn.Server):
    """A server in the main thread that `platepost`'s own stop ends, in place of uvicorn's handlers of signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        # Requests that the end cuts off are counted in one line of its log; a traceback of each is no fault's.
        logging.getLogger("uvicorn.error").addFilter(_is_not_cut_off)

    def run_until(self, stop: Stop, *, at_end: Callable[[], object] = lambda: None) -> None:
        """Serve until the command is asked to end; `at_end` is called then, to end what never ends by itself."""

        def end() -> None:
            self.should_exit = True
            at_end()

        with stop.on_request(end):
            self.run()
        stop.acknowledge()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the command."""
        yield


def serve_small_site(
    site: Callable[..., Awaitable[None]], *, host: str, port: int, stop: Stop, limit_concurrency: int | None = None
) -> None:
    """Serve an ASGI application that needs no start of its own, until the command is asked to end."""
    config = uvicorn.Config(
        site,
        host=host,
        port=port,
        log_config=None,  # the log is the command's
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=limit_concurrency,
        timeout_graceful_shutdown=_SMALL_STOP_SECONDS,
    )
    StoppableServer(config).run_until(stop)


class PageServer:
    """Serves an application at `base`."""

    def __init__(self, application: ASGIApp, *, host: str, port: int, certificate: str | None = None) -> None:
        """Prepare; nothing listens yet.

        Args:
            application: what is served.
            host: the address to listen at.
            port: and the port.
            certificate: path of a certificate with its key, PEM, where the page is served by TLS.

        """
        self.base = _base(host, port, scheme="http" if certificate is None else "https")
        """Where the page is."""
        settings = uvicorn.Config(
            application,
            host=host,
            port=port,
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate,
        )
        if certificate is not None:
            settings.load()
            if settings.ssl is not None:
                settings.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, name="page server", daemon=True)
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that serves, once it runs."""

    def start(self) -> None:
        """Serve; returns when the page can be opened.

        Raises:
            ProvisioningError: nothing can be served there.

        """
        self._thread.start()
        waited = threading.Event()
        for _ in range(round(_START_SECONDS / 0.05)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.05)
        raise _not_served(self.base)

    def wait(self, seconds: float | None = None) -> None:
        """Return when nothing listens any more, or after so many seconds."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def close(self, *, last_word_seconds: float = 0.0) -> None:
        """Stop serving; streams that are open have so long to end by themselves. A second call does nothing."""
        self.wait(last_word_seconds)
        self._server.should_exit = True
        self.wait(_STOP_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        with suppress(SystemExit):  # uvicorn's way to say that the address cannot be used; `start` says it
            await self._server.serve()
