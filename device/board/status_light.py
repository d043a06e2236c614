"""What the status light shows of the present faults."""

from collections.abc import Collection

from device.board.base import Board, Light
from device.diagnosis import FaultMonitor
from device.faults.fault import Fault
from device.part import Part

BLIND = frozenset(
    {
        Fault.CAMERA_BLACK,
        Fault.CAMERA_FAILED,
        Fault.CAMERA_FROZEN,
        Fault.CAMERA_GIVEN_UP,
        Fault.CAMERA_SILENT,
        Fault.HOTLIST_MISSING,
        Fault.OUTBOX_FAILED,
    }
)
"""Faults with which nothing is read or nothing can be kept: somebody must come."""


def light(faults: Collection[Fault]) -> Light:
    """Return what the light shows."""
    if not faults:
        return Light.IN_SERVICE
    return Light.FAULT if BLIND.intersection(faults) else Light.DEGRADED


class StatusLight(Part):
    """Shows on the board's light how the post is."""

    tells = True

    def __init__(self, board: Board, faults: FaultMonitor) -> None:
        self._board = board
        self._faults = faults

    def start(self) -> None:
        """Show that the post starts."""
        self._board.status_light(Light.STARTING)

    def tick(self, now: float) -> None:  # noqa: ARG002 - it shows what is present
        """Show the present faults."""
        self._board.status_light(light(self._faults.present))

    def stop(self) -> None:
        """Show nothing."""
        self._board.status_light(Light.OFF)
