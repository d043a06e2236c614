import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from platepost.common.errors import CameraError
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.frame import Frame


def frame(number: int) -> Frame:
    gray = np.zeros((4, 4), np.uint8)
    return Frame(number, datetime.now(UTC), number / 10, gray, lambda: np.zeros((4, 4, 3), np.uint8))


class ScriptedCamera(Camera):
    """Delivers the given frames at once, then fails or ends."""

    def __init__(self, numbers: list[int], *, patient: bool = False, failure: CameraError | None = None) -> None:
        self._numbers = numbers
        self._patient = patient
        self._failure = failure
        self.delivered = threading.Event()

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def patient(self) -> bool:
        return self._patient

    def frames(self) -> Iterator[Frame]:
        for number in self._numbers:
            yield frame(number)
        self.delivered.set()
        if self._failure:
            raise self._failure


def test_a_slow_post_drops_frames_and_counts_them() -> None:
    camera = ScriptedCamera(list(range(10)))
    capture = Capture(camera, queue_frames=3)
    capture.start()
    assert camera.delivered.wait(60)
    numbers = [taken.number for taken in capture.frames() if taken is not None]
    assert numbers == [0, 1, 2]
    assert capture.dropped == 7


def test_a_patient_camera_loses_nothing() -> None:
    capture = Capture(ScriptedCamera(list(range(10)), patient=True), queue_frames=2)
    capture.start()
    assert [taken.number for taken in capture.frames() if taken is not None] == list(range(10))
    assert capture.dropped == 0


def test_frames_that_the_camera_lost_are_counted_apart() -> None:
    capture = Capture(ScriptedCamera([0, 1, 4, 5], patient=True), queue_frames=8)
    capture.start()
    assert len([taken for taken in capture.frames() if taken is not None]) == 4
    assert capture.lost == 2
    assert capture.dropped == 0


def test_a_camera_that_fails_is_named_after_its_frames_were_seen() -> None:
    failure = CameraError("unplugged")
    capture = Capture(ScriptedCamera([0], failure=failure), queue_frames=2)
    capture.start()
    assert [taken.number for taken in capture.frames() if taken is not None] == [0]
    assert capture.fault is failure


@pytest.mark.parametrize("patient", [True, False])
def test_stopping_ends_the_thread_even_with_a_full_queue(*, patient: bool) -> None:
    capture = Capture(ScriptedCamera(list(range(100)), patient=patient), queue_frames=1)
    capture.start()
    capture.stop()
    assert threading.active_count() == 1 or not any(t.name == "capture" for t in threading.enumerate())
