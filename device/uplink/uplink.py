"""The uplink: keeps a connection to a broker, empties the outbox into it, and takes what is meant for the post."""

import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from platepost.common.errors import OutboxError, UplinkError
from platepost.common.signals import CHILDREN_SECONDS, ORDERLY_SECONDS, current
from platepost.device.clock.clock import SYSTEM
from platepost.device.outbox.outbox import Backlog, Outbox
from platepost.device.part import Interval, Part
from platepost.device.uplink.brokers import FailbackProbe
from platepost.device.uplink.connection import BrokerConnection, BrokerConnectionError, Waker
from platepost.device.uplink.identity import Identity
from platepost.device.uplink.inbox import Delivery, Handler, Inbox
from platepost.device.uplink.reasons import NOBODY, UNANSWERED
from platepost.device.uplink.refusals import RefusedTopic
from platepost.device.uplink.session import Ephemeral, MqttSession
from platepost.device.uplink.settings import UplinkSettings, UplinkTiming
from platepost.wire.faults import Fault
from platepost.wire.records import Envelope, Finding
from platepost.wire.tls import connection_problem

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
"""How long nothing may be looked at."""
CHECK_SECONDS = 5.0
"""How often the age of what waits is looked at."""
OLD_SECONDS = 3600.0
"""Age of the oldest record waiting from which the queue is old: an hour without a broker is worth a visit to it."""


@dataclass(frozen=True, slots=True)
class UplinkState:
    """The uplink at one moment."""

    connected: bool
    broker: str | None
    """`host:port` of the broker connected to, or tried last."""
    problem: str | None
    """Why it is not connected: a slug such as `client_certificate_refused` or `name_unresolved`; None when it is."""
    detail: str
    """The same in the words of the library that said so."""
    attempts: int
    """Attempts to connect since the uplink started."""
    failures: int
    """Attempts that failed since the last success."""
    retry_in_seconds: float | None
    """When the next attempt is due; None while connected or attempting."""
    certificate_expires: datetime | None
    """When the certificate ends of the broker connected to last; None before the first connection."""
    in_flight: int
    """Records sent and not yet acknowledged."""
    acknowledged: int
    """Acknowledgments since the uplink started; a record that was sent twice counts twice."""
    refusals: tuple[RefusedTopic, ...]
    """Topics whose publication the broker refuses, or takes without having anyone to give it to."""
    refused_subscriptions: tuple[str, ...]
    """Topics, each with the reason, that the broker does not let the post subscribe to."""
    too_large: int
    """Records larger than the broker takes, even without their pictures: they wait for a broker that does."""
    pictures_left_out: int
    """Records that were sent without some of their pictures, being too large for the broker with them."""


