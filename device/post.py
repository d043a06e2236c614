"""One post, wired together. Read this first.

::

    camera -> capture -> pipeline -> reporter -> recorder -> outbox -> uplink -> the department
                                        |                               |
                                     hot list  <------------------------+

Frames, passages and records go one way, in this thread; capture and the uplink have threads of their own, with a
short queue and the outbox between. The uplink brings hot lists back, which are verified and swapped in whole.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic

from cryptography import x509
from pydantic import JsonValue

from device import __version__, backends
from device.board.base import Board, Light
from device.camera.base import Camera
from device.capture import Capture
from device.config import Configuration
from device.errors import CameraError, ConfigurationError, OutboxError
from device.faults import Fault
from device.health.clock import clock_quality
from device.hotlist import HotListNotStored, HotListRefused, HotListStore, Refusal
from device.outbox import Outbox, read_key_file
from device.persistence import PersistentRecorder
from device.records import (
    Audit,
    HotListState,
    Model,
    Place,
    Recorder,
    Signer,
    Source,
    Status,
    Versions,
    hotlist_package,
)
from device.records.base import Outcome
from device.reporter import Circumstances, Reporter
from device.uplink import Uplink, UplinkSettings
from device.vision.motion import MotionGate
from device.vision.passages import PassageRules
from device.vision.pipeline import Limits, Pipeline
from device.vision.recogniser import Recogniser
from device.vitals import Vitals, list_state

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How often the state of the post is looked at: a tamper switch is heard of within a second."""
REOPEN_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Pauses before a camera that failed is opened again; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a run of a post came to."""

    frames: int
    dropped: int
    reads: int
    hits: int
    withdrawn: int
    undelivered: int
    """Records that still wait in the outbox."""


class Post:
    """One post, from its configuration to its last record."""

    def __init__(self, configuration: Configuration) -> None:
        """Load everything that can be wrong before anything starts.

        Raises:
            ConfigurationError: a key file or certificate is unreadable or of the wrong kind.
            BackendError: a backend or the TFLite runtime is missing.
            ModelError: a model file is missing or damaged.
            OutboxError: the outbox cannot be opened.

        """
        self._configuration = configuration
        self._stop = Event()
        section = configuration.vision
        recogniser = Recogniser.load(
            detector=section.detector, reader=section.reader, minimum_score=section.minimum_score
        )
        self._versions = Versions(
            software=__version__,
            configuration=configuration.digest[:16],
            models=(
                Model(name="detector", digest=recogniser.detector.model.digest),
                Model(name="reader", digest=recogniser.reader.model.digest),
            ),
        )
        self._camera = backends.camera(configuration.camera.backend, configuration.camera.settings)
        self._pipeline = _pipeline(configuration, recogniser)
        self._vitals = Vitals(
            place=_place(configuration),
            versions=self._versions,
            certificate_expires=_certificate_expires(configuration.uplink.certificate),
        )
        self._hotlists = HotListStore(
            configuration.hotlist.directory,
            agency=configuration.post.agency,
            issuer_key=_content(configuration.hotlist.issuer_key, "hotlist.issuer_key"),
            unseal_key=_content(configuration.hotlist.unseal_key, "hotlist.unseal_key"),
        )
        self._outbox = Outbox(
            configuration.outbox.path,
            key=read_key_file(configuration.outbox.key_file),
            quota_bytes=round(configuration.outbox.quota_megabytes * 1024 * 1024),
        )
        self._source = Source(configuration.post.agency, configuration.post.name)
        self._recorder = Recorder(self._outbox, Signer.from_file(configuration.records.signing_key), self._source)
        self._records = PersistentRecorder(self._recorder, stop=self._stop)
        self._reporter = Reporter(
            self._records,
            hotlist=lambda: self._hotlists.current,
            list_state=self._list_state,
            clock=clock_quality,
            circumstances=Circumstances(self._camera.name[:64], _place(configuration), self._versions),
            section=configuration.records,
        )
        self._uplink = self._make_uplink()
        self._capture: Capture | None = None
        self._camera_failed = False
        self._dropped = 0
        self._set_aside = 0
        self._tamper = False
        self._next_tick = 0.0
        self._next_health = 0.0

    def stop(self) -> None:
        """Ask a running post to end; safe in a signal handler and from any thread."""
        self._stop.set()

    def run(self) -> Account:
        """Run until told to stop, or until footage ends; then deliver what waits, as far as the time given allows.

        Raises:
            OutboxError: the post was told to stop while a record could not be stored.

        """
        with ExitStack() as stack:
            stack.callback(self._outbox.close)
            board = stack.enter_context(
                backends.board(self._configuration.board.backend, self._configuration.board.settings)
            )
            board.status_light(Light.STARTING)
            self._begin()
            try:
                self._serve(board)
            finally:
                self._end(board)
            return Account(
                frames=self._pipeline.counters.frames,
                dropped=self._dropped,
                reads=self._pipeline.counters.reads,
                hits=self._reporter.hits,
                withdrawn=self._reporter.withdrawn,
                undelivered=self._outbox.depth(),
            )

    # --- the stages of a run

    def _begin(self) -> None:
        self._audit("boot", details={"version": __version__, "boot": self._vitals.boot})
        self._audit_set_aside()
        loaded = self._hotlists.load()
        for refusal in self._hotlists.damaged:
            self._audit("hotlist_refused", source="disk", outcome="refused", reason=refusal.reason.value)
        log.info("hot list on disk: %s", "none" if loaded is None else f"version {loaded.version}")
        self._uplink.start()

    def _serve(self, board: Board) -> None:
        while not self._stop.is_set() and not self._in_service():
            self._tick(board)
            self._stop.wait(TICK_SECONDS)
        failures = 0
        while not self._stop.is_set():
            if self._watch(board):
                return
            pause = REOPEN_SECONDS[min(failures, len(REOPEN_SECONDS) - 1)]
            failures += 1
            log.warning("the camera is opened again in %g s", pause)
            until = monotonic() + pause
            while monotonic() < until and not self._stop.wait(TICK_SECONDS):
                self._tick(board)

    def _watch(self, board: Board) -> bool:
        """Evaluate frames until the camera ends; True if it ended by itself or was told to, False if it failed."""
        try:
            with self._opened(self._camera) as capture:
                for frame in capture.frames():
                    if frame is not None:
                        self._camera_failed = False
                        look = self._pipeline.look(frame)
                        for passage in look.early:
                            self._reporter.early(passage)
                        for ended in look.ended:
                            self._reporter.ended(ended)
                    self._tick(board)
                    if self._stop.is_set():
                        break
                failure = capture.fault
        except CameraError as error:
            failure = error
        for ended in self._pipeline.finish():
            self._reporter.ended(ended)
        if failure is None:
            if self._camera.finite or self._stop.is_set():
                return True
            failure = CameraError("the camera's frames ended")
        log.error("camera: %s", failure)
        self._camera_failed = True
        self._audit("camera_failed", source="camera", outcome="failure")
        return False

    def _end(self, board: Board) -> None:
        self._audit("stop", details={"frames": self._pipeline.counters.frames, "reads": self._pipeline.counters.reads})
        self._records.record(self._offline())
        self._uplink.stop(drain_seconds=self._configuration.uplink.drain_seconds)
        board.status_light(Light.OFF)

    @contextmanager
    def _opened(self, camera: Camera) -> Iterator[Capture]:
        with camera:
            capture = Capture(camera, queue_frames=self._configuration.vision.queue_frames)
            self._capture = capture
            capture.start()
            try:
                yield capture
            finally:
                # Closing first ends a camera that waits for its next frame.
                camera.close()
                capture.stop()
                self._dropped += capture.dropped

    # --- what is looked at again and again

    def _tick(self, board: Board) -> None:
        now = monotonic()
        if now < self._next_tick:
            return
        self._next_tick = now + TICK_SECONDS
        self._watch_tamper(board)
        faults = self._faults()
        if self._vitals.changed(faults):
            self._tell_status()
            board.status_light(Light.DEGRADED if faults else Light.IN_SERVICE)
        if now >= self._next_health:
            self._next_health = now + self._configuration.records.health_seconds
            self._audit_set_aside()
            try:
                self._recorder.account_for_drops(clock=clock_quality())
                self._send_health()
            except OutboxError as error:
                # Nothing is lost by it: the account is taken again, and the next health says more than this one.
                log.warning("health: %s", error)

    def _audit_set_aside(self) -> None:
        """Put into the audit trail each outbox that was set aside since the last time."""
        aside = self._outbox.set_aside[self._set_aside :]
        self._set_aside += len(aside)
        for file in aside:
            self._audit("outbox_set_aside", outcome="failure", reason=file.reason, object=file.path.name)

    def _tell_status(self) -> None:
        self._records.record(self._status())

    def _status(self) -> Status:
        return self._vitals.status(clock=clock_quality(), hotlist=self._list_state(datetime.now(UTC)))

    def _send_health(self) -> None:
        health = self._vitals.health(
            clock=clock_quality(),
            hotlist=self._list_state(datetime.now(UTC)),
            pipeline=self._pipeline,
            capture=self._capture,
            backlog=self._outbox.backlog(),
            connected=self._uplink.state().connected,
            disk=self._configuration.outbox.path.parent,
        )
        self._uplink.send_now(self._recorder.unchained(health))

    def _watch_tamper(self, board: Board) -> None:
        opened = board.tamper_open()
        if opened != self._tamper:
            self._tamper = opened
            self._audit("tamper_opened" if opened else "tamper_closed", source="board")

    def _faults(self) -> set[Fault]:
        faults: set[Fault] = set()
        if self._capture is not None:
            faults |= self._vitals.capture_faults(self._capture)
        state = self._list_state(datetime.now(UTC)).state
        uplink = self._uplink.state()
        conditions = {
            Fault.CAMERA_FAILED: self._camera_failed,
            Fault.CLOCK_UNSYNCHRONISED: not clock_quality().synchronised,
            Fault.HOTLIST_MISSING: state == "none",
            Fault.HOTLIST_STALE: state == "stale",
            Fault.OUTBOX_FAILED: self._records.failing,
            Fault.OUTBOX_SET_ASIDE: bool(self._outbox.set_aside),
            Fault.PUBLISH_REFUSED: bool(uplink.refusals),
            Fault.RECORD_TOO_LARGE: uplink.too_large > 0,
            Fault.SUBSCRIPTION_REFUSED: bool(uplink.refused_subscriptions),
            Fault.TAMPER_OPEN: self._tamper,
        }
        return faults | {fault for fault, present in conditions.items() if present}

    def _in_service(self) -> bool:
        if self._configuration.hotlist.in_service_without_list:
            return True
        state = self._list_state(datetime.now(UTC)).state
        return state in {"current", "warning"}

    def _list_state(self, at: datetime) -> HotListState:
        return list_state(self._hotlists.current, self._configuration.hotlist, at=at)

    # --- to and from the department

    def _make_uplink(self) -> Uplink:
        section = self._configuration.uplink
        settings = UplinkSettings(
            brokers=section.brokers,
            ca=section.ca,
            certificate=section.certificate,
            private_key=section.private_key,
            client_id=f"{self._source.agency}-{self._source.post}",
        )
        return Uplink(
            settings,
            self._outbox,
            will=lambda: self._recorder.unchained(self._offline()),
            on_connected=self._born,
            subscriptions={hotlist_package(self._source.agency): self._install},
        )

    def _born(self) -> None:
        """Say the present state after every connection, for the broker may have published the will meanwhile.

        Called in the uplink's thread, which must not wait for a full disk that only delivery can empty: what cannot be
        stored raises, and the uplink tries again.
        """
        self._vitals.changed(self._faults())
        self._recorder.record(self._status())

    def _offline(self) -> Status:
        return self._vitals.offline(clock=clock_quality(), hotlist=self._list_state(datetime.now(UTC)))

    def _install(self, package: bytes) -> None:
        """Take a hot list from the broker; called in the thread of the uplink's inbox."""
        try:
            hotlist = self._hotlists.install(package)
        except HotListRefused as refusal:
            # A retained package comes again at every connection, and is no event then.
            if refusal.reason is not Refusal.REPEATED:
                log.warning("hot list refused: %s", refusal.reason)
                self._audit("hotlist_refused", source="broker", outcome="refused", reason=refusal.reason.value)
        except HotListNotStored as error:
            log.error("hot list not stored: %s", error)  # noqa: TRY400 - the message says all
            self._audit("hotlist_refused", source="broker", outcome="failure", reason="not_stored")
        else:
            self._audit(
                "hotlist_installed",
                source="broker",
                identity=hotlist.issuer[:120],
                object=str(hotlist.version),
                details={"entries": hotlist.entries, "patterns": hotlist.patterns, "digest": hotlist.digest},
            )

    def _audit(
        self,
        action: str,
        *,
        source: str = "post",
        outcome: Outcome = "success",
        identity: str | None = None,
        reason: str | None = None,
        object: str | None = None,  # noqa: A002 - the record's own name for it
        details: dict[str, JsonValue] | None = None,
    ) -> None:
        self._records.record(
            Audit(
                clock=clock_quality(),
                action=action,
                occurred=datetime.now(UTC),
                where=self._source.post,
                source=source,
                outcome=outcome,
                identity=identity or self._source.post,
                reason=reason,
                object=object,
                details=details or {},
            )
        )


