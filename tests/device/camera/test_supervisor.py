from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from threading import Event

import numpy as np
import pytest
from pytest_mock import MockerFixture

from platepost.common.errors import CameraError
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.camera.recovery import Recovery
from platepost.device.camera.supervisor import CameraSupervisor
from platepost.device.clock.clock import SYSTEM
from platepost.device.frame import Frame
from platepost.wire.faults import Fault


class RepeatingCamera(Camera):
    """Delivers frames of the given gray levels, and ends."""

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
            gray = np.full((64, 64), 20 * int(level), np.uint8)
            yield Frame(number, datetime.now(UTC), number / 10, gray, lambda: np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize(("noisy", "evaluated"), [(True, [0, 3, 4, 6]), (False, list(range(7)))], ids=["lens", "video"])
def test_the_very_same_picture_of_a_lens_is_no_second_look(
    mocker: MockerFixture,
    noisy: bool,  # noqa: FBT001
    evaluated: list[int],
) -> None:
    camera = RepeatingCamera("2223443", noisy=noisy)
    supervisor = supervising(camera, mocker)
    assert [frame.number for frame in supervisor.watch() if frame is not None] == evaluated
    assert supervisor.done


def supervising(camera: Camera, mocker: MockerFixture) -> CameraSupervisor:
    audit = mocker.Mock(clock=SYSTEM)
    capture = partial(Capture, queue_frames=4)
    return CameraSupervisor(camera, mocker.Mock(), Recovery(), audit, capture=capture, stop=Event())


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
    supervisor = supervising(LosingCamera(), mocker)
    for lost in (48, 96):
        assert len([frame for frame in supervisor.watch() if frame is not None]) == 4
        assert supervisor.lost == lost


class UnreadableFootage(LosingCamera):
    """Cannot be opened."""

    def open(self) -> None:
        raise CameraError("the footage is damaged")


def test_footage_that_cannot_be_played_is_not_tried_again(mocker: MockerFixture) -> None:
    supervisor = supervising(UnreadableFootage(), mocker)
    assert list(supervisor.watch()) == []
    assert not supervisor.done
    with pytest.raises(CameraError, match="the footage is damaged"):
        list(supervisor.recover())
    assert Fault.CAMERA_FAILED not in supervisor.faults(), "nothing is tried"
