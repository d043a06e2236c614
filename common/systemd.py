"""Systemd: readiness, state in words, and the watchdog, by the protocol of sd_notify(3); which boot this is.

Own code, because it is one datagram: what is on PyPI is either not kept or a binding to the C library.
"""

import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""New at every start of the kernel, random(4)."""
STATUS_BYTES = 200
BUSY_SECONDS = 120
"""How long systemd waits at least for the next word of someone who is busy."""


class Notifier:
    """Sends states to the process that started this one, if that was systemd; otherwise does nothing.

    Args:
        environment: where `NOTIFY_SOCKET` is looked for.

    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")

    @property
    def listening(self) -> bool:
        """Whether anyone listens."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that the start is over."""
        self._send(f"READY=1\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """Say in a line of words how it goes: `systemctl status` shows it."""
        self._send(f"STATUS={_line(status)}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def busy(self) -> None:
        """Say that something takes long and goes on, at the start or later: the start is given another two minutes."""
        self._send(f"EXTEND_TIMEOUT_USEC={BUSY_SECONDS * 1_000_000}\nWATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end has begun; the watchdog no longer looks."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the zero byte of Linux's abstract names.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.connect(address)
                out.sendall(message.encode())
        except OSError as error:
            log.warning("cannot notify systemd: %s", error)


def boot_id() -> str:
    """Return the kernel's identifier of the machine's present start; empty where there is none. Never raises."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _line(text: str) -> str:
    return " ".join(text.split())[:STATUS_BYTES]
