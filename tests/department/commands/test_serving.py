"""A server that is told to stop, or whose terminal is lost, ends in order and stops the database that it started."""

import signal
import subprocess
import sys

import pytest

from platepost.department.database.cluster import PrivateCluster
from platepost.department.folder import DepartmentFolder
from platepost.simulator.brokers.daemon import free_port
from tests.department.commands.installation import Commands, department
from tests.department.status.test_status_page import wait_until_served

__all__ = ["department"]


@pytest.mark.parametrize(
    ("command", "path", "number"), [("public serve", "/", signal.SIGTERM), ("serve", "/log-in/", signal.SIGHUP)]
)
def test_server_stops_the_database_that_it_started(
    department: Commands, command: str, path: str, number: signal.Signals
) -> None:
    where = f"127.0.0.1:{free_port()}"
    cluster = PrivateCluster(DepartmentFolder(department.folder).cluster)
    server = department.start(command, "--web", where)
    try:
        wait_until_served(f"http://{where}{path}", server)
        assert cluster.running
        server.send_signal(number)
        assert server.wait(60) == 0
        assert not cluster.running
    finally:
        server.kill()
        server.wait(60)
        cluster.stop()


def test_pages_load_no_library_that_they_do_not_use() -> None:
    script = (
        "from platepost.department.session import set_up_apps; set_up_apps()\n"
        "from platepost.department.commands import serve\n"
        "from platepost.department.config import urls\n"
        "from sys import modules\n"
        "assert 'platepost.department.lists.views' in modules\n"
        "print({'numpy', 'rich.progress'} & modules.keys())"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "set()"