class Uplink(Part):
    """Delivers the outbox to the first broker of the list that takes it.

    The outbox learns what the broker acknowledged without a reason against it; whether that is enough for a record to
    leave, the outbox decides. What is refused, or reaches no one, is named in `state()`, left alone for a while, and
    tried again. `start` and `stop` it, or use it as a context manager.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        outbox: Outbox,
        *,
        client_id: str,
        earliest: Callable[[], datetime | None] = lambda: None,
        timing: UplinkTiming = UplinkTiming(),  # noqa: B008 - immutable
        utc: Callable[[], datetime] = SYSTEM.utc,
    ) -> None:
        """Make an uplink.

        Args:
            settings: brokers, identity, patience.
            outbox: what to deliver.
            client_id: by what the broker knows the session.
            earliest: for a clock that no one vouches for, the earliest time that it can be; see `tls_context`.
            timing: timing that is not configured.
            utc: the best known present, by which records expire and grow old; all waiting is real.

        """
        self._settings = settings
        self._timing = timing
        self._client_id = client_id
        self._outbox, self._utc = outbox, utc
        self._earliest = earliest
        self.will: Callable[[], Envelope] | None = None
        """Makes the signed `offline` status of one connection; must be set before the start."""
        self.on_connected: Callable[[], object] | None = None
        """Called after every connection, in the uplink's thread; records the present status (the birth).

        It must not wait: if it raises OutboxError, it is called again.
        """
        self._identity = Identity(settings, check_seconds=timing.renewal_check_seconds)
        self._failback = FailbackProbe()
        self._inbox = Inbox({}, handled=self._handled)
        self._session = MqttSession(settings, outbox, timing=timing, utc=utc)
        self._brokers, self._in_flight = self._session.brokers, self._session.in_flight
        self._done: deque[Delivery] = deque()
        self._ephemeral = Ephemeral()
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self._stop_by: float | None = None
        self._drained = False
        self._birth_due = False
        self._closed = False
        self._connections = 0
        self._check_due = Interval(CHECK_SECONDS)
        self._queue_old = False
        # What state() tells; written by the uplink's thread, each in one assignment.
        self._connected = False
        self._problem: tuple[str, str] | None = ("not_started", "")
        self._retry_at: float | None = None
        self._certificate_expires: datetime | None = None

    def __repr__(self) -> str:
        return f"<Uplink {self._brokers.current} {'connected' if self._connected else self._problem}>"

    def start(self) -> None:
        """Begin to connect and deliver, in threads of the uplink's own."""
        self._problem = ("connecting", "")
        self._outbox.on_append(self._waker.wake)
        self._inbox.start()
        self._thread.start()

    def stop(self) -> None:
        """Deliver what waits, for at most the configured time, and disconnect.

        A command that was asked to end, and did not allow for that time, has less.
        """
        stop = current()
        allowed = max(CHILDREN_SECONDS, stop.allowed_seconds - ORDERLY_SECONDS)
        self.drain(stop.limit(self._settings.drain_seconds, after_request=allowed))

    def drain(self, seconds: float = 5.0) -> bool:
        """Deliver what waits, for at most `seconds`, and disconnect; a second call does nothing.

        Returns whether all was acknowledged. If it was not, the broker is asked to publish the will. Receipts are not
        waited for: they come after the next start.
        """
        if self._closed:
            return self._drained
        self._closed = True
        log.warning("stopping: up to %g s to deliver what waits", seconds)
        self._stop_by = time.monotonic() + seconds
        self._waker.wake()
        if self._thread.is_alive():
            self._thread.join(seconds + self._timing.connect_timeout_seconds + 5.0)
            self._inbox.stop(timeout=5.0)
        if not self._thread.is_alive():
            self._waker.close()
        return self._drained

    def send_now(self, envelope: Envelope, *, expiry_seconds: int | None = None) -> bool:
        """Send what is not chained if there is a connection; return whether there is. It is never kept.

        The broker forgets it after `expiry_seconds`, an answer by default after five minutes.
        """
        if not self._connected:
            return False
        self._ephemeral.put(envelope, expiry_seconds=expiry_seconds)
        self._waker.wake()
        return True

    def retry_now(self) -> None:
        """Try to connect at once if a pause is being made: what was wrong may have changed."""
        if self._retry_at is not None:
            self._retry_at = time.monotonic()

    def subscribe(self, topic: str, handler: Handler, *, optional: bool = False, small: bool = False) -> None:
        """Subscribe to one more topic, now and at every connection; what the broker retains there comes again.

        The handler is called in a thread of its own. From any thread, that of a handler too. That a broker refuses an
        `optional` topic is no fault. What is retained on a `small` one is asked for until something has come.
        """
        self._inbox.handle(topic, handler)
        self._session.subscriptions.want(topic, optional=optional, small=small)
        self._waker.wake()

    def unsubscribe(self, topic: str) -> None:
        """End a subscription; from any thread."""
        self._inbox.leave(topic)
        self._session.subscriptions.leave(topic)
        self._waker.wake()

    def owes(self) -> bool:
        """Tell whether a record is under way, or waits that the broker should take; from any thread.

        Raises:
            OutboxError: the outbox cannot say.

        """
        return self._in_flight.owes()

    def backlog(self) -> Backlog:
        """Return what is in the outbox; from any thread.

        Raises:
            OutboxError: the outbox cannot say.

        """
        return self._outbox.backlog(now=self._utc())

    def poll(self, now: float) -> None:
        """Look now and then whether records wait for too long."""
        if self._check_due.due(now):
            try:
                age = self._outbox.oldest_age(now=self._utc())
            except OutboxError:
                age = None  # named as a fault of its own
            self._queue_old = age is not None and age >= OLD_SECONDS

    def faults(self) -> set[Fault]:
        """Name what the broker refuses, and what waits for too long."""
        state = self.state()
        conditions = {
            Fault.BROKER_CERTIFICATE_EXPIRED: state.problem == Fault.BROKER_CERTIFICATE_EXPIRED,
            Fault.NO_SUBSCRIBER: any(refusal.reason == NOBODY for refusal in state.refusals),
            Fault.PUBLISH_REFUSED: any(refusal.reason != NOBODY for refusal in state.refusals),
            Fault.QUEUE_OLD: self._queue_old,
            Fault.RECORD_TOO_LARGE: state.too_large > 0,
            Fault.SUBSCRIPTION_REFUSED: bool(state.refused_subscriptions),
        }
        return {fault for fault, present in conditions.items() if present}

    def findings(self) -> tuple[Finding, ...]:
        """Say what waits, and how the broker takes it."""
        return self._outbox_finding(), self._broker_finding()

    def _outbox_finding(self) -> Finding:
        try:
            backlog = self.backlog()
        except OSError as error:  # OutboxError is one
            return Finding(point="outbox", good=False, said=str(error)[:200])
        return Finding(point="outbox", good=True, said=f"{backlog.depth} records wait, {backlog.size_bytes} bytes")

    def _broker_finding(self) -> Finding:
        state = self.state()
        refused = len(state.refusals) + len(state.refused_subscriptions)
        # No count: less what came in the open it would be that of the covert hits.
        taken = "records acknowledged" if state.acknowledged else "nothing acknowledged yet"
        text = f"{state.broker}, {taken}, {refused} topics refused"
        return Finding(point="uplink", good=state.connected and not refused, said=text)

    def state(self) -> UplinkState:
        """Return what the uplink says of itself."""
        problem, retry_at = self._problem, self._retry_at
        return UplinkState(
            connected=self._connected,
            broker=str(self._brokers.current),
            problem=problem[0] if problem else None,
            detail=problem[1] if problem else "",
            attempts=self._connections,
            failures=self._brokers.failures,
            retry_in_seconds=None if retry_at is None else max(0.0, retry_at - time.monotonic()),
            certificate_expires=self._certificate_expires,
            in_flight=len(self._in_flight),
            acknowledged=self._in_flight.acknowledged,
            refusals=self._in_flight.refusals.all(),
            refused_subscriptions=self._session.subscriptions.refused,
            too_large=self._in_flight.too_large,
            pictures_left_out=self._in_flight.pictures_left_out,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()

    # --- the uplink's thread

    def _run(self) -> None:
        while not self._over():
            try:
                self._connect_and_deliver()
            except (OSError, UplinkError, OutboxError, BrokerConnectionError) as error:
                self._failed(error)
            except Exception as error:  # an unforeseen fault must not end delivery for good
                log.exception("the uplink failed")
                self._failed(error)
            if self._stop_by is not None and not self._drained:
                self._drained = self._left() == 0

    def _connect_and_deliver(self) -> None:
        will = self.will
        if will is None:
            raise UplinkError("an uplink needs a will")
        context = self._identity.context(earliest=self._earliest())
        self._connections += 1
        connection = BrokerConnection(
            self._settings,
            self._brokers.current,
            context,
            client_id=self._client_id,
            keepalive_seconds=self._timing.keepalive_seconds,
            number=self._connections,
            will=will(),
            received=self._inbox.put,
        )
        try:
            connection.open(timeout=self._time_left(self._timing.connect_timeout_seconds))
            self._now_connected(connection)
            try:
                self._deliver(connection, context)
            finally:
                self._disconnected(connection)
        finally:
            connection.abort()

    def _deliver(self, connection: BrokerConnection, context: ssl.SSLContext) -> None:
        while connection.end is None and not self._finished(connection) and not self._moving(connection, context):
            self._be_born()
            self._session.fill(connection)
            self._ephemeral.fill(connection)
            connection.turn(timeout=self._pause(), wake=self._waker)
            self._settle(connection)
            if self._in_flight.unanswered_seconds > self._timing.acknowledge_seconds:
                raise BrokerConnectionError(UNANSWERED)
        if connection.end is not None and not connection.closed:
            self._settle(connection)
            raise BrokerConnectionError(connection.end, reference=connection.reference)

    def _now_connected(self, connection: BrokerConnection) -> None:
        self._problem, self._retry_at = None, None
        self._connected = True
        self._certificate_expires = connection.certificate_expires
        log.info("connected to %s", connection.broker)
        self._session.begin()
        self._birth_due = self.on_connected is not None and self._stop_by is None

    def _be_born(self) -> None:
        if not self._birth_due or self.on_connected is None:
            return
        try:
            self.on_connected()
        except OutboxError as error:
            # A full disk takes no birth; what is delivered meanwhile makes room for it.
            log.warning("the first status waits: %s", error)
        else:
            self._birth_due = False

    def _settle(self, connection: BrokerConnection) -> None:
        self._session.settle(connection)
        while self._done:
            delivery = self._done.popleft()
            self._session.subscriptions.came(delivery.topic)
            connection.acknowledge(delivery)

    def _moving(self, connection: BrokerConnection, context: ssl.SSLContext) -> bool:
        """End the connection if another one is to take its place: with a renewed certificate, or to a better broker."""
        if self._brokers.return_due():
            self._failback.begin(self._brokers.preferred, context, timeout=self._timing.connect_timeout_seconds)
        if self._failback.reached():
            log.info("%s is back", self._brokers.preferred)
            self._brokers.turn_back()
        elif self._identity.renewed():
            log.info("the certificate was renewed")
        else:
            return False
        connection.close()
        return True

    def _finished(self, connection: BrokerConnection) -> bool:
        """End the connection if the uplink is to stop and all is delivered, or time is up."""
        if self._stop_by is None:
            return False
        drained = self._left() == 0
        if drained or time.monotonic() >= self._stop_by:
            self._drained = drained
            connection.close(with_will=not self._drained)
            return True
        return False

    def _left(self) -> int | None:
        """Return how many records wait in the outbox, at most 1 is counted; None if it cannot say."""
        try:
            return len(self._outbox.next(1))
        except OutboxError:
            return None

    def _pause(self) -> float:
        due = self._session.due()
        return IDLE_SECONDS if due is None else max(0.01, min(IDLE_SECONDS, due))

    def _failed(self, error: Exception) -> None:
        reason = error.reason if isinstance(error, BrokerConnectionError) else connection_problem(error)
        if not isinstance(error, OSError | UplinkError):
            reason = "internal_error"
        if isinstance(error, OutboxError):
            reason = "outbox_failed"
        self._problem = (reason, str(error)[:200])
        if self._over():
            return
        wait = self._brokers.failed(
            reason, reference=error.reference if isinstance(error, BrokerConnectionError) else None
        )
        self._retry_at = time.monotonic() + wait
        log.warning("not connected: %s; next attempt in %.1f s", reason, wait)
        while (left := self._retry_at - time.monotonic()) > 0 and not self._over():
            if self._identity.renewed():  # the broker may have refused the former for its end
                log.info("the certificate was renewed")
                break
            time.sleep(min(left, 0.2))
        self._retry_at = None

    def _disconnected(self, connection: BrokerConnection) -> None:
        self._connected = False
        self._ephemeral.clear()
        self._session.end(None if connection.closed else connection.end)

    def _over(self) -> bool:
        return self._stop_by is not None and (self._drained or time.monotonic() >= self._stop_by)

    def _time_left(self, most: float) -> float:
        return most if self._stop_by is None else max(0.1, min(most, self._stop_by - time.monotonic()))

    # --- from other threads

    def _handled(self, delivery: Delivery) -> None:
        self._done.append(delivery)
        self._waker.wake()
