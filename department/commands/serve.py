"""`platepost department serve`: the pages."""

import sys
from collections.abc import Callable

import click
import uvicorn

from platepost.common.signals import stop_on_signals
from platepost.department.alerts.console_feed import FEED
from platepost.department.config.asgi import PagesHandler, limited_application, load_views
from platepost.department.database.roles import WEB
from platepost.department.errors import DepartmentError
from platepost.department.folder import DepartmentFolder
from platepost.department.options import FOLDER, web_option
from platepost.department.people.provider import ProviderWatch
from platepost.department.session import running_database, set_up_django, working_as
from platepost.department.web.admission import Application
from platepost.department.web.pages_process import pages_process
from platepost.provisioning.connection import split_address
from platepost.provisioning.serving import StoppableServer

_STOP_SECONDS = 3
_SWITCH_SECONDS = 0.001
"""After which a thread that computes lets another go on. By Python's own 5 ms, the thread that sends hits would wait so
long for each thread that draws a page, and again after each answer of the database."""


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
    where = web or folder.settings.web
    host, port = split_address(where)

    def answer(with_application: Callable[[Application], None]) -> None:
        # Whether the database has this version's schema, the other process checks: where not, it ends both.
        with running_database(folder):
            with_application(PagesHandler())

    # Before the fork, so that both processes share what is loaded.
    set_up_django(folder, WEB, pooled=True)
    load_views()
    # Before anything else: a process with threads can't be forked.
    with pages_process(answer) as others, stop_on_signals() as stop, working_as(folder, WEB, pooled=True):
        # Passkeys belong to names: a browser makes none for an address.
        shown = f"localhost:{port}" if host in {"127.0.0.1", "::1"} else where
        click.echo(f"The pages are at http://{shown}/. Ctrl-C ends it.")
        pages, watch = limited_application(others), ProviderWatch()
        watch.start()
        sys.setswitchinterval(_SWITCH_SECONDS)

        def end() -> None:
            watch.close()
            FEED.stop()
            pages.close()

        config = uvicorn.Config(
            pages,
            host=host,
            port=port,
            lifespan="off",
            log_config=None,  # the log is the command's
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        server = StoppableServer(config)

        def end_with_others() -> None:
            server.should_exit = True
            end()

        others.watch(end_with_others)
        server.run_until(stop, at_end=end)
        if others.has_ended and not stop.requested:
            raise DepartmentError("the process that answers all pages but the console has ended: start the pages again")
