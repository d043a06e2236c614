import pytest

from platepost.device.board.base import Light
from platepost.device.board.status_light import light
from platepost.wire.faults import Fault


@pytest.mark.parametrize(
    ("faults", "shown"),
    [
        (set(), Light.IN_SERVICE),
        ({Fault.CLOCK_UNSYNCHRONISED}, Light.DEGRADED),
        ({Fault.CLOCK_UNSYNCHRONISED, Fault.CAMERA_SILENT}, Light.FAULT),
        ({Fault.HOTLIST_MISSING}, Light.FAULT),
        ({Fault.HOTLIST_STALE}, Light.FAULT),
        ({Fault.STORAGE_LOW, Fault.FALLING_BEHIND}, Light.DEGRADED),
        ({Fault.DOOR_OPEN, Fault.TAMPER_OPEN}, Light.DEGRADED),
        ({Fault.MODEL_DAMAGED, Fault.TAMPER_OPEN}, Light.FAULT),
    ],
)
def test_the_light_tells_a_post_with_a_critical_fault_from_one_with_another(faults: set[Fault], shown: Light) -> None:
    assert light(faults) is shown
