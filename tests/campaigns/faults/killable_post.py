"""A light post that can be killed at any time: a post's own recorder, outbox and uplink; the vehicles are made up.

It runs as a process of its own, forked from one that has loaded everything, so that killing it is cheap and thorough.
Not simulated here: camera, vision, hot list, control; the campaign kills whole posts (`platepost run`) beside it.
"""

import logging
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ctypes import c_double
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

from platepost.common.errors import OutboxError
from platepost.common.secrets.certificate import certificate
from platepost.device import config
from platepost.device.clock.clock import Clock
from platepost.device.clock.timekeeper import Timekeeper
from platepost.device.config import Configuration
from platepost.device.control.keys.rotation import KeyRotation
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.custody.service import CustodyService
from platepost.device.logbook import Logbook
from platepost.device.outbox.outbox import Outbox
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.uplink.settings import UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.passages import CATEGORIES, SeenVehicle
from platepost.wire.faults import Fault, reasons
from platepost.wire.records import ChainHead, Dropped, Envelope, Lost, RecordData, Recorder, new_identifier
from tests.campaigns.faults.storage_log import LoggedRecord

TICK_SECONDS = 1.0
HITS = 0.1
"""Share of the made-up records; all others are reads."""
COVERT = 0.3
"""Share of the hits that concern a distribution group alone, where there is one."""
EXIT_OUTBOX = 3
"""Exit code of a post that could not open its outbox: its supervisor starts it again."""
DRAIN_SECONDS = 30.0
_RECONNECT_SECONDS = 0.1
LEFT_OUT_SECONDS = 3.0
"""By default, after which what a custodian's receipts leave out is sent once more."""
_IMPATIENT = UplinkTiming(
    keepalive_seconds=2,
    connect_timeout_seconds=3.0,
    max_backoff_seconds=1.0,
    first_refusal_wait_seconds=0.2,
    max_refusal_wait_seconds=1.0,
    first_resend_seconds=2.0,
    max_resend_seconds=10.0,
)
"""The uplink's patience, shortened so that an hour's trouble fits into minutes."""


class LoggedStore:
    """An outbox that tells the judge of each record before anyone else hears that it is stored."""

    def __init__(self, outbox: Outbox, stored: Connection) -> None:
        self._outbox = outbox
        self._stored = stored
        self._turn = threading.Lock()

    @property
    def head(self) -> ChainHead:
        """The end of the chain."""
        return self._outbox.head

    def append(self, make: Callable[[ChainHead], Envelope]) -> Envelope:
        """Store one record and write it down."""
        return self._publish(self._outbox.append(make))

    def append_covert(self, make: Callable[[ChainHead], Envelope], *, group: str) -> Envelope:
        """Store one record of a distribution group and write it down."""
        return self._publish(self._outbox.append_covert(make, group=group))

    def covert_heads(self) -> tuple[ChainHead, ...]:
        """Return the ends of the groups' chains."""
        return self._outbox.covert_heads()

    def append_account(self, make: Callable[[ChainHead, Dropped], Envelope]) -> Envelope | None:
        """Do the same with the account of what was dropped."""
        envelope = self._outbox.append_account(make)
        return None if envelope is None else self._publish(envelope)

    def append_loss(self, make: Callable[[ChainHead, Lost], Envelope]) -> Envelope | None:
        """Do the same with the account of what damage has cost."""
        envelope = self._outbox.append_loss(make)
        return None if envelope is None else self._publish(envelope)

    def _publish(self, envelope: Envelope) -> Envelope:
        with self._turn:
            self._stored.send_bytes(LoggedRecord.of(envelope).dump())
        return envelope


class CourseClock(Clock):
    """The post's clock, which the campaign sets wrong, or has run ahead so that a week passes in minutes.

    Args:
        offset: seconds by which it is ahead.
        runs: whether the offset is time that passes by every clock, or an error of the time of day alone.

    """

    def __init__(self, offset: c_double, *, runs: bool) -> None:
        self._offset, self._runs = offset, runs

    def steady(self) -> float:
        """Return the seconds of a clock that is never set."""
        return monotonic() + (self._offset.value if self._runs else 0.0)

    def wall(self) -> float:
        """Return the seconds since 1970, as wrong as the campaign makes them."""
        return time.time() + self._offset.value


