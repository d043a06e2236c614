"""A real broker for a run: mosquitto as a child process on a loopback port, with a fleet's certificates and rights."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from platepost.provisioning.brokers import mosquitto
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.daemon import Daemon
from platepost.simulator.errors import BrokerError

MISSING = "mosquitto is not installed; on Debian and Raspberry Pi OS: sudo apt-get install mosquitto"


def mosquitto_path() -> str | None:
    """Return where mosquitto is, None if it is not installed; Debian keeps it out of an ordinary user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/sbin")


class Broker(Daemon):
    """One mosquitto that belongs to a run.

    It keeps its port, its sessions and what waits for them over `stop` or `kill` and a new `start`. Mosquitto saves
    these every two seconds: killed before, it forgets what it acknowledged since for a subscriber that is away. It
    listens on 127.0.0.1 only. It does not simulate: a cluster, a slow or lossy network.
    """

    program = "mosquitto"

    def __init__(self, fleet: Fleet, directory: Path, *, port: int | None = None, save_seconds: int = 1) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            fleet: whose certificates and rights.
            directory: where its configuration, state and log lie; made if missing.
            port: the port on loopback, a free one where None.
            save_seconds: as of `mosquitto.configuration`; more where no one kills it and much waits.

        """
        super().__init__(directory, port=port)
        self._state = self.directory / "state"
        self._state.mkdir(exist_ok=True, mode=0o700)
        self._configuration = self.directory / "mosquitto.conf"
        # Started as root it would become `mosquitto`, who may not read the fleet's keys.
        user = "root" if os.geteuid() == 0 else None
        text = mosquitto.configuration(
            fleet.broker, address="127.0.0.1", port=self.port, state=self._state, user=user, save_seconds=save_seconds
        )
        self._configuration.write_text(text, encoding="utf-8")

    def reload(self) -> None:
        """Have it take changed rights: by a restart.

        Told with SIGHUP instead, mosquitto 2.0.21 acknowledges from then on what it no longer keeps for subscribers
        that are away (`docs/brokers.md`).
        """
        self.stop()
        self.start()

    def saved(self) -> bytes:
        """Return mosquitto's saved state as it is on disk, empty if there is none yet."""
        path = self._state / "mosquitto.db"
        return path.read_bytes() if path.is_file() else b""

    def _command(self) -> Sequence[str]:
        program = mosquitto_path()
        if program is None:
            raise BrokerError(MISSING)
        return (program, "-c", str(self._configuration))
