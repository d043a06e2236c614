"""The mosquitto.conf that a fleet is made with, in a real mosquitto."""

import os
import pwd
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from pytest_mock import MockerFixture

from platepost.provisioning.cli import provision
from platepost.provisioning.connection import Connection
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.daemon import free_port

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)
SECONDS = 60.0
HOT_LIST = "alpr/v1/riverside/hotlist/package"

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is missing: make tools"),
]


def run_until_it_listens(command: list[str], port: int, directory: Path) -> "subprocess.Popen[bytes]":
    with (directory / "mosquitto.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    process.wait()
    pytest.fail((directory / "mosquitto.log").read_text())


class Made:
    """A fleet made from the command line, and the command that it printed, which has been started."""

    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        options = ["--agency", "riverside", "--no-passphrase"]
        result = CliRunner().invoke(
            provision, ["fleet", "init", str(directory / "a fleet"), *options], catch_exceptions=False
        )
        (line,) = (line for line in result.output.splitlines() if "-c " in line)
        self.command = shlex.split(line)
        self.fleet = Fleet.load(directory / "a fleet")
        self.elsewhere = directory / "elsewhere"
        self.elsewhere.mkdir()
        self.process = run_until_it_listens(self.command, port, self.elsewhere)

    def restart(self) -> None:
        self.stop()
        self.process = run_until_it_listens(self.command, self.port, self.elsewhere)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(SECONDS)


@pytest.fixture
def made(mocker: MockerFixture) -> Iterator[Made]:
    port = free_port()
    mocker.patch("platepost.provisioning.fleet.fleet.DEFAULT_PORT", port)
    with TemporaryDirectory(prefix="platepost-broker-") as folder:
        Path(folder).chmod(0o711)  # root's mosquitto becomes another user, who cannot enter pytest's own folders
        made = Made(Path(folder), port)
        yield made
        made.stop()


def connection(made: Made, identity: Path | None = None) -> Connection:
    return Connection(identity or made.fleet.publisher, broker=f"127.0.0.1:{made.port}", topics=[HOT_LIST])


def retained(made: Made) -> bytes | None:
    """Return what the department's client is given at once on the hot list's topic."""
    with connection(made) as connected:
        return connected.wait(lambda topic, _: topic == HOT_LIST, SECONDS)


def test_printed_command_serves_a_client_and_keeps_a_list_over_a_restart(made: Made) -> None:
    with connection(made) as connected:
        connected.publish(HOT_LIST, b"a list", retain=True)
    assert retained(made) == b"a list"

    made.restart()

    assert retained(made) == b"a list"
    assert (made.fleet.directory / "broker" / "state" / "mosquitto.db").is_file()
    assert [path.name for path in made.elsewhere.iterdir()] == ["mosquitto.log"]


def test_client_without_the_fleet_s_certificate_is_refused(made: Made, tmp_path: Path) -> None:
    other = Fleet.create(tmp_path / "other", agency="riverside").publisher
    identity = tmp_path / "forged"
    identity.mkdir()
    for name in ("certificate.pem", "private_key.pem"):
        shutil.copy(other / name, identity / name)
    shutil.copy(made.fleet.broker.authority, identity / "ca.pem")
    with pytest.raises((ProvisioningError, ssl.SSLError)), connection(made, identity):
        pass


def test_what_a_client_may_not_write_is_refused(made: Made) -> None:
    with connection(made) as connected:
        assert connected.is_refused("alpr/v1/riverside/post-1/read")
    with connection(made) as connected:
        assert not connected.is_refused("alpr/v1/riverside/hotlist/proof")


@pytest.mark.skipif(os.geteuid() != 0, reason="root is missing: run the tests as root")
def test_started_by_root_it_runs_as_mosquitto_and_owns_its_files(made: Made) -> None:
    status = Path(f"/proc/{made.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("Uid:"))
    broker = made.fleet.directory / "broker"
    assert int(line.split()[2]) == broker.stat().st_uid == pwd.getpwnam("mosquitto").pw_uid
    assert (broker / "state").stat().st_uid == broker.stat().st_uid
