"""`platepost department serve`: the pages."""

from collections.abc import Callable
from types import FrameType

import click
import uvicorn

from platepost.department.commands.options import FOLDER, end_in_order, web_option
from platepost.department.config.upgrade import working_as
from platepost.department.database.roles import WEB
from platepost.department.folder import DepartmentFolder
from platepost.provisioning.connection import split_address

_STOP_SECONDS = 3


@click.command(
    epilog="""\b
Examples:
  platepost department serve /var/lib/platepost-department
  platepost department serve /var/lib/platepost-department --web 127.0.0.1:9000
"""
)
@FOLDER
@web_option(8600)
def serve(*, folder: DepartmentFolder, web: str | None) -> None:
    """Serve the pages of FOLDER until Ctrl-C or SIGTERM.

    It has no TLS: put a web server with TLS in front of it on this machine.
    """
    end_in_order()
    where = web or folder.settings.web
    host, port = split_address(where)
    with working_as(folder, WEB, pooled=True):
        from platepost.department.config.asgi import application  # noqa: PLC0415 - after Django was set up
        from platepost.department.web.console_feed import FEED  # noqa: PLC0415

        # Passkeys belong to names: a browser makes none for an address.
        shown = f"localhost:{port}" if host in {"127.0.0.1", "::1"} else where
        click.echo(f"The pages are at http://{shown}/. Ctrl-C ends it.")
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        _PagesServer(config, FEED.stop).run()


class _PagesServer(uvicorn.Server):
    """A server that ends what never ends by itself when it is told to stop."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], object]) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        self._stop()
        super().handle_exit(sig, frame)
