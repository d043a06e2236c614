"""The enrollment server as a service: stopped, it has closed."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from platepost.provisioning.enrollment.officer import RegistrationOfficer
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.records import Role

SECONDS = 60.0


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_server_that_is_stopped_is_logged_as_closed(tmp_path: Path, number: signal.Signals) -> None:
    fleet = Fleet.create(tmp_path / "fleet", agency="riverside")
    fleet.add_operator("j-stone", Role.ADMINISTRATOR)
    port = free_port()
    program = [sys.executable, "-c", "from platepost.device.cli import main; main()", "provision", "enroll-server"]
    where = ["--name", "127.0.0.1", "--listen", "127.0.0.1", "--port", str(port), "--purpose", "enrollment"]
    with subprocess.Popen([*program, str(fleet.directory), *where], stdout=subprocess.DEVNULL) as server:
        end = time.monotonic() + SECONDS
        while not listens(port):
            assert time.monotonic() < end, "the server does not open"
            time.sleep(0.05)
        server.send_signal(number)
        server.wait(SECONDS)
    assert server.returncode == 0
    assert [act.action for act in fleet.acts] == ["enrollment_opened", "enrollment_closed"]
    assert RegistrationOfficer.noted(fleet) is None
