"""What the status light shows of the present faults."""

from collections.abc import Collection

from platepost.device.board.base import Board, Light
from platepost.device.diagnosis import FaultMonitor
from platepost.device.part import Part
from platepost.wire.faults import DESCRIPTIONS, Fault
from platepost.wire.records import PerceivedSeverity

OPENED = frozenset({Fault.DOOR_OPEN, Fault.TAMPER_OPEN})
"""The person who looks at the light has often opened the case: that must not hide how the post is."""


def light(faults: Collection[Fault]) -> Light:
    """Return what the light shows."""
    if not faults:
        return Light.IN_SERVICE
    worst = {DESCRIPTIONS[fault].severity for fault in faults if fault not in OPENED}
    return Light.FAULT if PerceivedSeverity.CRITICAL in worst else Light.DEGRADED


class StatusLight(Part):
    """Shows on the board's light how the post is."""

    reports_faults = True

    def __init__(self, board: Board, faults: FaultMonitor) -> None:
        self._board = board
        self._faults = faults

    def start(self) -> None:
        """Show that the post starts."""
        self._board.status_light(Light.STARTING)

    def poll(self, now: float) -> None:  # noqa: ARG002 - it shows what is present
        """Show the present faults."""
        self._board.status_light(light(self._faults.present))

    def stop(self) -> None:
        """Show nothing."""
        self._board.status_light(Light.OFF)
