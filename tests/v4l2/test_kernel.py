"""A USB camera's code on the kernel's own drivers, where they are: in the machine that `make test-v4l2` emulates."""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest

from platepost.common.errors import CameraError
from platepost.device import backends
from platepost.device.camera.v4l2 import controls
from platepost.device.camera.v4l2.camera import V4l2Camera
from platepost.device.camera.v4l2.kernel import VideoDevice, connected

LOOPBACK, VIVID = "Dummy video device", "vivid-000-vid-cap"


def device(of: str) -> str:
    """Return the path of a driver's device; skips where there is none."""
    for each in connected():
        if f"({of}" in each:
            return each.partition(" ")[0]
    pytest.skip("Video4Linux is missing: make test-v4l2")


@pytest.fixture
def loopback() -> Iterator[VideoDevice]:
    opened = VideoDevice(device(LOOPBACK))
    yield opened
    opened.close()


def test_exposure_is_set_and_held_in_the_driver(loopback: VideoDevice) -> None:
    settings = {"device": device(LOOPBACK), "width": 1280, "height": 720, "fastest_kmh": 50}
    with V4l2Camera(**settings) as camera:
        camera.hold_seconds = 0.1
        frames = camera.frames()
        next(frames)
        wanted = {
            name: loopback.control(name) for name in (controls.EXPOSURE_AUTO, controls.EXPOSURE_ABSOLUTE, controls.GAIN)
        }
        assert wanted[controls.EXPOSURE_AUTO] == controls.MANUAL
        assert 1 <= wanted[controls.EXPOSURE_ABSOLUTE] <= 12
        loopback.set_control(controls.EXPOSURE_AUTO, 3)
        loopback.set_control(controls.EXPOSURE_ABSOLUTE, 312)
        for _ in islice(frames, 100):
            if {name: loopback.control(name) for name in wanted} == wanted:
                break
        assert {name: loopback.control(name) for name in wanted} == wanted


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)])
def test_vivid_delivers_frames_by_its_own_count(size: tuple[int, int]) -> None:
    path = device(VIVID)
    with backends.camera("v4l2", {"device": path, "width": size[0], "height": size[1], "pixel_format": "yuyv"}) as lens:
        frames = list(islice(lens.frames(), 10))
    assert frames[0].number == 0
    assert all(later.number > earlier.number for earlier, later in pairwise(frames))
    assert frames[0].gray.shape == size[::-1]
    assert frames[0].gray.std() > 10, "its test picture has bars"
    assert frames[0].color().shape == (*size[::-1], 3)


def test_what_captures_nothing_is_an_error() -> None:
    path = device("vivid-000-vid-out")
    with pytest.raises(CameraError, match="captures no video"):
        backends.camera("v4l2", {"device": path, "pixel_format": "yuyv"}).open()


def test_a_format_that_a_driver_lacks_is_an_error() -> None:
    path = device(VIVID)
    with pytest.raises(CameraError, match="it has no MJPG"):
        backends.camera("v4l2", {"device": path, "pixel_format": "mjpeg"}).open()


def test_frames_of_the_loopback_are_as_they_were_fed() -> None:
    path = Path(device(LOOPBACK))
    with backends.camera("v4l2", {"device": str(path), "width": 1280, "height": 720}) as camera:
        frames = list(islice(camera.frames(), 5))
    assert all(frame.gray.shape == (720, 1280) for frame in frames)
