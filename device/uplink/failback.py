"""Looking whether the preferred broker is back, while another one is in use."""

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
        self._found = threading.Event()

    def look(self, broker: BrokerAddress, context: ssl.SSLContext, *, timeout: float) -> None:
        """Begin to look, unless a look is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._look, args=(broker, context, timeout), name="uplink-failback", daemon=True
            )
            self._thread.start()

    def found(self) -> bool:
        """Tell, once, whether it has been reached."""
        found = self._found.is_set()
        self._found.clear()
        return found

    def _look(self, broker: BrokerAddress, context: ssl.SSLContext, timeout: float) -> None:
        try:
            with (
                socket.create_connection((broker.host, broker.port), timeout) as plain,
                context.wrap_socket(plain, server_hostname=broker.host),
            ):
                self._found.set()
        except OSError as error:
            log.info("%s is not back: %s", broker, error)
