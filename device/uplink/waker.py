"""Waking a thread that waits for the network, from another thread."""

import logging
import socket

log = logging.getLogger(__name__)


class Waker:
    """Becomes readable when it is woken: for `select` and `poll`, beside sockets."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        """Return the file descriptor to wait for."""
        return self._out.fileno()

    def wake(self) -> None:
        """Wake the thread that waits, or have it not wait next time; from any thread. Never raises."""
        try:
            self._in.send(b"\0")
        except (BlockingIOError, InterruptedError):
            return  # already awake
        except OSError:
            log.debug("woken after its end")

    def drain(self) -> None:
        """Read away what woke the thread."""
        try:
            while self._out.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            return

    def close(self) -> None:
        """Close both ends; to be woken from now on does nothing."""
        self._out.close()
        self._in.close()
