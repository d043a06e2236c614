"""What the page hears of: vehicles seen before the camera was moved are not judged with those after."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pytest_mock import MockerFixture

from platepost.device.camera.base import Camera
from platepost.device.camera.tuning import CameraTuning
from platepost.device.frame import Frame
from platepost.device.vision.recognizer import Recognizer
from platepost.technician.aim.advice import Road
from platepost.technician.aim.watcher import Observation, Watcher

STREET = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (720, 1280), np.uint8), (0, 0), 25)
STREET = cv2.normalize(STREET, None, 30, 220, cv2.NORM_MINMAX).astype(np.uint8)
COLOR = cv2.cvtColor(STREET, cv2.COLOR_GRAY2BGR).astype(np.uint8)


class Passing:
    """A camera at a road on which a vehicle passes every four seconds."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.plates: list[Any] = []
        recognizer = mocker.Mock()
        recognizer.recognize.side_effect = lambda _gray: mocker.Mock(plates=self.plates)
        self.mocker = mocker
        self.watcher = Watcher(mocker.Mock(), cast("Recognizer", recognizer), Road())
        self.number = 0

    def drive(self, picture: NDArray[np.uint8], *, width: float, seconds: float) -> Observation:
        for _ in range(round(seconds / 0.2)):
            phase = self.number % 20
            self.plates = []
            if phase < 5:
                half = np.array([[-0.5, -0.25], [0.5, -0.25], [0.5, 0.25], [-0.5, 0.25]], np.float32)
                corners = (half * width + np.array([640, 300 + 40 * phase])).astype(np.float32)
                self.plates = [self.mocker.Mock(corners=corners, text="8KTR402", box=None)]
            frame = Frame(
                number=self.number,
                captured=datetime(2026, 3, 1, tzinfo=UTC),
                monotonic=self.number * 0.2,
                gray=picture,
                color=lambda: cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR).astype(np.uint8),
            )
            seen = self.watcher._observe(frame)
            self.number += 1
        return seen


def test_the_picture_shows_the_lanes_that_reads_name_and_the_corners_of_the_one_being_drawn(
    mocker: MockerFixture,
) -> None:
    road = Passing(mocker)

    def shown() -> NDArray[np.uint8]:
        jpeg = road.drive(STREET, width=115, seconds=0.2).jpeg
        return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)

    road.number = 10  # no vehicle is there
    without = shown()
    outlines = road.watcher.outlines
    outlines.begin()
    for x, y in ((0.1, 0.1), (0.4, 0.1), (0.4, 0.6)):
        outlines.add(x, y)
    drawing = shown()
    outlines.keep("left")
    whole = shown()
    middle = (slice(150, 250), slice(200, 260))  # of the side that only a whole lane has
    assert np.abs(drawing[54, 96:384].astype(int) - without[54, 96:384]).mean() > 20
    assert np.abs(drawing[middle].astype(int) - without[middle]).max() < 10
    assert np.abs(whole[middle].astype(int) - without[middle]).max() > 50


def test_vehicles_seen_before_the_camera_was_moved_are_dropped_and_that_is_said(mocker: MockerFixture) -> None:
    road = Passing(mocker)
    before = road.drive(STREET, width=115, seconds=20)
    assert before.assessment.vehicles == ("8KTR402, 115 px",) * 3
    assert not before.moved
    nearer = cv2.resize(STREET[60:660, 107:1173], (1280, 720)).astype(np.uint8)
    after = road.drive(nearer, width=139, seconds=12)
    assert after.moved
    assert set(after.assessment.vehicles) == {"8KTR402, 139 px"}
    assert road.watcher.moves == 1
    then = road.drive(nearer, width=139, seconds=12)
    assert (then.moved, road.watcher.moves) == (False, 1)


class Hanging(Camera):
    """A camera that gives one frame each time that it is opened, and then none."""

    name = "hanging"

    def __init__(self) -> None:
        self.opened = 0
        self._closed = threading.Event()

    def open(self) -> None:
        self.opened += 1
        self._closed.clear()

    def close(self) -> None:
        self._closed.set()

    def frames(self) -> Iterator[Frame]:
        yield Frame(self.opened, datetime(2026, 3, 1, tzinfo=UTC), time.monotonic(), STREET, lambda: COLOR)
        self._closed.wait(60)


def test_a_camera_that_hangs_is_opened_again_and_that_is_said(mocker: MockerFixture) -> None:
    hanging = Hanging()
    recognizer = mocker.Mock()
    recognizer.recognize.return_value = mocker.Mock(plates=())
    watcher = Watcher(hanging, recognizer, Road(), tuning=CameraTuning(hung_seconds=0.1))
    watcher.start()
    try:
        assert watcher.wait(1, 60) is not None
        assert hanging.opened > 1
        end = time.monotonic() + 60
        while watcher.fault is None and time.monotonic() < end:
            time.sleep(0.01)
        assert watcher.fault == "no new picture for 0.1 s"
    finally:
        watcher.close()


def test_a_picture_that_cannot_be_judged_does_not_end_the_looking(mocker: MockerFixture) -> None:
    hanging = Hanging()
    recognizer = mocker.Mock()
    recognizer.recognize.side_effect = [ValueError("odd"), *[mocker.Mock(plates=())] * 99]
    watcher = Watcher(hanging, recognizer, Road(), tuning=CameraTuning(hung_seconds=0.1))
    watcher.start()
    try:
        seen = watcher.wait(None, 60)
        assert seen is not None
        assert seen.number > 1
    finally:
        watcher.close()
