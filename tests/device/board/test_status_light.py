import pytest

from device.board.base import Light
from device.board.status_light import light
from device.faults.fault import Fault


@pytest.mark.parametrize(
    ("faults", "shown"),
    [
        (set(), Light.IN_SERVICE),
        ({Fault.CLOCK_UNSYNCHRONISED}, Light.DEGRADED),
        ({Fault.CLOCK_UNSYNCHRONISED, Fault.CAMERA_SILENT}, Light.FAULT),
        ({Fault.HOTLIST_MISSING}, Light.FAULT),
        ({Fault.HOTLIST_STALE, Fault.TAMPER_OPEN}, Light.DEGRADED),
    ],
)
def test_the_light_tells_a_post_that_reads_nothing_from_one_that_ails(faults: set[Fault], shown: Light) -> None:
    assert light(faults) is shown
