from collections.abc import Iterator

import pytest

from tests.standins import standing_in
from tests.standins.picamera2 import Sensor, sensor


@pytest.fixture
def lens() -> Iterator[Sensor]:
    with standing_in():
        yield sensor
