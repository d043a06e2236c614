"""The guard of the unit's case and of the cabinet it hangs in: who opens them is heard of within a second.

A switch that is loose, or a door in the wind, is told one by one while that is few; then it counts as open until it has
rested, and what it does meanwhile is counted. The guard also notices where the board does not obey, for then nobody
watches the case.
"""

from collections.abc import Callable
from time import monotonic

from pydantic import JsonValue

from device.audit.log import AuditLog
from device.board.base import Board
from device.faults.fault import Fault
from device.faults.flapping import FlapDamper

COUNT_SECONDS = 600.0
"""How often it is said what was only counted."""


class _Switch:
    """One switch, and what was only counted of it."""

    def __init__(self, name: str, fault: Fault, ask: Callable[[Board], bool]) -> None:
        self.name = name
        self.fault = fault
        self.ask = ask
        self.state = FlapDamper()
        self._openings = 0
        self._since = 0.0

    def look(self, board: Board, auditor: AuditLog, *, now: float) -> None:
        before = self.state.present
        if self.state.see(there=self.ask(board), now=now):
            self._since = self._since if self._openings else now
            self._openings += 1
        if self.state.present != before:
            auditor.say(
                f"{self.name}_{'closed' if before else 'opened'}", source="board", details=self._counted(now=now)
            )
        elif self._openings and now - self._since >= COUNT_SECONDS:
            self.account(auditor, now=now)

    def account(self, auditor: AuditLog, *, now: float) -> None:
        if self._openings:
            auditor.say(f"{self.name}_opened", source="board", reason="repeated", details=self._counted(now=now))

    def _counted(self, *, now: float) -> dict[str, JsonValue]:
        openings, self._openings = self._openings, 0
        return {"openings": openings, "seconds": round(now - self._since)} if openings else {}


class TamperMonitor:
    """Asks the board's switches, and puts into the audit trail what opens and closes."""

    def __init__(self, auditor: AuditLog, *, now: Callable[[], float] = monotonic) -> None:
        self._auditor = auditor
        self._now = now
        self._switches = (
            _Switch("tamper", Fault.TAMPER_OPEN, lambda board: board.tamper_open()),
            _Switch("door", Fault.DOOR_OPEN, lambda board: board.door_open()),
        )
        self._failing = FlapDamper()

    @property
    def faults(self) -> frozenset[Fault]:
        """What is open, and whether the board fails."""
        conditions = {switch.fault: switch.state.present for switch in self._switches}
        conditions[Fault.BOARD_FAILED] = self._failing.present
        return frozenset(fault for fault, present in conditions.items() if present)

    def tick(self, board: Board) -> None:
        """Look at every switch.

        Raises:
            OutboxError: the audit cannot be stored, and the post is stopping.

        """
        now = self._now()
        self._failing.see(there=board.failing, now=now)
        for switch in self._switches:
            switch.look(board, self._auditor, now=now)

    def flush(self) -> None:
        """Say what was only counted so far. Raises as `tick` does."""
        for switch in self._switches:
            switch.account(self._auditor, now=self._now())
