"""One post, wired together. Read this first.

::

    camera -> capture -> vision -> reporting -> recorder -> outbox -> uplink -> the department
                                       |                                |
                                    hot list  <-------------------------+

Frames, passages and records go one way, in this thread; capture and the uplink have threads of their own, with a
short queue and the outbox between. The uplink brings hot lists back, which are verified and swapped in whole.

A post is a tuple of parts (`platepost.device.part`). Here they are made, each with the one or two others that it uses,
and here is the loop that runs them. Each package beside this file has one subject: its settings, how it works, and its
part of a post.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from platepost.common.secrets.certificate import certificate
from platepost.common.systemd import Notifier
from platepost.device.board.status_light import StatusLight
from platepost.device.board.tamper import TamperMonitor
from platepost.device.camera.lens import LensMonitor
from platepost.device.camera.recovery import Recovery
from platepost.device.camera.snapshot import Snapshot
from platepost.device.camera.supervisor import CameraSupervisor
from platepost.device.clock.timekeeper import Timekeeper, TimeSource
from platepost.device.config import Configuration
from platepost.device.control.commands import CommandExecutor, doers
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.control.service import RemoteControl, remote_configuration
from platepost.device.control.software import SoftwareUpdates
from platepost.device.custody.service import CustodyService
from platepost.device.diagnosis import FaultMonitor
from platepost.device.enrollment.acceptance import Acceptance
from platepost.device.enrollment.logins import Logins
from platepost.device.enrollment.renewal import Renewal
from platepost.device.frame import Frame
from platepost.device.health.boot_counter import BootCounter
from platepost.device.health.certificate import CertificateMonitor
from platepost.device.health.clock_steps import ClockStepMonitor
from platepost.device.health.heartbeat import Heartbeat
from platepost.device.health.machine import MachineMonitor
from platepost.device.health.read_rate import ReadRateMonitor
from platepost.device.health.status import StatusReporter
from platepost.device.health.supervision import Lifecycle
from platepost.device.hotlist.download import HotListDownload
from platepost.device.hotlist.service import HotListService
from platepost.device.hotlist.spool import PackageSpool
from platepost.device.logbook import Logbook
from platepost.device.outbox.retrying import RetryingRecorder
from platepost.device.part import Interval, Part
from platepost.device.recording import Recordings
from platepost.device.reporting.reporter import RecordContext, Reporter
from platepost.device.reporting.service import ReportingService
from platepost.device.reporting.surge import HitSurge
from platepost.device.reporting.synthetic import SyntheticHits
from platepost.device.rig import Rig
from platepost.device.uplink.forks import ChainForkDetector
from platepost.device.uplink.takeover import SessionTakeover
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.model_loader import ModelLoader, versions_of
from platepost.device.vision.pipeline import Pipeline, VisionService
from platepost.wire.hotlist import HotListStore
from platepost.wire.records import Finding, Keyring

log = logging.getLogger(__name__)

POLL_SECONDS = 0.25
"""How often every part is polled: a tamper switch is noticed within a second."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run of a post came to."""

    frames: int
    dropped: int
    reads: int
    hits: int
    withdrawn: int
    undelivered: int
    """Records that wait in the outbox without acknowledgment."""
    restart: bool = False
    """Whether an operator asked for the software to begin again."""
    ailing: bool = False
    """Whether the camera needs that, and a new process for it."""


