"""The rounds of a running post: what is looked at four times a second, and what is seen to with every health record."""

import logging
from dataclasses import dataclass, field
from time import monotonic

from device.board.base import Board
from device.board.status_light import light
from device.camera.supervisor import CameraSupervisor
from device.changeover import ChangeOver
from device.config import Configuration
from device.control.service import RemoteControl
from device.health.announcer import Bulletins
from device.health.diagnosis import Diagnosis
from device.health.supervision import Lifecycle
from device.hotlist.download import HotListDownload
from device.hotlist.service import HotListService
from device.logbook import Logbook
from device.recording import Recordings
from device.reporting.reporter import Reporter

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""How often the state of the post is looked at: a tamper switch is heard of within a second."""


@dataclass(slots=True, kw_only=True)
class Rounds:
    """The parts that are looked at, or told what was found. In the post's own thread."""

    books: Logbook
    bulletins: Bulletins
    changeover: ChangeOver
    controls: RemoteControl[Configuration] | None
    """None for a post that nobody controls from afar."""
    diagnosis: Diagnosis
    intake: HotListDownload
    keeper: Lifecycle
    lists: HotListService
    lookout: CameraSupervisor
    recordings: Recordings
    reporter: Reporter
    _next: float = field(default=0.0, init=False)

    def tick(self, board: Board) -> None:
        """Make a round if it is time for one: look, change over where that is due, and say what has changed.

        Raises:
            OutboxError: a record cannot be stored, and the post is stopping.

        """
        now = monotonic()
        if now < self._next:
            return
        self._next = now + TICK_SECONDS
        self.diagnosis.look(board)
        self.books.moderator.tick()
        self.recordings.tick()
        self.changeover.take_networks()
        faults = self.diagnosis.faults()
        changed = self.bulletins.changed(faults)
        if self.controls is not None:
            pending = self.controls.tick(faults)
            if pending is not None:
                self.changeover.go_by(pending)
            changed = self.controls.changed() or changed
        if changed:
            log.warning("state: %s", ", ".join(sorted(faults)) or "in service")
            self.bulletins.say_status()
        self.keeper.watching = self.keeper.watching and not self.lookout.given_up
        self.keeper.tick(faults)
        board.status_light(light(faults))
        if self.bulletins.health_due(now):
            self.books.audit_set_aside()
            self.intake.try_again()
            self.lists.account_for_safe(self.reporter.safe)
            self.bulletins.send_health()
            self.books.account_for_losses()

    def while_waiting(self) -> None:
        """Go on telling the department how the post is while a record waits for the disk."""
        self.keeper.waiting()
        if self.bulletins.health_due(monotonic()):
            self.bulletins.send_health()
