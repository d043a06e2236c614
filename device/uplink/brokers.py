"""The brokers of the list: which to try next, when, and when to look for the preferred one again."""

import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence

from platepost.common.errors import UplinkError
from platepost.device.uplink.reasons import PATIENCE, UNANSWERED
from platepost.device.uplink.refusals import Refusals
from platepost.device.uplink.settings import BrokerAddress

log = logging.getLogger(__name__)


MOST_DOUBLINGS = 5
"""Of the time until a preferred broker is tried again that acknowledges nothing: it comes to five hours or so."""


class Backoff:
    """Exponential back-off with full jitter: anything from 0 to a bound that doubles with each failure.

    Method: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, *, first: float, most: float, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self.failures = 0

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self.failures = 0

    def failed(self) -> float:
        """Count a failure and return how many seconds to wait."""
        bound = min(self._most, self._first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return self._draw(0.0, bound)


class Brokers:
    """Chooses. After a failure the next in the list is tried; one that refused is left alone for a while."""

    def __init__(
        self,
        endpoints: Sequence[BrokerAddress],
        *,
        backoff: Backoff,
        refusals: Refusals,
        preferred_broker_check_seconds: float,
        draw: Callable[[float, float], float],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._backoff = backoff
        self._refusals = refusals
        self._return_seconds = preferred_broker_check_seconds
        self._now = now
        self._draw = draw
        self._index = 0
        self._return_at = float("inf")
        self._in_vain = 0
        """How often in a row the preferred broker took records and acknowledged none."""

    @property
    def current(self) -> BrokerAddress:
        """The broker connected to, or to be tried next."""
        return self._endpoints[self._index]

    @property
    def preferred(self) -> BrokerAddress:
        """The first of the list."""
        return self._endpoints[0]

    @property
    def failures(self) -> int:
        """Attempts that failed since the last success."""
        return self._backoff.failures

    def connected(self) -> None:
        """Note that the current broker accepted the connection."""
        self._refusals.accepted(str(self.current))
        self._plan_return()

    def delivered(self) -> None:
        """Note that the current connection was a success: the next failure is the first again."""
        self._backoff.reset()

    def answered(self) -> None:
        """Note that the current broker has acknowledged a record."""
        if self.current == self.preferred:
            self._in_vain = 0

    def failed(self, reason: str, *, reference: str | None = None) -> float:
        """Choose the broker to try next; return after how many seconds.

        Args:
            reason: why the attempt failed or the connection ended.
            reference: the server that the broker referred to. It is tried next if it is in the list; no one else may
                say where records go.

        """
        if reason == UNANSWERED and self.current == self.preferred:
            self._in_vain += 1
        if reason in PATIENCE:
            self._refusals.refuse(str(self.current), reason)
        held = self._refusals.held()
        following = [(self._index + step) % len(self._endpoints) for step in range(1, len(self._endpoints) + 1)]
        referred = self._find(reference)
        if referred is not None:
            following.insert(0, referred)
        free = [index for index in following if str(self._endpoints[index]) not in held]
        wait = self._backoff.failed()
        if free:
            self._index = free[0]
            return wait
        self._index = min(following, key=self._retry_in)
        return max(wait, self._retry_in(self._index))

    def return_due(self) -> bool:
        """Tell, once, whether it is time to look whether the preferred broker is back."""
        if self._now() < self._return_at or str(self.preferred) in self._refusals.held():
            return False
        self._plan_return()
        return True

    def turn_back(self) -> None:
        """Try the preferred broker next."""
        self._index = 0

    def _plan_return(self) -> None:
        away = self._index != 0
        pause = self._draw(self._return_seconds / 2, self._return_seconds * 1.5)
        # The probe finds a broker that is mute in order, and each return to it costs minutes without an acknowledgment.
        pause *= 2.0 ** min(max(0, self._in_vain - 1), MOST_DOUBLINGS)
        self._return_at = self._now() + pause if away else float("inf")

    def _find(self, reference: str | None) -> int | None:
        # The specification has several references separated by spaces; brokers send one.
        for text in (reference or "").split():
            try:
                broker = BrokerAddress.parse(text)
            except UplinkError:
                continue
            if broker in self._endpoints:
                return self._endpoints.index(broker)
        return None

    def _retry_in(self, index: int) -> float:
        name = str(self._endpoints[index])
        return next((hold.retry_in_seconds for hold in self._refusals.all() if hold.topic == name), 0.0)


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
