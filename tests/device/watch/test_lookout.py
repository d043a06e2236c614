from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event

import numpy as np
from pytest_mock import MockerFixture

from device.camera.base import Camera, Frame
from device.watch.lookout import Actions, Lookout


class LosingCamera(Camera):
    """Delivers four frames each time it is opened, and loses 48 between them."""

    @property
    def finite(self) -> bool:
        return True

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def frames(self) -> Iterator[Frame]:
        for number in (0, 1, 50, 51):
            picture = np.full((4, 4), number, np.uint8)
            yield Frame(number, datetime.now(UTC), number / 10, picture, lambda: np.zeros((4, 4, 3), np.uint8))


def test_what_the_camera_lost_is_counted_on_when_it_is_opened_again(mocker: MockerFixture) -> None:
    lookout = Lookout(LosingCamera(), mocker.Mock(), mocker.Mock(), stop=Event(), queue_frames=lambda: 4)
    for lost in (48, 96):
        lookout.run(mocker.Mock(), Actions(lambda _frame: None, lambda: None, lambda: None))
        assert lookout.lost == lost
