"""The recovery of a camera: what is tried, in which order, on a camera that delivers nothing.

::

    open again, twice -> cycle its power, twice -> restart the software, twice -> reboot the unit
                                                                   |                        |
                                 power and opening again, every five minutes, until a reboot is allowed

An action that does not exist, such as power that no pin switches, is passed over. A camera of the network is only
opened again, after pauses that grow to a minute: no restart of this unit brings it back.

Restarts are remembered on disk for as long as the unit runs. How often the unit may reboot is not decided here: the
part that is asked for a reboot refuses it while the last one was too recent, so that a dead camera does not reboot the
unit all day.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from platepost.common.files import StateFile
from platepost.common.systemd import boot_id
from platepost.device.camera.tuning import UNIT, CameraTuning

NETWORK_PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0)
"""Seconds before each time that a camera of the network is asked again; the last from then on. One that reboots is back
within two minutes."""
HEALED_SECONDS = 60.0
"""How long frames must have come for the camera to count as working again, so that recovery begins again."""


class RecoveryAction(StrEnum):
    """One way to bring a camera back."""

    REOPEN = "reopen"
    POWER_CYCLE = "power_cycle"
    RESTART = "restart"
    REBOOT = "reboot"


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """What is to be done now."""

    action: RecoveryAction
    pause: float
    """Seconds to wait after it before the camera is opened."""


class RecoveryMemory(BaseModel):
    """What is remembered of a camera's recovery."""

    boot: str
    """The start of the machine in which the software was restarted."""
    restarts: int = Field(ge=0)
    taken: dict[str, int]
    """Steps taken since the unit was installed, by action."""


class Recovery:
    """Decides on the next step. Never raises: what cannot be remembered is tried again.

    Args:
        memory: the file in which restarts are remembered; None to forget them.
        reboot: asks for a reboot, and returns whether it will come.
        boot: which start of the machine this is.
        tuning: what is tried how often, and how long is waited.

    """

    def __init__(
        self,
        memory: Path | None = None,
        *,
        reboot: Callable[[], bool] = lambda: False,
        boot: Callable[[], str] = boot_id,
        tuning: CameraTuning = UNIT,
    ) -> None:
        self._memory = StateFile(memory, RecoveryMemory, about="the camera's recovery")
        self._reboot = reboot
        self._boot = boot()
        self._tuning = tuning
        self._delivering_since: float | None = None
        self.failures = 0
        """In a row, since the software started or the camera last worked."""
        stored = self._memory.recall()
        self.taken: Counter[str] = Counter(None if stored is None else stored.taken)
        """Steps taken since the unit was installed, by action."""
        self.exhausted = False
        """Whether everything was tried that can be tried now."""
        self._cycles = 0
        self._restarts = stored.restarts if stored is not None and stored.boot == self._boot else 0

    def failed(self, *, stuck: bool = False, switchable: bool = False, attached: bool = True) -> RecoveryStep:
        """Decide what to do about a camera that failed.

        Args:
            stuck: this process cannot open it again.
            switchable: its power can be cycled.
            attached: it is part of this unit, not of the network.

        """
        self.failures += 1
        self._delivering_since = None
        if attached:
            step = self._next(stuck=stuck, switchable=switchable)
        else:
            pause = NETWORK_PAUSES[min(self.failures, len(NETWORK_PAUSES)) - 1]
            step = RecoveryStep(RecoveryAction.REOPEN, pause)
        self.taken[step.action] += 1
        self._cycles += step.action is RecoveryAction.POWER_CYCLE
        self._restarts += step.action is RecoveryAction.RESTART
        self.exhausted = step.pause >= (self._tuning.patience_seconds if attached else NETWORK_PAUSES[-1])
        if step.action is not RecoveryAction.REOPEN:
            self._remember()
        return step

    def delivers(self, *, now: float) -> None:
        """Hear that frames come at `now` seconds; once they have for a minute, recovery begins again."""
        if not self.failures and not self._restarts:
            return
        if self._delivering_since is None:
            self._delivering_since = now  # not since the failure: the pause after it brought no frames
        elif now - self._delivering_since >= HEALED_SECONDS:
            self._delivering_since = None
            self.failures = self._cycles = self._restarts = 0
            self.exhausted = False
            self._remember()

    def _next(self, *, stuck: bool, switchable: bool) -> RecoveryStep:
        tuning = self._tuning
        if self.failures <= len(tuning.reopenings) and not stuck:
            return RecoveryStep(RecoveryAction.REOPEN, tuning.reopenings[self.failures - 1])
        # A driver that hangs may be freed by power, but not by more of it.
        if switchable and self._cycles < (1 if stuck else len(tuning.cycles)):
            return RecoveryStep(RecoveryAction.POWER_CYCLE, tuning.cycles[self._cycles])
        if self._restarts < tuning.restarts:
            return RecoveryStep(RecoveryAction.RESTART, 0.0)
        if self._reboot():
            return RecoveryStep(RecoveryAction.REBOOT, tuning.patience_seconds)
        again = RecoveryAction.POWER_CYCLE if switchable else RecoveryAction.REOPEN
        return RecoveryStep(again, tuning.patience_seconds)

    def _remember(self) -> None:
        self._memory.keep(RecoveryMemory(boot=self._boot, restarts=self._restarts, taken=self.taken))
