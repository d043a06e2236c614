"""A real NATS server for a run, as a broker of MQTT 3.1.1 on loopback, with a fleet's certificates and rights."""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from provisioning.brokers import nats
from provisioning.fleet.fleet import Fleet
from simulator.errors import BrokerError
from simulator.ground.daemon import Daemon

_RELOADED, _NOT_RELOADED = b"Reloaded server configuration", b"Failed to reload server configuration"
_RELOAD_SECONDS = 10.0
MISSING = "nats-server is not installed; on Debian: sudo apt-get install nats-server"


def nats_path() -> str | None:
    """Return where nats-server is, None if it is not installed."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/local/sbin:/usr/sbin:/sbin")


class NatsBroker(Daemon):
    """One server. It keeps its port, its sessions and what waits for them over `stop` or `kill` and a new `start`."""

    program = "nats"

    def __init__(self, fleet: Fleet, directory: Path, *, port: int | None = None) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            fleet: whose certificates and rights.
            directory: where its configuration, state and log lie; made if missing.
            port: the port on loopback, a free one where None.

        """
        super().__init__(directory, port=port)
        self._fleet = fleet
        self._write_configuration()

    def reload(self) -> None:
        """Give the rights of the fleet as it is now to the running server, and wait until it goes by them.

        Raises:
            BrokerError: it does not take them; the message carries the end of its log.

        """
        self._write_configuration()
        if (process := self.pid) is None:
            return
        before = self.log.stat().st_size
        os.kill(process, signal.SIGHUP)
        deadline = time.monotonic() + _RELOAD_SECONDS
        while _RELOADED not in (said := self.log.read_bytes()[before:]):
            if _NOT_RELOADED in said or time.monotonic() > deadline:
                raise BrokerError(f"nats took no changed rights:\n{self.log_tail()}")
            time.sleep(0.01)

    def _write_configuration(self) -> None:
        files = nats.NatsFiles(
            authority=self._fleet.broker.authority,
            certificate=self._fleet.broker.certificate,
            private_key=self._fleet.broker.private_key,
            state=self.directory / "state",
        )
        texts = nats.folder_files(
            files,
            nats.Served(
                address="127.0.0.1",
                port=self.port,
                name="platepost",
                agency=self._fleet.agency,
                clients=self._fleet.clients(),
                groups=self._fleet.groups(),
            ),
        )
        for name, text in texts.items():
            (self.directory / name).write_text(text, encoding="utf-8")

    def _command(self) -> Sequence[str]:
        if nats_path() is None:
            raise BrokerError(MISSING)
        return ("sh", str(self.directory / nats.START_FILE))
