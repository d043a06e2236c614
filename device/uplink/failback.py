"""Finds out whether the preferred broker is back, while another one is in use."""

import logging
import socket
import ssl
import threading

from platepost.device.uplink.settings import BrokerAddress

log = logging.getLogger(__name__)


class FailbackProbe:
    """Tries to reach a broker as far as TLS, in a thread that ends by itself: delivery goes on meanwhile."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._reached = threading.Event()

    def begin(self, broker: BrokerAddress, context: ssl.SSLContext, *, timeout: float) -> None:
        """Begin an attempt, unless one is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._connect, args=(broker, context, timeout), name="uplink-failback", daemon=True
            )
            self._thread.start()

    def reached(self) -> bool:
        """Return, once, whether it has been reached."""
        reached = self._reached.is_set()
        self._reached.clear()
        return reached

    def _connect(self, broker: BrokerAddress, context: ssl.SSLContext, timeout: float) -> None:
        try:
            with (
                socket.create_connection((broker.host, broker.port), timeout) as plain,
                context.wrap_socket(plain, server_hostname=broker.host),
            ):
                self._reached.set()
        except OSError as error:
            log.info("%s is not back: %s", broker, error)
