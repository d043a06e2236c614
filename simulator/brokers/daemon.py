"""A server that belongs to a run: a child process with a loopback port and a log, which may be killed and restarted."""

import errno
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from platepost.common.signals import current, sleep
from platepost.simulator.errors import BrokerError
from platepost.simulator.processes import end, log_tail

_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OUTGOING_LEAST = 32768
_LOWEST = 10240
_ATTEMPTS = 64
_reservations: list[socket.socket] = []
"""One for each port that `free_port` gave to this process, open until the process ends."""


class Daemon:
    """One server on 127.0.0.1. Subclasses must give `_command`; they may give `_environment`."""

    host = "localhost"
    program = ""
    """What it is called in messages."""
    start_seconds = 10.0

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """Make the folder; nothing runs yet.

        Args:
            directory: where its configuration, state and log lie; made if missing.
            port: the port on loopback, a free one where None.

        """
        self.directory = directory.absolute()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = port if port is not None else free_port()
        self.log = self.directory / f"{self.program}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.program} at {self.address}, {'running' if self.running else 'stopped'}>"

    @property
    def address(self) -> str:
        """`host:port`, with the host by which its certificate is good."""
        return f"{self.host}:{self.port}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all of its nodes."""
        return (self.address,)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code if it ended by itself, minus the signal's number if of one; None if it runs or was stopped."""
        return self._process.poll() if self._process is not None else None

    @property
    def pid(self) -> int | None:
        """Its process, None if it does not run."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> None:
        """Start it and wait until it accepts connections; does nothing if it runs.

        Raises:
            BrokerError: it is not installed, its port is taken, or it did not start; then the message carries the end
                of its log.

        """
        if self.running:
            return
        try:
            self.launch()
            self.await_start()
        except BaseException:  # Ctrl-C too: no one else knows of the process yet
            self.kill()
            raise

    def launch(self) -> None:
        """Start it without waiting.

        Raises:
            BrokerError: it is not installed, or its port is taken.

        """
        command = self._command()
        if self._accepts():
            raise BrokerError(f"port {self.port} is in use by another program")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self._environment()}
            )

    def await_start(self) -> None:
        """Wait until it accepts connections.

        Raises:
            BrokerError: it did not start; the message carries the end of its log.

        """
        began = time.monotonic()
        while not self._accepts():
            code = self._process.poll() if self._process is not None else None
            if self._process is None or code is not None:
                self._process = None
                raise BrokerError(f"{self.program} ended at once (exit code {code}):\n{self.log_tail()}")
            if time.monotonic() > began + current().limit(self.start_seconds):
                self.kill()
                raise BrokerError(
                    f"{self.program} rejects connections after {time.monotonic() - began:.0f} s:\n{self.log_tail()}"
                )
            sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, which saves its state, and wait for it; does nothing if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would: at once, saving nothing."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let its process stand still."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        return log_tail(self.log)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> Sequence[str]:
        """Return the command line.

        Raises:
            BrokerError: it is not installed.

        """
        raise NotImplementedError

    def _environment(self) -> Mapping[str, str]:
        """Return what is to be set in its environment."""
        return {}

    def _end(self, sent: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, sent=sent, seconds=_STOP_SECONDS)

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


def free_port(*, outgoing: Path = _OUTGOING) -> int:
    """Return a port of the loopback interface that no one listens on and that no caller on this machine got before.

    It stays reserved until this process ends: the server may start late, and may be away for a while. It is not one of
    those that the kernel gives to outgoing connections (ip(7), ip_local_port_range): while a server is away, one of
    thousands of clients would sit on its port. `outgoing` is where the kernel says which those are.
    """
    try:
        least = int(outgoing.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        least = _OUTGOING_LEAST
    candidates = random.sample(range(_LOWEST, least), _ATTEMPTS) if least > _LOWEST + _ATTEMPTS else []
    for port in (*candidates, 0):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            number = int(listener.getsockname()[1])
            if _reserve(number):
                return number
    raise BrokerError("no port of the loopback interface is free")


def _reserve(port: int) -> bool:
    """Reserve a port for this process; return False if another call, in any process, has it.

    The reservation is the name of a Unix socket in Linux's abstract namespace (unix(7)): it is unique on the machine,
    and ends with the process. Elsewhere there is none, and a port may come twice.
    """
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0platepost-port-{port}")
    except OSError as error:
        reservation.close()
        return error.errno != errno.EADDRINUSE
    _reservations.append(reservation)
    return True


def hold_port() -> socket.socket:
    """Take a free port of the loopback interface for as long as the returned socket is open.

    It does not listen: a server that sets SO_REUSEADDR may listen there, come and go, and Linux gives it to no one
    else meanwhile, neither to a client nor to anyone who asks for a free port.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
