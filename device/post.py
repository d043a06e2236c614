"""One post, wired together. Read this first.

::

    camera -> capture -> vision -> reporting -> recorder -> outbox -> uplink -> the department
                                       |                                |
                                    hot list  <-------------------------+

Frames, passages and records go one way, in this thread; capture and the uplink have threads of their own, with a
short queue and the outbox between. The uplink brings hot lists back, which are verified and swapped in whole.

A post is a tuple of parts (`platepost.device.part`). Here they are made, each with the one or two others that it uses,
and here are the stages of a run. Each room beside this file has one subject: its settings, how it works, and its part
of a post.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from platepost.common.secrets.certificate import certificate
from platepost.common.systemd import Notifier
from platepost.device.audit.retrying import RetryingRecorder
from platepost.device.board.status_light import StatusLight
from platepost.device.board.tamper import TamperMonitor
from platepost.device.camera.base import Camera
from platepost.device.camera.lens import LensMonitor
from platepost.device.camera.recovery import Recovery
from platepost.device.camera.snapshot import Snapshot
from platepost.device.camera.supervisor import Actions, CameraSupervisor
from platepost.device.clock.timekeeper import Timekeeper, TimeSource
from platepost.device.config import Configuration
from platepost.device.control.commands import CommandExecutor, doers
from platepost.device.control.keys.trust import TrustedKeys
from platepost.device.control.service import RemoteControl, remote_configuration
from platepost.device.custody.service import CustodyService
from platepost.device.diagnosis import FaultMonitor
from platepost.device.enrollment.acceptance import Acceptance
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
from platepost.device.part import Interval, Part
from platepost.device.recording import Recordings
from platepost.device.reporting.frames import FrameReporter
from platepost.device.reporting.reporter import Circumstances, Reporter
from platepost.device.reporting.surge import HitSurge
from platepost.device.reporting.synthetic import SyntheticHits
from platepost.device.rig import Rig
from platepost.device.uplink.forks import ChainForkDetector
from platepost.device.uplink.takeover import SessionTakeover
from platepost.device.uplink.uplink import Uplink
from platepost.device.vision.model_loader import ModelLoader, versions_of
from platepost.device.vision.pipeline import Pipeline
from platepost.wire.hotlist import HotListStore
from platepost.wire.records import Finding, Keyring

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How often every part looks around: a tamper switch is heard of within a second."""


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
        source, hotlists, control = configuration.post.source, configuration.hotlist, configuration.control
        trust = TrustedKeys.of(source.agency, hotlists.issuer_key, control, configuration.custody.given)
        remote = remote_configuration(configuration, control, trust, source, clock=rig.clock)
        if remote is not None:
            configuration = remote.start()
        self._configuration, folder = configuration, configuration.outbox.path.parent
        self._stop, self._round_due, self._restart = rig.clock.event(), Interval(TICK_SECONDS), False

        self._models = models = ModelLoader(partial(rig.recognizer, configuration.vision), clock=rig.clock)
        models.on_loaded = self._apply_again
        camera = rig.camera(configuration.camera)
        time_source = rig.time_source()
        self._logbook = logbook = _logbook(configuration, rig, time_source, self._stop, self._while_waiting)
        audit, limited, timekeeper = logbook.audit, logbook.rate_limited, logbook.timekeeper
        self._faults = faults = FaultMonitor(rig.clock)
        self._uplink = uplink = rig.uplink(
            configuration.uplink,
            logbook.outbox,
            client_id=source.post,
            earliest=timekeeper.earliest,
            utc=timekeeper.now,
        )
        self._board = board = rig.board(configuration.board)
        store = HotListStore.of(hotlists, agency=source.agency, issuers=trust.issuers(timekeeper.now))
        self._hotlist = hotlist = HotListService(store, hotlists, audit, rate_limited=limited, timekeeper=timekeeper)
        self._frames = frames = _frame_reporter(
            configuration, rig, logbook, hotlist=hotlist, models=models, camera=camera
        )
        boots = BootCounter(folder, Notifier(), clock=rig.clock)
        self._supervisor = supervisor = CameraSupervisor(
            camera,
            board,
            Recovery(folder / "camera.json", reboot=partial(boots.reboot, audit, reason="camera")),
            limited,
            capture=partial(rig.capture, queue_frames=configuration.vision.queue_frames),
            stop=self._stop,
        )
        self._acceptance = acceptance = Acceptance(configuration.acceptance, source, configuration.records)
        expiry, snapshot = CertificateMonitor(configuration.uplink.certificate, timekeeper), Snapshot()
        renewal = Renewal.of(
            configuration.enrollment,
            configuration.uplink,
            name=source.post,
            audit=audit,
            now=timekeeper.now,
            earliest=timekeeper.earliest,
        )
        self._control: RemoteControl[Configuration] | None = None
        if remote is not None and control is not None:
            renew = None if renewal is None else renewal.order
            done = doers(check_up=self._check_up, snapshot=snapshot, restart=self._begin_again, renew=renew)
            commands = CommandExecutor.of(control, logbook, send=uplink.send_now, doers=done)
            self._control = RemoteControl(
                remote, trust, logbook, uplink, faults=faults, commands=commands, stale_by=hotlist.stale_by
            )
        # After the control, for with a new key may come what it signed.
        download = HotListDownload(hotlist, uplink, agency=source.agency, directory=hotlists.directory)
        for listener in (hotlist.let_go, download.again):
            trust.lists.on_changed(listener)
        self._lifecycle = Lifecycle(folder, logbook, boots, faults=faults, uplink=uplink, supervisor=supervisor)
        status = StatusReporter(logbook, frames, uplink, faults=faults, certificate=expiry, control=self._control)
        synthetic = SyntheticHits(configuration.reporting, logbook, frames.reporter, identify=rig.identify)
        status.synthetic = synthetic
        status.adjust(configuration)
        self._heartbeat = Heartbeat(logbook, frames, supervisor, uplink, settings=configuration.records, folder=folder)
        parts: tuple[Part | None, ...] = (
            hotlist,
            logbook,
            StatusLight(board, faults),
            self._lifecycle,
            uplink,
            status,
            self._heartbeat,
            limited,
            _fork_detector(configuration, logbook, uplink),
            SessionTakeover(uplink, limited),
            ClockStepMonitor(timekeeper, limited, time_source, hotlist=hotlist, download=download, uplink=uplink),
            expiry,
            MachineMonitor(folder, ask=rig.machine),
            TamperMonitor(board, audit),
            LensMonitor(folder),
            synthetic,
            ReadRateMonitor(folder, frames.pipeline.counters, timekeeper, supervisor),
            models,
            acceptance,
            self._control,
            CustodyService(configuration.custody, trust.custodians, logbook, uplink, folder=folder),
            download,
            PackageSpool(hotlists.directory, partial(hotlist.install, source="file")),
            renewal,
            snapshot,
            _recordings(configuration, logbook, goes_by=self._goes_by),
            frames,
            supervisor,
        )
        self._parts = tuple(part for part in parts if part is not None)
        faults.watch(self._parts)

    def stop(self) -> None:
        """Ask a running post to end; from any thread, but not from a signal handler, which may hold the same lock."""
        self._stop.set()

    @property
    def connected(self) -> bool:
        """Whether the broker is there at present."""
        return self._uplink.state().connected

    def connect_now(self) -> None:
        """Have the uplink try at once if it makes a pause: somebody at the post knows that the network is back."""
        self._uplink.retry_now()

    def run(self) -> Account:
        """Run until told to stop, or until footage ends; then deliver what waits, as far as the time given allows.

        Raises:
            OutboxError: the post was told to stop while a record could not be stored.

        """
        with self._logbook.outbox, self._board:
            with ExitStack() as stack:
                for part in self._parts:
                    stack.callback(part.stop)
                    part.start()
                self._serve()
            return self._account()

    # --- the stages of a run

    def _serve(self) -> None:
        while not self._stop.is_set() and not self._ready:
            self._round()
            self._stop.wait(TICK_SECONDS)
        if not self._stop.is_set():
            self._lifecycle.serves()
        self._supervisor.run(Actions(self._evaluate, self._frames.finish, self._round))

    @property
    def _ready(self) -> bool:
        accepted = self._rig.accepting or not self._acceptance.missing
        return accepted and self._hotlist.in_service and not self._models.damaged and not self._lifecycle.holds_back

    def _evaluate(self, frame: Frame) -> None:
        for part in self._parts:
            part.see(frame)

    def _round(self) -> None:
        """Have every part look around, if it is time, and go by another configuration where one has come."""
        now = self._rig.clock.steady()
        if not self._round_due.due(now):
            return
        for part in self._parts:
            if not part.tells:
                part.tick(now)
        self._faults.look()
        for part in self._parts:
            if part.tells:
                part.tick(now)
        pending = None if self._control is None else self._control.take_pending()
        if pending is not None:
            self._apply(pending)

    def _apply(self, configuration: Configuration) -> None:
        """Go by another configuration from the next frame on; what was seen so far is told first."""
        self._frames.finish()
        self._configuration = configuration
        for part in self._parts:
            part.adjust(configuration)
        log.warning("another configuration is in force: %s", configuration.digest[:16])

    def _account(self) -> Account:
        counters, reporter = self._frames.pipeline.counters, self._frames.reporter
        return Account(
            frames=counters.frames,
            dropped=self._supervisor.dropped,
            reads=counters.reads,
            hits=reporter.hits,
            withdrawn=reporter.withdrawn,
            undelivered=self._logbook.outbox.depth(),
            restart=self._restart,
            ailing=self._supervisor.restart,
        )

    # --- asked by parts that are made before what they ask

    def _apply_again(self) -> None:
        """Go by networks whose files have been put right."""
        self._apply(self._configuration)

    def _goes_by(self) -> dict[str, Any]:
        """Say by which configuration, models and software frames are evaluated now."""
        told = self._configuration.model_dump(mode="json", include={"post", "camera", "vision", "passages"})
        runs = self._frames.reporter.circumstances.versions
        return {"configuration": told, "versions": runs.model_dump(mode="json")}

    def _check_up(self) -> tuple[Finding, ...]:
        return tuple(finding for part in self._parts for finding in part.findings())

    def _while_waiting(self) -> None:
        """Go on telling systemd and the department how the post is while a record waits for the disk."""
        self._lifecycle.while_waiting()
        self._heartbeat.tick(self._rig.clock.steady())

    def _begin_again(self) -> None:
        self._restart = self._lifecycle.restart = True
        self._stop.set()


