"""A light post: a post's own recorder, outbox and uplink, without camera and vision; the passages are made up.

It runs as a process of its own, forked from one that has loaded everything, so that killing it is cheap and thorough.
Not simulated here: camera, vision, hot list, control; the campaign kills whole posts (`platepost run`) beside it.
"""

import logging
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from time import monotonic

from device import __version__, assembly, config
from device.errors import OutboxError
from device.health.clock import clock_quality
from device.outbox import Outbox
from device.persistence import PersistentRecorder
from device.records import (
    Audit,
    ClockQuality,
    Envelope,
    HotListState,
    Place,
    RecordData,
    Recorder,
    Signer,
    Source,
    Status,
    Versions,
    new_identifier,
)
from device.uplink import Uplink
from simulator.faults.journal import Entry
from simulator.faults.passages import hit_of, read_of

ACCOUNT_SECONDS = 1.0
HITS, AUDITS = 0.1, 0.03
"""Shares of the records; all others are reads."""
LIST = HotListState(state="none")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """The uplink's patience, shortened so that an hour's trouble fits into minutes."""

    keepalive_seconds: int = 2
    connect_timeout_seconds: float = 3.0
    will_delay_seconds: int = 1
    backoff_first_seconds: float = 0.1
    backoff_most_seconds: float = 1.0
    refusal_first_seconds: float = 0.2
    refusal_most_seconds: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """What a light post is told."""

    configuration: Path
    log: Path
    rate: float
    """Records a second, as far as the disk takes them."""
    step: float = 0.0
    """Seconds by which the time of day advances with every record, beyond what passes: a week in a minute."""
    drain_seconds: float = 30.0
    patience: Patience = Patience()


class JournallingRecorder(Recorder):
    """A recorder that tells the judge of each record before anybody else hears that it is stored."""

    def __init__(
        self, outbox: Outbox, signer: Signer, source: Source, *, journal: Connection, now: Callable[[], datetime]
    ) -> None:
        super().__init__(outbox, signer, source, now=now)
        self._journal = journal
        self._turn = threading.Lock()

    def record(self, data: RecordData) -> Envelope:
        """Store one record and write it down."""
        return self._tell(super().record(data))

    def account_for_drops(self, *, clock: ClockQuality) -> Envelope | None:
        """Put what was dropped into the audit trail, and write that down too."""
        envelope = super().account_for_drops(clock=clock)
        return None if envelope is None else self._tell(envelope)

    def _tell(self, envelope: Envelope) -> Envelope:
        with self._turn:
            self._journal.send_bytes(Entry.of(envelope).dump())
        return envelope


class LightPost:
    """The parts of a post that keep records, driven by made-up passages."""

    def __init__(self, settings: SourceSettings, journal: Connection, offset: "Synchronized[float]") -> None:
        self._settings = settings
        configuration = config.load(settings.configuration)
        self._stop = threading.Event()
        self._offset = offset
        self._place = assembly.place(configuration)
        self._versions = Versions(software=__version__, configuration=configuration.digest[:16])
        self._boot = new_identifier()
        self._began = datetime.now(UTC)
        self._draw = random.Random()
        self._outbox = assembly.outbox(configuration)
        source = Source(configuration.post.agency, configuration.post.name)
        signer = Signer.from_file(configuration.records.signing_key)
        self._recorder = JournallingRecorder(self._outbox, signer, source, journal=journal, now=self._now)
        self._records = PersistentRecorder(self._recorder, stop=self._stop)
        patience = {name: getattr(settings.patience, name) for name in Patience.__dataclass_fields__}
        self._uplink = Uplink(
            replace(assembly.uplink_settings(configuration), **patience),
            self._outbox,
            will=lambda: self._recorder.unchained(self._status("offline")),
            on_connected=lambda: self._recorder.record(self._status("online")),
        )
        self._set_aside = 0

    def stop(self) -> None:
        """End after the record at hand, and deliver what waits."""
        self._stop.set()

    def run(self) -> None:
        """Record until told to stop; then deliver what waits, as far as the time given allows."""
        self._uplink.start()
        try:
            self._say("boot", details={"boot": self._boot})
            self._work()
            with suppress(OutboxError):
                self._say("stop")
                self._recorder.account_for_drops(clock=clock_quality())
        finally:
            self._uplink.stop(drain_seconds=self._settings.drain_seconds)
            self._outbox.close()

    def _work(self) -> None:
        due = account = monotonic()
        while not self._stop.wait(max(0.0, due - monotonic())):
            due = max(due, monotonic() - 1.0) + 1.0 / self._settings.rate
            self._records.record(self._next())
            with self._offset.get_lock():
                self._offset.value += self._settings.step
            if monotonic() >= account:
                account = monotonic() + ACCOUNT_SECONDS
                self._account()

    def _next(self) -> RecordData:
        kind = self._draw.random()
        if kind < HITS:
            return hit_of(self._draw, self._now(), place=self._place, versions=self._versions)
        if kind < HITS + AUDITS:
            return self._audit("key_use", details={"number": self._draw.randrange(10**6)})
        return read_of(self._draw, self._now(), place=self._place, versions=self._versions)

    def _account(self) -> None:
        for file in self._outbox.set_aside[self._set_aside :]:
            self._set_aside += 1
            self._say("outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name)
        with suppress(OutboxError):
            self._recorder.account_for_drops(clock=clock_quality())

    def _say(self, action: str, **more: object) -> None:
        self._records.record(self._audit(action, **more))

    def _audit(self, action: str, **more: object) -> Audit:
        values = {
            "clock": clock_quality(),
            "action": action,
            "occurred": self._now(),
            "where": self._recorder.source.post,
            "source": "post",
            "outcome": "success",
            "identity": self._recorder.source.post,
        }
        return Audit.model_validate(values | more)

    def _status(self, state: str) -> Status:
        return Status.model_validate(
            {
                "clock": clock_quality(),
                "state": state,
                "since": self._began,
                "boot": self._boot,
                "place": Place(site=self._place.site),
                "versions": self._versions,
                "hotlist": LIST,
            }
        )

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset.value)


def run(settings: SourceSettings, journal: Connection, offset: "Synchronized[float]") -> None:
    """Run a light post in this process until SIGTERM."""
    logging.raiseExceptions = False  # the log's own disk may be full
    logging.basicConfig(
        filename=settings.log, level=logging.WARNING, format="%(asctime)s %(process)d %(threadName)s %(message)s"
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    post = LightPost(settings, journal, offset)

    def heed() -> None:
        told.wait()
        post.stop()

    threading.Thread(target=heed, name="stop", daemon=True).start()
    post.run()
