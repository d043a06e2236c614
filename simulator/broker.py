"""A real broker for a run: mosquitto as a child process on a loopback port, with a fleet's certificates and rights."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from provisioning import mosquitto
from provisioning.fleet import Fleet
from simulator.errors import BrokerError

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 12

MISSING = "mosquitto is not installed; on Debian and Raspberry Pi OS: sudo apt-get install mosquitto"


def mosquitto_path() -> str | None:
    """Return where mosquitto is, None if it is not installed; Debian keeps it out of an ordinary user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/local/sbin:/usr/sbin:/sbin")


class Broker:
    """One mosquitto that belongs to a run.

    It keeps its port, its sessions and what waits for them over `stop` or `kill` and a new `start`. Mosquitto saves
    these a moment after it has acknowledged: killed within that moment, it forgets what waits for a subscriber that is
    away. It listens on 127.0.0.1 only. It does not simulate: a cluster, a slow or lossy network.
    """

    host = "localhost"

    def __init__(self, fleet: Fleet, directory: Path, *, port: int | None = None) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            fleet: whose certificates and rights.
            directory: where its configuration, state and log lie; made if missing.
            port: the port on loopback, a free one where None.

        """
        self._directory = directory.absolute()
        self._state = self._directory / "state"
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port if port is not None else free_port()
        self.log = self._directory / "mosquitto.log"
        self._configuration = self._directory / "mosquitto.conf"
        # Started as root it would become `mosquitto`, who may not read the fleet's keys.
        user = "root" if os.geteuid() == 0 else None
        text = mosquitto.configuration(fleet.broker, address="127.0.0.1", port=self.port, state=self._state, user=user)
        self._configuration.write_text(text, encoding="utf-8")

    def __repr__(self) -> str:
        return f"<Broker mosquitto at {self.address}, {'running' if self.running else 'stopped'}>"

    @property
    def address(self) -> str:
        """`host:port`, with the host by which its certificate is good."""
        return f"{self.host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether mosquitto runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start mosquitto and wait until it accepts connections; does nothing if it runs.

        Raises:
            BrokerError: mosquitto is not installed, its port is taken, or it did not start; then the message carries
                the end of its log.

        """
        if self.running:
            return
        program = mosquitto_path()
        if program is None:
            raise BrokerError(MISSING)
        if self._accepts():
            raise BrokerError(f"port {self.port} is in use by another program")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self._configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts():
            code = self._process.poll()
            if code is not None:
                self._process = None
                raise BrokerError(f"mosquitto ended at once (exit code {code}):\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerError(f"mosquitto accepts no connection after {_START_SECONDS:.0f} s:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask mosquitto to end, which saves its state, and wait for it; does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End mosquitto as a power cut would: at once, saving nothing."""
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        """Have mosquitto read its access list anew."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def saved(self) -> bytes:
        """Return mosquitto's saved state as it is on disk, empty if there is none yet."""
        path = self._state / "mosquitto.db"
        return path.read_bytes() if path.is_file() else b""

    def log_tail(self) -> str:
        """Return the last lines of mosquitto's log."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES_SHOWN:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, sent: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(sent)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
