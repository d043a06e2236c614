"""What the status light says of the present faults."""

from collections.abc import Collection

from device.board.base import Light
from device.faults.fault import Fault

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
