from collections.abc import Iterator

import pytest

from simulator.camera.picamera2_standin import Sensor, sensor
from simulator.standins import standing_in


@pytest.fixture
def lens() -> Iterator[Sensor]:
    with standing_in():
        yield sensor
