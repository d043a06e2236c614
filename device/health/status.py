"""What a post says of itself: its status, whenever that changes, and again and again while it does not."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from pydantic import JsonValue

from platepost.common.errors import OutboxError
from platepost.device.control.service import RemoteControl
from platepost.device.diagnosis import FaultMonitor
from platepost.device.faults.flapping import FlapDamper, FlapDampers
from platepost.device.health.certificate import CERTIFICATE_DAYS, CertificateMonitor
from platepost.device.logbook import Logbook
from platepost.device.part import Part, Tables
from platepost.device.reporting.reporter import Reporter
from platepost.device.reporting.synthetic import SyntheticHits
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.pipeline import Counters
from platepost.version import __version__
from platepost.wire.faults import Fault, notices, reasons
from platepost.wire.records import Envelope, Finding, Status

log = logging.getLogger(__name__)

FIRST_REPEAT_SECONDS = 10.0
"""How soon a recorded status is repeated. The recorded one, which the broker keeps for absent subscribers, does not
expire; its repeat replaces it as the retained message, and does."""
BROKER_CERTIFICATE_DAYS = 30
"""Days left of the broker's certificate below which every status says so: a person renews it, and has other work."""


class StatusReporter(Part):
    """Records the status when it changes and at every connection, repeats it in between, and leaves it as the will.

    A repeat is outside the chain and never kept: it says that the post lives, and would fill archives that are kept for
    years. The broker forgets it once it is no longer good, so that no post stays `online` that died with its broker.

    Args:
        logbook: where a status goes.
        reporter: where the status has reads and the hot list from.
        uplink: where it has the connection from.
        counters: what the pipeline has done.
        faults: what is wrong.
        certificate: when it expires.
        control: where it has the configuration and its keys from; None for a post that no one controls remotely.

    """

    reports_faults = True

    def __init__(
        self,
        logbook: Logbook,
        reporter: Reporter,
        uplink: Uplink,
        *,
        counters: Counters,
        faults: FaultMonitor,
        certificate: CertificateMonitor,
        control: RemoteControl[Any] | None,
    ) -> None:
        self._logbook = logbook
        self._clock = logbook.clock
        self._counters = counters
        self._reporter = reporter
        self._hotlist = reporter.hotlist
        self._faults = faults
        self._certificate = certificate
        self._control = control
        self._uplink = uplink
        self._since = logbook.timekeeper.now()
        self._told: frozenset[Fault] | None = None
        self._list_told: set[tuple[object, ...]] | None = None
        self._list_states = FlapDampers[tuple[object, ...]]()
        self._repeat_at = float("-inf")
        self._unusual: tuple[str, ...] = ()
        self._comparing = False
        self.synthetic: SyntheticHits | None = None
        """Makes the synthetic hits that the status reports."""
        self._lock = Lock()
        self._absence = FlapDamper()
        self._birth_waits = self._in_birth = False
        uplink.will = self.will
        uplink.on_connected = self.birth

    def start(self) -> None:
        """Record that the post has started."""
        details: dict[str, JsonValue] = {"version": __version__, "boot": self._logbook.run}
        if self._control is not None:
            details["configuration"] = self._control.state().version
        self._logbook.audit.record("boot", details=details)

    def poll(self, now: float) -> None:
        """Record the status if the last one did not say what is now; else repeat it if that is due."""
        changed = (
            self._faults_changed(self._faults.present),
            self._notices_changed(),
            self._comparing_changed(),
            self._birth_due(),
        )
        if (self._control is not None and self._control.changed()) | any(changed):
            log.warning("state: %s", ", ".join(sorted(self._faults.present)) or "in service")
            self._logbook.records.record(self._status())
            self._repeat_at = now + FIRST_REPEAT_SECONDS
        elif now >= self._repeat_at and self._uplink.state().connected:
            self._repeat(now)

    def adjust(self, tables: Tables) -> None:
        """Say from now on which settings are far from what holds without them."""
        self._unusual = tables.unusual

    def findings(self) -> tuple[Finding, ...]:
        """Say how many days are left of the broker's certificate; nothing before the first connection."""
        days = self._broker_certificate_days()
        if days is None:
            return ()
        good = days >= CERTIFICATE_DAYS
        return (Finding(point="broker certificate", good=good, said=f"valid for {days} days more"),)

    def stop(self) -> None:
        """Record that the post stops."""
        details: dict[str, JsonValue] = {"frames": self._counters.frames, "reads": self._counters.reads}
        self._logbook.audit.record("stop", details=details)
        self._logbook.records.record(self._offline())

    def birth(self) -> None:
        """Say the present state after every connection, for the broker may have published the will meanwhile.

        A connection that comes and goes again and again must last first; `tick` records the status then. Called in the
        uplink's thread, which must not wait for a full disk that only delivery can empty: what cannot be stored raises,
        and the uplink tries again.

        Raises:
            OutboxError: it cannot be stored now.

        """
        self._certificate.read()
        if not self._in_birth and self._comes_too_often():
            return
        self._in_birth = True  # one that is called again is of no other connection
        self._faults_changed(self._faults.update())
        self._logbook.recorder.record(self._status())
        self._repeat_at = self._clock.steady() + FIRST_REPEAT_SECONDS
        self._in_birth = False

    def will(self) -> Envelope:
        """Sign what the broker says in the post's place when the post falls silent."""
        return self._logbook.recorder.unchained(self._offline())

    def _repeat(self, now: float) -> None:
        settings = self._logbook.settings
        try:
            envelope = self._logbook.recorder.unchained(self._status())
        except OutboxError as error:
            log.warning("the status is not repeated: %s", error)
            return
        self._uplink.send_now(envelope, expiry_seconds=settings.status_valid_seconds)
        self._repeat_at = now + settings.status_seconds

    def _faults_changed(self, faults: Collection[Fault]) -> bool:
        """Take note of the present faults; True if they are not those of the last status."""
        present = frozenset(faults)
        if present == self._told:
            return False
        self._told = present
        self._since = self._logbook.timekeeper.now()
        return True

    def _broker_certificate_days(self) -> int | None:
        """Return how many days are left of the broker's certificate; None before the first connection."""
        ends = self._uplink.state().certificate_expires
        return None if ends is None else (ends - self._logbook.timekeeper.now()) // timedelta(days=1)

    def _broker_certificate_ends(self) -> int | None:
        """Return the same where it is few, None else."""
        days = self._broker_certificate_days()
        return None if days is None or days >= BROKER_CERTIFICATE_DAYS else days

    def _notices_changed(self) -> bool:
        """Take note of what notices and the list say; True if it is not what the last status said."""
        hotlist, now = self._hotlist.state(), self._clock.steady()
        # A clock that is set to and fro makes a list old and young again and again.
        ends = self._broker_certificate_ends()
        reported = (hotlist.state, hotlist.version, hotlist.near_alternatives, ends, self._unlisted())
        seen = self._list_states.settle({reported}, now=now)
        changed, self._list_told = seen != self._list_told, seen
        return changed

    def _unlisted(self) -> bool:
        """Tell whether no synthetic hit can be made, though one should be."""
        return self.synthetic is not None and self.synthetic.unlisted

    def _comparing_changed(self) -> bool:
        """Take note of whether reads are being compared; True if the last status says otherwise."""
        before, self._comparing = self._comparing, Fault.READS_FEWER in self._faults.undecided()
        return before != self._comparing

    def _comes_too_often(self) -> bool:
        """Take note of a connection; True if it must last before it is reported."""
        now = self._clock.steady()
        with self._lock:
            self._absence.update(there=True, now=now)
            self._absence.update(there=False, now=now)
            self._birth_waits = self._absence.present
            return self._birth_waits

    def _birth_due(self) -> bool:
        """Tell, once, whether the connection has lasted for as long as it had to."""
        with self._lock:
            if not self._birth_waits:
                return False
            self._absence.update(there=not self._uplink.state().connected, now=self._clock.steady())
            self._birth_waits = self._absence.present
            return not self._birth_waits

    def _status(self) -> Status:
        present = reasons(self._told or ())
        return self._record("degraded" if present else "online", since=self._since, present=present)

    def _offline(self) -> Status:
        return self._record("offline", since=self._logbook.timekeeper.now())

    def _record(self, state: str, *, since: datetime, present: object = ()) -> Status:
        hotlist, context = self._hotlist.state(), self._reporter.context
        return Status.model_validate(
            {
                "clock": self._logbook.timekeeper.quality(),
                "state": state,
                "reasons": present,
                "since": since,
                "valid_seconds": None if state == "offline" else self._logbook.settings.status_valid_seconds,
                "boot": self._logbook.run,
                "place": context.place,
                "versions": context.versions,
                "hotlist": hotlist,
                "notices": notices(
                    hotlist,
                    self._unusual,
                    custody=self._logbook.outbox.requirements.in_force,
                    comparing=self._comparing,
                    broker_certificate_days=self._broker_certificate_ends(),
                    unlisted=self._unlisted(),
                ),
                "configuration": None if self._control is None else self._control.state(),
                "keys": () if self._control is None else self._control.keys(),
                "last_read": self._reporter.last_read,
                "last_synthetic": None if self.synthetic is None else self.synthetic.last,
                "certificate_expires": self._certificate.expires,
            }
        )
