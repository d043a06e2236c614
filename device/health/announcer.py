"""What a post says of itself: its status whenever that changes, its health now and then, what its self-test finds."""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Lock
from time import monotonic

from device.camera.supervisor import CameraSupervisor
from device.changeover import ChangeOver
from device.errors import ConfigurationError, OutboxError
from device.faults.fault import Fault
from device.faults.flapping import FlapDamper
from device.health.selftest import check_up
from device.health.status import Vitals, disk_free
from device.hotlist.service import HotListService
from device.logbook import Logbook
from device.outbox import Backlog
from device.records import Envelope, Finding, Status
from device.secrets.certificate import certificate_expires
from device.uplink import Uplink
from device.vision.pipeline import Pipeline

log = logging.getLogger(__name__)


class Bulletins:
    """Gathers what the records on a post's own state say, and sees to it that they leave.

    Args:
        vitals: makes the records, and knows what they said last.
        books: where a status goes; health is sent unchained, and never kept.
        faults: tells what ails the post.
        changeover: has the configuration in force.
        pipeline, lists, lookout: what is told of.
        uplink: is told of, and sends health.
        backlog: tells what waits.

    """

    def __init__(
        self,
        vitals: Vitals,
        books: Logbook,
        *,
        faults: Callable[[], Collection[Fault]],
        changeover: ChangeOver,
        pipeline: Pipeline,
        lists: HotListService,
        lookout: CameraSupervisor,
        uplink: Uplink,
        backlog: Callable[[], Backlog],
    ) -> None:
        self._vitals = vitals
        self._books = books
        self._faults = faults
        self._changeover = changeover
        self._pipeline = pipeline
        self._lists = lists
        self._lookout = lookout
        self._uplink = uplink
        self._backlog = backlog
        self._next_health = 0.0
        self._lock = Lock()
        self._absence = FlapDamper()
        self._unborn = self._under_birth = False

    # --- status

    def changed(self, faults: Collection[Fault]) -> bool:
        """Take note of the present faults and the list; True if the last status did not say them.

        True as well when a birth is due that waited for its connection to last.
        """
        news = self._vitals.changed(faults), self._vitals.noticed(self._lists.state()), self._birth_due()
        return any(news)

    def say_status(self) -> None:
        """Record the state that was taken note of last.

        Raises:
            OutboxError: it cannot be stored, and the post is stopping.

        """
        self._books.records.record(self._status())

    def say_offline(self) -> None:
        """Record that the post stops. Raises as `say_status` does."""
        self._books.records.record(self._offline())

    def birth(self) -> None:
        """Say the present state after every connection, for the broker may have published the will meanwhile.

        A connection that comes and goes again and again must last first; `changed` then says that a status is due.
        Called in the uplink's thread, which must not wait for a full disk that only delivery can empty: what cannot be
        stored raises, and the uplink tries again.

        Raises:
            OutboxError: it cannot be stored now.

        """
        with suppress(ConfigurationError):  # being replaced at this very moment: the next connection says it
            self._vitals.renewed(certificate_expires(self._changeover.configuration.uplink.certificate))
        if not self._under_birth and self._comes_too_often():
            return
        self._under_birth = True  # one that is called again is of no other connection
        self.changed(self._faults())
        self._books.recorder.record(self._status())
        self._under_birth = False

    def will(self) -> Envelope:
        """Sign what the broker says in the post's place when the post falls silent."""
        return self._books.recorder.unchained(self._offline())

    def _status(self) -> Status:
        return self._vitals.status(clock=self._books.timekeeper.quality(), hotlist=self._lists.state())

    def _offline(self) -> Status:
        return self._vitals.offline(clock=self._books.timekeeper.quality(), hotlist=self._lists.state())

    def _comes_too_often(self) -> bool:
        """Take note of a connection; True if it must last before it is told of."""
        now = monotonic()
        with self._lock:
            self._absence.see(there=True, now=now)
            self._absence.see(there=False, now=now)
            self._unborn = self._absence.present
            return self._unborn

    def _birth_due(self) -> bool:
        """Tell, once, whether the connection has lasted for as long as it had to."""
        with self._lock:
            if not self._unborn:
                return False
            self._absence.see(there=not self._uplink.state().connected, now=monotonic())
            self._unborn = self._absence.present
            return not self._unborn

    # --- health

    def health_due(self, now: float) -> bool:
        """Tell, once each time, whether health is due at `now`, seconds of the clock that is never set."""
        if now < self._next_health:
            return False
        self._next_health = now + self._changeover.configuration.records.health_seconds
        return True

    def send_health(self) -> None:
        """Take the post's pulse and send it if there is a connection."""
        try:
            backlog = self._backlog()
        except OutboxError as error:
            log.warning("no health: %s", error)
            return
        health = self._vitals.health(
            clock=self._books.timekeeper.quality(),
            hotlist=self._lists.state(),
            pipeline=self._pipeline,
            capture=self._lookout.capture,
            dropped_before=self._lookout.dropped,
            lost_before=self._lookout.lost,
            recoveries=self._lookout.recoveries,
            backlog=backlog,
            connected=self._uplink.state().connected,
            disk=self._changeover.configuration.outbox.path.parent,
        )
        self._uplink.send_now(self._books.recorder.unchained(health))

    # --- self-test

    def findings(self) -> tuple[Finding, ...]:
        """Test the running post point by point.

        Raises:
            ConfigurationError: the post's certificate is unreadable.

        """
        configuration = self._changeover.configuration
        return check_up(
            now=self._books.timekeeper.now(),
            capture=self._lookout.capture,
            hotlist=self._lists.state(),
            clock=self._books.timekeeper.quality(),
            certificate_expires=certificate_expires(configuration.uplink.certificate),
            backlog=self._backlog,
            uplink=self._uplink.state(),
            disk_free=disk_free(configuration.outbox.path.parent),
        )
