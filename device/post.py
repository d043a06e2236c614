"""One post, wired together. Read this first.

::

    camera -> capture -> pipeline -> reporter -> recorder -> outbox -> uplink -> the department
                                        |                               |
                                     hot list  <------------------------+

Frames, passages and records go one way, in this thread; capture and the uplink have threads of their own, with a
short queue and the outbox between. The uplink brings hot lists back, which are verified and swapped in whole.

Here the parts are made and joined, and here are the stages of a run. What is looked at again and again is in
`device.rounds`, which configuration the post goes by in `device.changeover`. The rooms beside this file:

- `device.watch`: how it watches the road;
- `device.lists`: the hot list that it carries;
- `device.bookkeeping`: what it writes down;
- `device.condition`: what ails it, and how it says so;
- `device.authority`: whom it obeys;
- `device.secrets`: its private keys.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from pydantic import JsonValue

from device import __version__
from device.board.base import Board, Light
from device.camera.recovery import Recovery
from device.camera.snapshot import Snapshot
from device.camera.supervisor import Actions, CameraSupervisor
from device.changeover import ChangeOver
from device.config import Configuration
from device.control.duties import Duties
from device.control.keys.trust import Trust
from device.control.service import RemoteControl, remote_configuration
from device.enrolment.acceptance import Acceptance
from device.enrolment.renewal import Renewal
from device.frame import Frame
from device.health.announcer import Bulletins
from device.health.diagnosis import Diagnosis
from device.health.status import Vitals, versions_of
from device.health.supervision import Lifecycle
from device.hotlist import HotListStore
from device.hotlist.download import HotListDownload
from device.hotlist.service import HotListService
from device.hotlist.spool import PackageSpool
from device.logbook import Logbook
from device.outbox import Backlog
from device.recording import Recordings
from device.records import Envelope, Finding, Keyring
from device.reporting.reporter import Circumstances, Reporter
from device.rig import Rig
from device.rounds import TICK_SECONDS, Rounds
from device.secrets.certificate import certificate_expires
from device.uplink import Uplink
from device.uplink.forks import ChainForkDetector
from device.vision.model_loader import ModelLoader
from device.vision.pipeline import Pipeline
from device.vision.recogniser import Recogniser

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """What a run of a post came to."""

    frames: int
    dropped: int
    reads: int
    hits: int
    withdrawn: int
    undelivered: int
    """Records that wait in the outbox without acknowledgement."""
    restart: bool = False
    """Whether an operator asked for the software to begin anew."""
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
        source, control = configuration.post.source, configuration.control
        self._trust = Trust.of(source.agency, configuration.hotlist.issuer_key, control)
        self._remote = remote_configuration(configuration, control, self._trust, source)
        if self._remote is not None:
            configuration = self._remote.start()
        self._stop = Event()
        self._networks = ModelLoader(lambda: Recogniser.of(configuration.vision))
        networks = self._networks.recogniser
        versions, place = versions_of(configuration.digest, networks), configuration.post.place
        self._rig = rig or Rig()
        self._camera = self._rig.camera(configuration.camera)
        self._pipeline = Pipeline(networks, vision=configuration.vision, passages=configuration.passages)
        self._vitals = Vitals(
            place=place,
            versions=versions,
            certificate_expires=certificate_expires(configuration.uplink.certificate),
            last_read=lambda: self._reporter.last_read,
            controlled=lambda: self._controls,
            now=self._now,
        )
        self._acceptance = Acceptance(configuration.acceptance, source, configuration.records)
        self._books = Logbook(
            configuration, self._rig.outbox(configuration.outbox), stop=self._stop, meanwhile=self._while_waiting
        )
        auditor, timekeeper = self._books.auditor, self._books.timekeeper
        forks = ChainForkDetector(
            source,
            run=self._vitals.boot,
            head=self._books.outbox.head,
            keys=Keyring.from_files(*configuration.records.key_files),
            auditor=auditor,
        )
        self._lists = HotListService(
            HotListStore.of(configuration.hotlist, agency=source.agency, issuers=self._trust.issuers(timekeeper.now)),
            configuration.hotlist,
            auditor,
            moderator=self._books.moderator,
            timekeeper=timekeeper,
        )
        self._reporter = Reporter(
            self._books.records,
            hotlist=lambda: self._lists.current,
            list_state=self._lists.judge,
            clock=timekeeper.quality,
            circumstances=Circumstances(self._camera.name[:64], place, versions),
            section=configuration.records,
            moment=self._lists.moment,
            rules=lambda: self._lists.rules,
        )
        self._still = Snapshot()
        told = configuration.model_dump(mode="json", include={"post", "camera", "vision", "passages"})
        self._recordings = Recordings(
            configuration.recording,
            auditor,
            post=source.post,
            goes_by={"configuration": told, "versions": versions.model_dump(mode="json")},
            now=timekeeper.now,
        )
        self._renewal = Renewal.of(
            configuration.enrolment, configuration.uplink, name=source.post, auditor=auditor, now=timekeeper.now
        )
        self._changeover = ChangeOver(
            configuration,
            finish=self._finish,
            networks=self._networks,
            pipeline=self._pipeline,
            reporter=self._reporter,
            lists=self._lists,
            vitals=self._vitals,
        )
        self._controls = (
            None
            if self._remote is None or control is None
            else RemoteControl(
                control,
                source,
                self._remote,
                trust=self._trust,
                books=self._books,
                run=self._vitals.boot,
                send=self._send_answer,
                doers=Duties(
                    check_up=self._check_up,
                    still=self._still,
                    begin_anew=self._begin_anew,
                    renew=None if self._renewal is None else self._renewal.order,
                ).doers,
            )
        )
        self._intake = HotListDownload(self._lists, agency=source.agency, directory=configuration.hotlist.directory)
        self._handover = PackageSpool(
            configuration.hotlist.directory, lambda package: self._lists.install(package, source="file")
        )
        subscriptions = self._intake.subscriptions | {forks.topic: forks.hear}
        self._uplink = Uplink(
            configuration.uplink,
            self._books.outbox,
            client_id=source.post,
            will=self._will,
            on_connected=self._birth,
            # The controls before the lists: with a new key may come what it signed.
            subscriptions=({} if self._controls is None else self._controls.subscriptions) | subscriptions,
            optional=(forks.topic,),
            earliest=timekeeper.earliest,
        )
        self._intake.connect(self._uplink)
        for listener in (self._lists.let_go, self._intake.again):
            self._trust.lists.on_changed(listener)
        if self._controls is not None:
            self._controls.connect(self._uplink)
        self._keeper = Lifecycle(
            configuration.outbox.path.parent,
            run=self._vitals.boot,
            frames=lambda: self._pipeline.counters.frames,
            uplink=self._uplink.state,
            owes=self._uplink.owes,
        )
        self._lookout = CameraSupervisor(
            self._camera,
            Recovery(configuration.outbox.path.parent / "camera.json", reboot=self._reboot),
            self._books.moderator,
            stop=self._stop,
            queue_frames=lambda: self._changeover.configuration.vision.queue_frames,
        )
        self._diagnosis = Diagnosis(
            self._vitals,
            self._books,
            acceptance=self._acceptance,
            changeover=self._changeover,
            forks=forks,
            intake=self._intake,
            keeper=self._keeper,
            lists=self._lists,
            lookout=self._lookout,
            networks=self._networks,
            uplink=self._uplink,
            backlog=self._backlog,
            reads=lambda: self._pipeline.counters.reads,
        )
        self._bulletins = Bulletins(
            self._vitals,
            self._books,
            faults=self._diagnosis.faults,
            changeover=self._changeover,
            pipeline=self._pipeline,
            lists=self._lists,
            lookout=self._lookout,
            uplink=self._uplink,
            backlog=self._backlog,
        )
        self._rounds = Rounds(
            books=self._books,
            bulletins=self._bulletins,
            changeover=self._changeover,
            controls=self._controls,
            diagnosis=self._diagnosis,
            intake=self._intake,
            keeper=self._keeper,
            lists=self._lists,
            lookout=self._lookout,
            recordings=self._recordings,
            reporter=self._reporter,
        )
        self._restart = False

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
        with self._books.kept(), self._rig.board(self._changeover.configuration.board) as board:
            board.status_light(Light.STARTING)
            self._begin()
            try:
                self._serve(board)
            finally:
                self._end(board)
            return Account(
                frames=self._pipeline.counters.frames,
                dropped=self._lookout.dropped,
                reads=self._pipeline.counters.reads,
                hits=self._reporter.hits,
                withdrawn=self._reporter.withdrawn,
                undelivered=self._books.outbox.undelivered(settling=self._uplink.settling()),
                restart=self._restart,
                ailing=self._lookout.restart,
            )

    # --- the stages of a run

    def _begin(self) -> None:
        self._lists.load()
        # Before the first record: where a full disk takes none, only delivery can make room for it.
        self._uplink.start()
        self._keeper.begin()
        details: dict[str, JsonValue] = {"version": __version__, "boot": self._vitals.boot}
        if self._controls is not None:
            details["configuration"] = self._controls.state().version
        self._books.auditor.say("boot", details=details)
        self._keeper.account(self._books.auditor)
        self._books.audit_set_aside()
        self._lists.audit_damage()
        self._handover.start()
        if self._renewal is not None:
            self._renewal.start()

    def _serve(self, board: Board) -> None:
        while not self._stop.is_set() and not self._ready:
            self._rounds.tick(board)
            self._stop.wait(TICK_SECONDS)
        self._keeper.watching = True
        self._lookout.run(board, Actions(self._evaluate, self._finish, lambda: self._rounds.tick(board)))

    @property
    def _ready(self) -> bool:
        accepted = self._rig.accepting or not self._acceptance.missing
        return accepted and self._lists.in_service and not self._networks.damaged and not self._keeper.holds_back

    def _evaluate(self, frame: Frame) -> None:
        self._keeper.watching = True
        self._still.offer(frame)
        self._recordings.offer(frame)
        self._diagnosis.see(frame)
        look = self._pipeline.look(frame)
        self._camera.meter(frame, [sighting.plate.box for sighting in look.sightings])
        self._rig.onlooker(frame, look, self._pipeline.passages)
        for doubted in look.doubted:
            self._reporter.doubted(doubted)
        for passage in look.early:
            self._reporter.early(passage)
        for ended in look.ended:
            self._reporter.ended(ended)

    def _finish(self) -> None:
        for ended in self._pipeline.finish():
            self._reporter.ended(ended)

    def _end(self, board: Board) -> None:
        counters = self._pipeline.counters
        drain = self._changeover.configuration.uplink.drain_seconds
        log.warning("stopping: up to %g s to deliver what waits", drain)
        try:
            self._handover.stop()
            if self._renewal is not None:
                self._renewal.stop()
            self._recordings.stop()
            self._books.moderator.flush()
            self._diagnosis.flush()
            self._lists.account_for_safe(self._reporter.safe, now=True)
            self._books.auditor.say("stop", details={"frames": counters.frames, "reads": counters.reads})
            self._bulletins.say_offline()
        finally:
            self._uplink.stop(drain_seconds=drain)
            self._keeper.end(restart=self._restart)
            board.status_light(Light.OFF)

    # --- asked by parts that are made before what they ask

    def _while_waiting(self) -> None:
        self._rounds.while_waiting()

    def _now(self) -> datetime:
        return self._books.timekeeper.now()

    def _backlog(self) -> Backlog:
        return self._books.outbox.backlog(settling=self._uplink.settling())

    def _will(self) -> Envelope:
        return self._bulletins.will()

    def _birth(self) -> None:
        self._bulletins.birth()

    def _check_up(self) -> tuple[Finding, ...]:
        return self._bulletins.findings()

    def _send_answer(self, envelope: Envelope) -> None:
        self._uplink.send_now(envelope)

    def _reboot(self) -> bool:
        return self._keeper.reboot(self._books.auditor, reason="camera")

    def _begin_anew(self) -> None:
        self._restart = True
        self._stop.set()
