"""The desk and its page together, while a context is open."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platepost.device.backends import CameraAddress
from platepost.provisioning.serving import PageServer, check_free
from platepost.simulator.brokers.daemon import free_port
from platepost.simulator.demo.clip import DemoClip
from platepost.simulator.errors import DemoError
from platepost.simulator.ground.console import LOOPBACK
from platepost.simulator.ground.run_folder import claim_folder
from platepost.simulator.live.desk import Desk
from platepost.simulator.live.feed import Feed
from platepost.simulator.live.server import LiveApplication

_BIND_SECONDS = 10.0


@contextmanager
def serving(
    clips: Sequence[DemoClip | CameraAddress], directory: Path, *, host: str = LOOPBACK, port: int | None = None
) -> Iterator[str]:
    """Set everything up in a folder, serve the page, and give its address.

    Raises:
        DemoError: the folder holds something else.
        BrokerError: mosquitto is missing or did not start.
        SimulatorError: PostgreSQL is missing, or the department cannot be made.
        ProvisioningError: the page cannot be served.
        SourceError: a hot list beside a clip cannot be read.

    """
    port = free_port() if port is None else port
    check_free(host, port)
    feed = Feed()
    directory = directory.absolute()
    with (
        claim_folder(directory, marker=".platepost-live", owner="a former live page's", error=DemoError),
        Desk(directory, clips, feed) as desk,
    ):
        live = LiveApplication(desk, local=host == LOOPBACK)
        server = PageServer(live.application, host=host, port=port)
        server.start()
        try:
            if server.loop is not None:
                asyncio.run_coroutine_threadsafe(live.bind(), server.loop).result(_BIND_SECONDS)
            desk.start()
            yield f"{server.base}/"
        finally:
            feed.end()
            server.close()