def _logbook(
    configuration: Configuration, rig: Rig, time_source: TimeSource, stop: Event, meanwhile: Callable[[], None]
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
    records.meanwhile = meanwhile
    return Logbook(outbox, records, timekeeper, run=rig.identify(), settings=configuration.records)


def _frame_reporter(
    configuration: Configuration,
    rig: Rig,
    logbook: Logbook,
    *,
    hotlist: HotListService,
    models: ModelLoader,
    camera: Camera,
) -> FrameReporter:
    runs = versions_of(configuration.digest, models.recognizer)
    pipeline = Pipeline(models.recognizer, vision=configuration.vision, passages=configuration.passages)
    reporter = Reporter(
        logbook.records,
        hotlist,
        clock=logbook.timekeeper.quality,
        circumstances=Circumstances(camera.name[:64], configuration.post.place, runs),
        settings=configuration.records,
        identify=rig.identify,
        surge=HitSurge(rig.clock.steady),
    )
    return FrameReporter(camera, models, pipeline, reporter, audit=logbook.audit, onlooker=rig.onlooker)


def _fork_detector(configuration: Configuration, logbook: Logbook, uplink: Uplink) -> ChainForkDetector:
    keys = Keyring.from_files(*configuration.records.key_files)
    head = logbook.outbox.head
    return ChainForkDetector(logbook.source, run=logbook.run, head=head, keys=keys, audit=logbook.audit, uplink=uplink)


def _recordings(
    configuration: Configuration, logbook: Logbook, *, goes_by: Callable[[], Mapping[str, Any]]
) -> Recordings:
    return Recordings(
        configuration.recording,
        logbook.audit,
        post=logbook.source.post,
        goes_by=goes_by,
        now=logbook.timekeeper.now,
        clock=logbook.clock,
    )
