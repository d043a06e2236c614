"""What ails a post at present: the one place where what its parts say of themselves gets the names of faults."""

from collections.abc import Callable
from time import monotonic

from device.board.base import Board
from device.board.tamper import TamperMonitor
from device.camera.supervisor import CameraSupervisor
from device.changeover import ChangeOver
from device.enrolment.acceptance import Acceptance
from device.faults.fault import Fault
from device.faults.flapping import Unrest
from device.frame import Frame
from device.health.clock_steps import ClockStepMonitor
from device.health.status import Vitals
from device.health.supervision import Lifecycle
from device.health.surroundings import Surroundings
from device.hotlist.download import HotListDownload
from device.hotlist.service import HotListService
from device.logbook import Logbook
from device.outbox import Backlog
from device.secrets.certificate import certificate_expires
from device.uplink import NOBODY, Uplink
from device.uplink.forks import ChainForkDetector
from device.uplink.takeover import SessionTakeover
from device.vision.model_loader import ModelLoader


class Diagnosis:
    """Looks at what nobody else looks at, asks every other part, and names what is amiss.

    Args:
        vitals: judges a running capture.
        books: outbox, records and time can fail; what is noticed is audited.
        changeover: has the configuration in force.
        acceptance, forks, keeper, lists, lookout, networks, uplink: what can ail.
        intake: of lists; what a wrong clock prevented is tried again by it and by the uplink.
        backlog: tells what waits.
        reads: tells how many reads there were.

    """

    def __init__(
        self,
        vitals: Vitals,
        books: Logbook,
        *,
        acceptance: Acceptance,
        changeover: ChangeOver,
        forks: ChainForkDetector,
        intake: HotListDownload,
        keeper: Lifecycle,
        lists: HotListService,
        lookout: CameraSupervisor,
        networks: ModelLoader,
        uplink: Uplink,
        backlog: Callable[[], Backlog],
        reads: Callable[[], int],
    ) -> None:
        self._vitals = vitals
        self._books = books
        self._acceptance = acceptance
        self._forks = forks
        self._keeper = keeper
        self._lists = lists
        self._lookout = lookout
        self._networks = networks
        self._uplink = uplink
        self._guard = TamperMonitor(books.auditor)

        def clock_changed() -> None:
            uplink.retry_now()
            intake.clock_changed()

        self._clock = ClockStepMonitor(
            books.timekeeper, books.moderator, hotlist=lambda: lists.current, changed=clock_changed
        )
        self._condition = Surroundings(
            changeover.configuration.outbox.path.parent,
            timekeeper=books.timekeeper,
            reads=reads,
            backlog=backlog,
            certificate_expires=lambda: certificate_expires(changeover.configuration.uplink.certificate),
        )
        self._doubles = SessionTakeover(books.moderator)
        self._unrest = Unrest[Fault]()

    def see(self, frame: Frame) -> None:
        """Look through the lens."""
        self._condition.see(frame)

    def look(self, board: Board) -> None:
        """Look at the case, at the clock, and around; in the post's own thread.

        Raises:
            OutboxError: what was noticed cannot be audited, and the post is stopping.

        """
        self._guard.tick(board)
        self._clock.tick()
        self._condition.tick(watching=self._lookout.capture is not None)

    def flush(self) -> None:
        """Say what was noticed and only counted so far. Raises as `look` does."""
        self._guard.flush()

    def faults(self) -> set[Fault]:
        """Ask every part; from any thread. What comes and goes again and again is named until it has rested.

        Raises:
            OutboxError: another with this post's identity cannot be audited, and the post is stopping.

        """
        # The guard lets its own rest by itself, for what it says of them in the audit trail.
        return self._unrest.settle(self._present(), now=monotonic()) | self._guard.faults

    def _present(self) -> set[Fault]:
        faults = self._keeper.faults | self._condition.faults | self._lookout.faults()
        if self._lookout.capture is not None:
            faults |= self._vitals.capture_faults(self._lookout.capture)
        state = self._lists.state().state
        uplink = self._uplink.state()
        conditions = {
            Fault.BROKER_CERTIFICATE_EXPIRED: uplink.problem == Fault.BROKER_CERTIFICATE_EXPIRED,
            Fault.CHAIN_FORKED: self._forks.forked,
            Fault.CLOCK_BEHIND: self._books.timekeeper.behind,
            Fault.CLOCK_UNSYNCHRONISED: not self._books.timekeeper.quality().synchronised,
            Fault.HOTLIST_MISSING: state == "none",
            Fault.HOTLIST_STALE: state == "stale",
            Fault.DISK_FULL: self._books.outbox.disk_full,
            Fault.IDENTITY_ELSEWHERE: self._doubles.look(uplink.problem),
            Fault.MODEL_DAMAGED: self._networks.damaged,
            Fault.OUTBOX_FAILED: self._books.records.failing,
            Fault.OUTBOX_SET_ASIDE: bool(self._books.outbox.set_aside),
            Fault.NOT_ACCEPTED: self._acceptance.missing,
            Fault.NO_SUBSCRIBER: any(refusal.reason == NOBODY for refusal in uplink.refusals),
            Fault.PUBLISH_REFUSED: any(refusal.reason != NOBODY for refusal in uplink.refusals),
            Fault.RECORD_TOO_LARGE: uplink.too_large > 0,
            Fault.SUBSCRIPTION_REFUSED: bool(uplink.refused_subscriptions),
        }
        return faults | {fault for fault, present in conditions.items() if present}