def _pipeline(configuration: Configuration, recogniser: Recogniser) -> Pipeline:
    passages, vision = configuration.passages, configuration.vision
    return Pipeline(
        recogniser,
        rules=PassageRules(
            gone_seconds=passages.gone_seconds,
            longest_seconds=passages.longest_seconds,
            sure=passages.sure,
            agreeing=passages.agreeing,
            agreeing_confidence=passages.agreeing_confidence,
        ),
        limits=Limits(
            minimum_confidence=vision.minimum_confidence,
            minimum_characters=vision.minimum_characters,
            repeat_seconds=passages.repeat_seconds,
        ),
        motion=MotionGate(least_area=vision.motion_area),
    )


def _place(configuration: Configuration) -> Place:
    post = configuration.post
    return Place(
        site=post.site or None,
        latitude=post.latitude,
        longitude=post.longitude,
        heading_degrees=post.heading_degrees,
    )


def _content(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{key} = {str(path)!r}: {error.strerror or error}") from error


def _certificate_expires(path: Path) -> datetime:
    try:
        certificate = x509.load_pem_x509_certificate(_content(path, "uplink.certificate"))
    except ValueError as error:
        raise ConfigurationError(f"uplink.certificate = {str(path)!r}: not a certificate in PEM") from error
    return certificate.not_valid_after_utc