class Post:
    """One post, from its configuration to its last record."""

    def __init__(self, configuration: Configuration, *, rig: Rig | None = None) -> None:
        """Load everything that can be wrong before anything starts.

        Raises:
            ConfigurationError: a key file or certificate is unreadable or of the wrong kind.
            BackendError: a backend or the TFLite runtime is missing.
            OutboxError: the outbox cannot be opened.

        """
        self._rig = rig = rig or Rig()
        self._stop = rig.clock.event()
        self._restart = False
        self._poll_due = Interval(POLL_SECONDS)

        # A signed configuration that was accepted before replaces the file's, for all that follows.
        source, control = configuration.post.source, configuration.control
        trust = TrustedKeys.of(source.agency, configuration.hotlist.issuer_key, control, configuration.custody.given)
        remote = remote_configuration(configuration, control, trust, source, clock=rig.clock)
        if remote is not None:
            configuration = remote.start()
        self._configuration = configuration
        folder = configuration.outbox.path.parent

        # What can be missing on this unit comes before the outbox is opened.
        self._models = ModelLoader(partial(rig.recognizer, configuration.vision), clock=rig.clock)
        self._models.on_loaded = self._apply_again
        camera = rig.camera(configuration.camera)

        # Records, the time that dates them, and their way to the department.
        time_source = rig.time_source()
        self._logbook = logbook = _logbook(configuration, rig, time_source, self._stop, on_wait=self._while_waiting)
        timekeeper = logbook.timekeeper
        self._uplink = _uplink(configuration, rig, logbook)
        self._faults = FaultMonitor(rig.clock)

        # From a frame to records: vision, the hot list, reporting.
        self._hotlist = _hotlist(configuration, logbook, trust)
        self._vision = _vision(configuration, rig, self._models)
        reporter = _reporter(configuration, rig, logbook, self._hotlist, self._models, camera_name=camera.name)
        self._reporting = ReportingService(reporter, self._models, audit=logbook.audit)
        synthetic = SyntheticHits(configuration.reporting, logbook, reporter, identify=rig.identify)

        # What keeps the camera and the software going.
        self._board = rig.board(configuration.board)
        boots = BootCounter(folder, Notifier(), clock=rig.clock)
        self._camera = CameraSupervisor(
            camera,
            self._board,
            Recovery(
                folder / "camera.json",
                reboot=partial(boots.reboot, logbook.audit, reason="camera"),
                tuning=rig.camera_tuning,
            ),
            logbook.rate_limited,
            capture=partial(rig.capture, queue_frames=configuration.vision.queue_frames),
            stop=self._stop,
            tuning=rig.camera_tuning,
        )
        self._lifecycle = Lifecycle(
            folder, logbook, boots, faults=self._faults, uplink=self._uplink, supervisor=self._camera
        )

        # Who the post is, and what it accepts from the department.
        self._acceptance = Acceptance(configuration.acceptance, source, configuration.records)
        certificate_expiry = CertificateMonitor(configuration.uplink.certificate, timekeeper)
        snapshot = Snapshot()
        renewal = _renewal(configuration, logbook)
        self._control: RemoteControl[Configuration] | None = None
        if remote is not None and control is not None:
            actions = doers(
                check_up=self._check_up,
                snapshot=snapshot,
                restart=self._restart_software,
                renew=None if renewal is None else renewal.order,
            )
            self._control = RemoteControl(
                remote,
                trust,
                logbook,
                self._uplink,
                faults=self._faults,
                commands=CommandExecutor.of(control, logbook, send=self._uplink.send_now, doers=actions),
                stale_by=self._hotlist.stale_by,
            )
        # After the control, because a list may be signed with a key that arrives with it.
        list_folder = configuration.hotlist.directory
        download = HotListDownload(self._hotlist, self._uplink, agency=source.agency, directory=list_folder)
        for listener in (self._hotlist.let_go, download.again):
            trust.lists.on_changed(listener)

        # How the post is, for the department.
        status = StatusReporter(
            logbook,
            reporter,
            self._uplink,
            counters=self._vision.pipeline.counters,
            faults=self._faults,
            certificate=certificate_expiry,
            control=self._control,
        )
        status.synthetic = synthetic
        status.adjust(configuration)
        self._heartbeat = Heartbeat(
            logbook,
            self._vision.pipeline,
            reporter,
            supervisor=self._camera,
            uplink=self._uplink,
            settings=configuration.records,
            folder=folder,
        )

        parts: tuple[Part | None, ...] = (
            self._hotlist,
            logbook,
            StatusLight(self._board, self._faults),
            self._lifecycle,
            self._uplink,
            status,
            self._heartbeat,
            logbook.rate_limited,
            _fork_detector(configuration, logbook, self._uplink),
            SessionTakeover(self._uplink, logbook.rate_limited),
            ClockStepMonitor(
                timekeeper,
                logbook.rate_limited,
                time_source,
                hotlist=self._hotlist,
                download=download,
                uplink=self._uplink,
            ),
            certificate_expiry,
            MachineMonitor(folder, ask=rig.machine),
            TamperMonitor(self._board, logbook.audit),
            LensMonitor(folder),
            synthetic,
            ReadRateMonitor(folder, self._vision.pipeline.counters, timekeeper, self._camera),
            self._models,
            self._acceptance,
            self._control,
            CustodyService(configuration.custody, trust.custodians, logbook, self._uplink, folder=folder),
            download,
            PackageSpool(list_folder, self._hotlist.install_file),
            renewal,
            SoftwareUpdates(folder, configuration.software, audit=logbook.audit, timekeeper=timekeeper),
            Logins(folder, configuration.service, audit=logbook.rate_limited),
            snapshot,
            _recordings(configuration, logbook, evaluated_with=self._evaluated_with),
            self._vision,
            self._reporting,
            self._camera,
        )
        self._parts = tuple(part for part in parts if part is not None)
        self._faults.watch(self._parts)

    def stop(self) -> None:
        """Ask a running post to end; from any thread, but not from a signal handler, which may hold the same lock."""
        self._stop.set()

    @property
    def connected(self) -> bool:
        """Whether the broker is there at present."""
        return self._uplink.state().connected

    def connect_now(self) -> None:
        """Have the uplink try at once if it is pausing: someone at the post knows that the network is back."""
        self._uplink.retry_now()

    def run(self) -> Account:
        """Run until stopped, or until footage ends; then deliver what waits, as far as the time given allows.

        Raises:
            CameraError: footage cannot be played.
            OutboxError: the post was stopped while a record could not be stored.

        """
        with self._logbook.outbox, self._board:
            with ExitStack() as stack:
                for part in self._parts:
                    stack.callback(part.stop)
                    part.start()
                self._wait_until_ready()
                if not self._stop.is_set():
                    self._lifecycle.serves()
                    self._serve()
            return self._account()

    # --- the loop

    def _wait_until_ready(self) -> None:
        while not self._stop.is_set() and not self._ready:
            self._poll()
            self._stop.wait(POLL_SECONDS)

    @property
    def _ready(self) -> bool:
        accepted = self._rig.accepting or not self._acceptance.missing
        return accepted and self._hotlist.in_service and not self._models.damaged and not self._lifecycle.holds_back

    def _serve(self) -> None:
        """Evaluate frames until stopped, until footage ends, or until only a restart helps the camera."""
        while not self._stop.is_set():
            with closing(self._camera.watch()) as frames:
                for frame in frames:
                    if frame is not None:
                        self._evaluate(frame)
                    self._poll()
            self._end_passages()
            if self._stop.is_set() or self._camera.done:
                return
            for _ in self._camera.recover():
                self._poll()
            if self._camera.done:
                return

    def _evaluate(self, frame: Frame) -> None:
        """Pass a frame to every part, then through vision, and report the result."""
        for part in self._parts:
            part.update(frame)
        result = self._vision.evaluate(frame)
        self._camera.meter(frame, [sighting.plate.box for sighting in result.sightings])
        self._reporting.report(result)
        if self._reporting.list_changed():
            self._reporting.reporter.recount_surge()
            self._reporting.reporter.recheck(self._vision.pipeline.passages)
            self._vision.pipeline.recheck_repeats()

    def _end_passages(self) -> None:
        """Report what was seen so far: no further frames come, or they are evaluated differently."""
        self._reporting.report_ended(self._vision.pipeline.finish())

    def _poll(self) -> None:
        """Poll every part if it is time, and apply another configuration where one has come."""
        now = self._rig.clock.steady()
        if not self._poll_due.due(now):
            return
        for part in self._parts:
            if not part.reports_faults:
                part.poll(now)
        self._faults.update()
        for part in self._parts:
            if part.reports_faults:
                part.poll(now)
        pending = None if self._control is None else self._control.take_pending()
        if pending is not None:
            self._apply(pending)

    def _apply(self, configuration: Configuration) -> None:
        """Apply another configuration from the next frame on; what was seen so far is reported first."""
        self._end_passages()
        self._configuration = configuration
        for part in self._parts:
            part.adjust(configuration)
        log.warning("another configuration is active: %s", configuration.digest[:16])

    def _account(self) -> Account:
        counters, reporter = self._vision.pipeline.counters, self._reporting.reporter
        return Account(
            frames=counters.frames,
            dropped=self._camera.dropped,
            reads=counters.reads,
            hits=reporter.hits,
            withdrawn=reporter.withdrawn,
            undelivered=self._logbook.outbox.depth(),
            restart=self._restart,
            ailing=self._camera.restart,
        )

    # --- called by parts that are made before what they call

    def _apply_again(self) -> None:
        """Use networks whose files have been repaired."""
        self._apply(self._configuration)

    def _evaluated_with(self) -> dict[str, Any]:
        """Return the configuration, models and software that frames are evaluated with now."""
        fields = self._configuration.model_dump(mode="json", include={"post", "camera", "vision", "passages"})
        versions = self._reporting.reporter.context.versions
        return {"configuration": fields, "versions": versions.model_dump(mode="json")}

    def _check_up(self) -> tuple[Finding, ...]:
        return tuple(finding for part in self._parts for finding in part.findings())

    def _while_waiting(self) -> None:
        """Keep systemd and the department informed while a record waits for the disk."""
        self._lifecycle.while_waiting()
        self._heartbeat.poll(self._rig.clock.steady())

    def _restart_software(self) -> None:
        self._restart = self._lifecycle.restart = True
        self._stop.set()