class KillablePost:
    """A light post that records vehicles at a rate until it is told to stop, or is killed at any moment."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        vehicles: Sequence[SeenVehicle],
        step: float,
        stored: Connection,
        offset: c_double,
        rate: c_double,
        missing_receipt_resend_seconds: float,
        covert: str | None,
    ) -> None:
        """Open the outbox; nothing is connected yet.

        Args:
            configuration: the post's.
            vehicles: of which any passes next.
            step: seconds by which the time of day advances with every record, beyond what passes: a week in a minute.
            stored: where it tells what is stored.
            offset: by how many seconds its clock is wrong at present.
            rate: how many records a second it makes at present, as far as the disk takes them.
            missing_receipt_resend_seconds: after which what a custodian's receipts leave out is sent once more.
            covert: the distribution group that some of its hits concern alone.

        Raises:
            OutboxError: it cannot be opened.
        """
        self._stop = threading.Event()
        self._vehicles, self._step, self._offset, self._rate = vehicles, step, offset, rate
        self._draw = random.Random()
        self._covert = covert
        self._clock = clock = CourseClock(offset, runs=bool(step))
        self._outbox = Outbox.of(configuration.outbox, clock=clock)
        self._timekeeper = Timekeeper(
            configuration.outbox.path.parent / "clock.json",
            trusted=[certificate(configuration.uplink.certificate).not_valid_before_utc],
            wall=clock.wall,
            steady=clock.steady,
        )
        self._recorder = Recorder.of(
            configuration.records,
            LoggedStore(self._outbox, stored),
            configuration.post.source,
            now=self._timekeeper.now,
        )
        self._records = RetryingRecorder(self._recorder, stop=self._stop)
        self._logbook = Logbook(
            self._outbox, self._records, self._timekeeper, run=new_identifier(), settings=configuration.records
        )
        self._audit = self._logbook.audit
        self._post = LightPost(
            self._recorder,
            place=configuration.post.place,
            configuration=configuration.digest,
            clock=self._timekeeper.quality,
            now=self._timekeeper.now,
        )
        self._uplink = Uplink(
            configuration.uplink.model_copy(update={"reconnect_seconds": _RECONNECT_SECONDS}),
            self._outbox,
            client_id=configuration.post.name,
            timing=replace(_IMPATIENT, missing_receipt_resend_seconds=missing_receipt_resend_seconds),
            earliest=self._timekeeper.earliest,
            utc=self._timekeeper.now,
        )
        source, hotlist = configuration.post.source, configuration.hotlist
        trust = TrustedKeys.of(source.agency, hotlist.issuer_key, configuration.control, configuration.custody.given)
        self._custody = CustodyService(
            configuration.custody,
            trust.custodians,
            self._logbook,
            self._uplink,
            folder=configuration.outbox.path.parent,
        )
        self._custody_faults: set[Fault] = set()
        self._rotation = KeyRotation(
            trust, agency=source.agency, audit=self._logbook.rate_limited, timekeeper=self._timekeeper
        )
        self._rotation.listen(self._uplink)
        # After the custody, so that records wait for a new custodian before the post says that they do.
        trust.custodians.on_changed(self._tell_status)
        self._post.keys = lambda: trust.state(self._timekeeper.now())
        self._uplink.will = self._post.will
        self._uplink.on_connected = lambda: self._recorder.record(self._post.status("online"))
        self._set_aside = 0

    def stop(self) -> None:
        """End after the present record, and deliver what waits."""
        self._stop.set()

    def run(self) -> None:
        """Record until told to stop; then deliver what waits, as far as the time given allows."""
        self._uplink.start()
        try:
            self._audit.record("boot")
            self._work()
            with suppress(OutboxError):  # a disk that is still full: what is stored is delivered
                self._audit.record("stop")
                self._account()
        finally:
            self._uplink.drain(DRAIN_SECONDS)
            self._timekeeper.save()
            self._outbox.close()

    def _work(self) -> None:
        due = tick = monotonic()
        while not self._stop.wait(max(0.0, due - monotonic())):
            due = max(due, monotonic() - 1.0) + 1.0 / self._rate.value
            try:
                self._records.record(self._next())
            except OutboxError:  # told to stop while the disk takes nothing
                return
            if self._step:  # otherwise the campaign alone sets it
                self._offset.value += self._step
            if monotonic() >= tick:
                tick = monotonic() + TICK_SECONDS
                self._tick()

    def _next(self) -> RecordData:
        vehicle = self._draw.choice(self._vehicles)
        if self._draw.random() < HITS:
            hit = self._post.hit(vehicle, category=self._draw.choice(CATEGORIES))
            covert = self._covert is not None and self._draw.random() < COVERT
            return hit.model_copy(update={"distribution": self._covert}) if covert else hit
        return self._post.read(vehicle)

    def _tick(self) -> None:
        self._rotation.poll(self._clock.steady())
        self._custody.poll(self._clock.steady())
        self._tell_faults()
        step = self._timekeeper.poll()
        if step is not None and not self._step:
            self._audit.record("clock_stepped", source="clock", details={"seconds": round(step.seconds, 3)})
        for file in self._outbox.set_aside[self._set_aside :]:
            self._set_aside += 1
            self._audit.record("outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name)
        with suppress(OutboxError):
            self._account()

    def _tell_status(self) -> None:
        with suppress(OutboxError):  # the next start says it
            self._recorder.record(self._post.status())

    def _tell_faults(self) -> None:
        """Say in the status what is wrong with custody, and how old the oldest record without receipts is."""
        faults = self._custody.faults()
        if faults == self._custody_faults:
            return
        self._custody_faults = faults
        age = " ".join(finding.said for finding in self._custody.findings())
        self._post.degrade(**{reason.name: f"{reason.message} ({age})"[:200] for reason in reasons(faults)})
        self._tell_status()

    def _account(self) -> None:
        clock = self._timekeeper.quality()
        while self._recorder.account_for_losses(clock=clock) is not None:
            pass
        self._recorder.account_for_drops(clock=clock)


def run(*, configuration: Path, log: Path, **given: Any) -> None:
    """Run a light post in this process until SIGTERM, by its `post.toml`; `log` is where its warnings go."""
    logging.raiseExceptions = False  # the log's own disk may be full
    logging.basicConfig(
        filename=log, level=logging.WARNING, format="%(asctime)s %(process)d %(threadName)s %(message)s"
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        post = KillablePost(config.load(configuration), **given)
    except OutboxError as error:
        logging.getLogger(__name__).warning("no outbox: %s", error)
        sys.exit(EXIT_OUTBOX)

    def heed() -> None:
        told.wait()
        post.stop()

    threading.Thread(target=heed, name="stop", daemon=True).start()
    post.run()
