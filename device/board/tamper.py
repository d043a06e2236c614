"""Watches the unit's case and the cabinet it hangs in: an opening is reported within a second.

A switch that is loose, or a door in the wind, is audited one by one while that is few; then it counts as open until it
has rested, and what it does meanwhile is counted. A board that does not obey is noticed too, for then no one watches
the case.
"""

from collections.abc import Callable

from pydantic import JsonValue

from platepost.device.audit.log import AuditLog
from platepost.device.board.base import Board
from platepost.device.faults.flapping import FlapDamper
from platepost.device.part import Part
from platepost.wire.faults import Fault

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

    def poll(self, board: Board, audit: AuditLog, *, now: float) -> None:
        before = self.state.present
        if self.state.update(there=self.ask(board), now=now):
            self._since = self._since if self._openings else now
            self._openings += 1
        if self.state.present != before:
            audit.record(
                f"{self.name}_{'closed' if before else 'opened'}", source="board", details=self._counted(now=now)
            )
        elif self._openings and now - self._since >= COUNT_SECONDS:
            self.account(audit, now=now)

    def account(self, audit: AuditLog, *, now: float) -> None:
        if self._openings:
            audit.record(f"{self.name}_opened", source="board", reason="repeated", details=self._counted(now=now))

    def _counted(self, *, now: float) -> dict[str, JsonValue]:
        openings, self._openings = self._openings, 0
        return {"openings": openings, "seconds": round(now - self._since)} if openings else {}


class TamperMonitor(Part):
    """Asks the board's switches, and puts into the audit log what opens and closes."""

    damped = True
    """By each switch, for what the audit log says of them."""

    def __init__(self, board: Board, audit: AuditLog) -> None:
        self._board = board
        self._audit = audit
        self._now = 0.0
        self._switches = (
            _Switch("tamper", Fault.TAMPER_OPEN, lambda board: board.tamper_open()),
            _Switch("door", Fault.DOOR_OPEN, lambda board: board.door_open()),
        )
        self._failing = FlapDamper()

    def faults(self) -> frozenset[Fault]:
        """Name what is open, and whether the board fails."""
        conditions = {switch.fault: switch.state.present for switch in self._switches}
        conditions[Fault.BOARD_FAILED] = self._failing.present
        return frozenset(fault for fault, present in conditions.items() if present)

    def poll(self, now: float) -> None:
        """Look at every switch."""
        self._now = now
        self._failing.update(there=self._board.failing, now=now)
        for switch in self._switches:
            switch.poll(self._board, self._audit, now=now)

    def stop(self) -> None:
        """Say what was only counted so far."""
        for switch in self._switches:
            switch.account(self._audit, now=self._now)