def _logbook(
    configuration: Configuration, rig: Rig, time_source: TimeSource, stop: Event, *, on_wait: Callable[[], None]
) -> Logbook:
    outbox = rig.outbox(configuration.outbox)
    timekeeper = Timekeeper.beside(
        configuration.outbox.path,
        time_source,
        valid=certificate(configuration.uplink.certificate),
        last=outbox.head.time,
        clock=rig.clock,
    )
    recorder = rig.recorder(configuration.records, outbox, configuration.post.source, now=timekeeper.now)
    records = RetryingRecorder(recorder, stop=stop, clock=rig.clock)
    records.on_wait = on_wait
    return Logbook(outbox, records, timekeeper, run=rig.identify(), settings=configuration.records)


def _uplink(configuration: Configuration, rig: Rig, logbook: Logbook) -> Uplink:
    return rig.uplink(
        configuration.uplink,
        logbook.outbox,
        client_id=configuration.post.source.post,
        earliest=logbook.timekeeper.earliest,
        utc=logbook.timekeeper.now,
    )


def _hotlist(configuration: Configuration, logbook: Logbook, trust: TrustedKeys) -> HotListService:
    settings, timekeeper = configuration.hotlist, logbook.timekeeper
    issuers = trust.issuers(timekeeper.now)
    store = HotListStore.of(settings, agency=configuration.post.source.agency, issuers=issuers)
    return HotListService(store, settings, logbook.audit, rate_limited=logbook.rate_limited, timekeeper=timekeeper)


