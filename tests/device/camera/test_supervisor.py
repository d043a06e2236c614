from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event
from typing import Any, cast

import numpy as np
import pytest
from pytest_mock import MockerFixture

from device.board.base import Board
from device.camera.base import Camera
from device.camera.recovery import Recovery
from device.camera.supervisor import Actions, CameraSupervisor
from device.frame import Frame


class RepeatingCamera(Camera):
    """Delivers frames of the given grey levels, and ends."""

    finite = True
    patient = True

    def __init__(self, levels: str, *, noisy: bool) -> None:
        self._levels = levels
        self._noisy = noisy

    @property
    def noisy(self) -> bool:
        return self._noisy

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def frames(self) -> Iterator[Frame]:
        for number, level in enumerate(self._levels):
            grey = np.full((64, 64), 20 * int(level), np.uint8)
            yield Frame(number, datetime.now(UTC), number / 10, grey, lambda: np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize(("noisy", "evaluated"), [(True, [0, 3, 4, 6]), (False, list(range(7)))], ids=["lens", "video"])
def test_the_very_same_picture_of_a_lens_is_no_second_look(
    noisy: bool,  # noqa: FBT001
    evaluated: list[int],
) -> None:
    camera = RepeatingCamera("2223443", noisy=noisy)
    board: Any = None
    seen: list[int] = []
    lookout = CameraSupervisor(camera, Recovery(), cast("Any", None), stop=Event(), queue_frames=lambda: 4)
    lookout.run(cast("Board", board), Actions(lambda frame: seen.append(frame.number), lambda: None, lambda: None))
    assert seen == evaluated


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
    lookout = CameraSupervisor(LosingCamera(), mocker.Mock(), mocker.Mock(), stop=Event(), queue_frames=lambda: 4)
    for lost in (48, 96):
        lookout.run(mocker.Mock(), Actions(lambda _frame: None, lambda: None, lambda: None))
        assert lookout.lost == lost