def _vision(configuration: Configuration, rig: Rig, models: ModelLoader) -> VisionService:
    pipeline = Pipeline(models.recognizer, vision=configuration.vision, passages=configuration.passages)
    return VisionService(models, pipeline, observer=rig.observer)


def _reporter(
    configuration: Configuration,
    rig: Rig,
    logbook: Logbook,
    hotlist: HotListService,
    models: ModelLoader,
    *,
    camera_name: str,
) -> Reporter:
    versions = versions_of(configuration.digest, models.recognizer)
    return Reporter(
        logbook.records,
        hotlist,
        clock=logbook.timekeeper.quality,
        context=RecordContext(camera_name[:64], configuration.post.place, versions),
        settings=configuration.records,
        identify=rig.identify,
        surge=HitSurge(rig.clock.steady),
    )


def _renewal(configuration: Configuration, logbook: Logbook) -> Renewal | None:
    return Renewal.of(
        configuration.enrollment,
        configuration.uplink,
        name=configuration.post.source.post,
        audit=logbook.audit,
        now=logbook.timekeeper.now,
        earliest=logbook.timekeeper.earliest,
    )


def _fork_detector(configuration: Configuration, logbook: Logbook, uplink: Uplink) -> ChainForkDetector:
    keys = Keyring.from_files(*configuration.records.key_files)
    head = logbook.outbox.head
    return ChainForkDetector(logbook.source, run=logbook.run, head=head, keys=keys, audit=logbook.audit, uplink=uplink)


def _recordings(
    configuration: Configuration, logbook: Logbook, *, evaluated_with: Callable[[], Mapping[str, Any]]
) -> Recordings:
    return Recordings(
        configuration.recording,
        logbook.audit,
        post=logbook.source.post,
        evaluated_with=evaluated_with,
        now=logbook.timekeeper.now,
        clock=logbook.clock,
    )
