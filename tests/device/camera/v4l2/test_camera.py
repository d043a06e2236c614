"""A USB camera and its faults; what every camera must do is in `tests/conformance`."""

import logging
import time
from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import pytest

from platepost.common.errors import CameraError, ConfigurationError
from platepost.device import backends
from platepost.device.camera.base import Camera
from platepost.device.camera.v4l2 import controls
from platepost.device.camera.v4l2.camera import V4l2Camera
from platepost.device.frame import Frame
from tests.standins.v4l2 import PATH, VideoSensor, plugged_in
from tests.waiting import until

SIZE = (640, 360)


def painted(number: int) -> np.ndarray:
    """Return a picture that shows its number by eight bars, black or white."""
    picture = np.full(SIZE[::-1], 128, np.uint8)
    for bit in range(8):
        picture[:, bit * 80 : bit * 80 + 80] = 255 if number >> bit & 1 else 0
    return picture


@pytest.fixture
def sensor() -> Iterator[VideoSensor]:
    with plugged_in(VideoSensor([painted(number) for number in range(40)], frames_per_second=100)) as usb:
        yield usb


def camera_of(**more: object) -> V4l2Camera:
    return V4l2Camera(**{"device": PATH, "width": SIZE[0], "height": SIZE[1], **more})


def number_in(gray: np.ndarray) -> int:
    return sum(1 << bit for bit in range(8) if gray[SIZE[1] // 2, bit * 80 + 40] > 128)


def take(camera: Camera, count: int) -> list[Frame]:
    return list(islice(camera.frames(), count))


@pytest.mark.parametrize("pixel_format", ["mjpeg", "yuyv"])
def test_luma_is_of_full_range_and_frames_are_numbered_by_the_driver(sensor: VideoSensor, pixel_format: str) -> None:
    sensor.lost = {2, 3}
    with camera_of(pixel_format=pixel_format) as camera:
        frames = take(camera, 4)
    assert [frame.number for frame in frames] == [0, 1, 4, 5]
    assert [number_in(frame.gray) for frame in frames] == [0, 1, 4, 5]
    assert frames[1].gray[:, :80].min() > 250, "16 to 235 would be gray"
    assert frames[1].gray[:, 80:160].max() < 5
    assert all(0 <= time.monotonic() - frame.monotonic < 30 for frame in frames)


def test_a_frame_that_was_cut_off_on_the_way_is_left_out(sensor: VideoSensor) -> None:
    sensor.damaged = {1}
    sensor.formats["MJPG"][2] = sensor.formats["MJPG"][2][:40]
    with camera_of() as camera:
        assert [frame.number for frame in take(camera, 3)] == [0, 3, 4]


def test_a_jpeg_without_huffman_tables_is_decoded(sensor: VideoSensor) -> None:
    content = sensor.formats["MJPG"][5]
    while (at := content.find(b"\xff\xc4")) >= 0:  # DHT, which UVC cameras leave out
        content = content[:at] + content[at + 2 + int.from_bytes(content[at + 2 : at + 4], "big") :]
    sensor.formats["MJPG"] = [content]
    with camera_of() as camera:
        (frame,) = take(camera, 1)
    assert number_in(frame.gray) == 5
    assert frame.color().shape == (*frame.gray.shape, 3)


def test_exposure_is_set_by_hand_within_what_the_road_allows(sensor: VideoSensor) -> None:
    settings = {"fastest_kmh": 50, "angle_degrees": 20, "day_gain": 4, "day_most_gain": 8, "night_most_gain": 16}
    with camera_of(focus=100, **settings) as camera:
        assert isinstance(camera, V4l2Camera)
        longest = camera._settings.longest_microseconds
        take(camera, 1)
    assert sensor.values[controls.EXPOSURE_AUTO] == controls.MANUAL
    assert sensor.values[controls.EXPOSURE_AUTO_PRIORITY] == 0
    assert sensor.values[controls.EXPOSURE_ABSOLUTE] == longest // 100
    assert sensor.values[controls.GAIN] == round(3 / 15 * 255)
    assert (sensor.values[controls.FOCUS_AUTO], sensor.values[controls.FOCUS_ABSOLUTE]) == (0, 100)


def test_exposure_follows_the_plates_and_is_held_when_the_camera_changes_it(
    sensor: VideoSensor, caplog: pytest.LogCaptureFixture
) -> None:
    with camera_of(fastest_kmh=20) as camera:
        camera.hold_seconds = 0.02
        frames = camera.frames()
        before = sensor.values[controls.EXPOSURE_ABSOLUTE] * (sensor.values[controls.GAIN] + 1)
        bright = next(frame for frame in frames if number_in(frame.gray) == 3)
        camera.meter(bright, [(5.0, 5.0, 100.0, 60.0)])
        metered = dict(sensor.values)
        assert metered[controls.EXPOSURE_ABSOLUTE] * (metered[controls.GAIN] + 1) < before
        sensor.values |= {controls.EXPOSURE_AUTO: 3, controls.EXPOSURE_ABSOLUTE: 312, controls.GAIN: 200}
        until(lambda: next(frames) is not None and sensor.values == metered, "exposure as it was set")
    assert "was changed" in caplog.text


def test_a_camera_whose_shutter_cannot_be_set_is_reported(
    sensor: VideoSensor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    sensor.ranges = {controls.GAIN: (0, 10, 1)}
    with camera_of() as camera:
        assert take(camera, 1)
    assert "its shutter cannot be set" in caplog.text


def test_one_that_is_unplugged_is_an_error_until_it_is_back(sensor: VideoSensor) -> None:
    camera = camera_of()
    with camera:
        frames = camera.frames()
        next(frames)
        sensor.unplugged = True
        with pytest.raises(CameraError, match="it was unplugged"):
            list(frames)
    with pytest.raises(CameraError, match="no such device"):
        camera.open()
    sensor.unplugged = False
    with camera:
        assert take(camera, 2)


def test_one_that_sends_nothing_whole_is_an_error(sensor: VideoSensor) -> None:
    sensor.formats["MJPG"] = [content[:40] for content in sensor.formats["MJPG"]]
    camera = camera_of()
    camera.silent_seconds = 0.2
    with camera, pytest.raises(CameraError, match="no whole frame"):
        take(camera, 1)


def test_one_that_is_busy_or_lacks_the_size_is_an_error(sensor: VideoSensor) -> None:
    sensor.busy = True
    with pytest.raises(CameraError, match="another program uses it"):
        camera_of().open()
    sensor.busy = False
    with pytest.raises(CameraError, match="it has no MJPG or YUYV of 1920 x 1080; the nearest is YUYV of 640 x 360"):
        camera_of(width=1920, height=1080).open()
    del sensor.formats["YUYV"]
    with pytest.raises(CameraError, match="it has no YUYV"):
        camera_of(pixel_format="yuyv").open()


def test_a_shutter_that_blurs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="plates would blur"):
        backends.check_camera("v4l2", {"day_shutter_microseconds": 20_000})


def test_color_is_that_of_yuyv(sensor: VideoSensor) -> None:
    bgr = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    bgr[:, :320], bgr[:, 320:] = (40, 60, 200), (200, 120, 30)
    sensor.formats["YUYV"] = [cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUYV).tobytes()]
    with camera_of(pixel_format="yuyv") as camera:
        (frame,) = take(camera, 1)
    assert np.abs(frame.color().astype(int) - bgr).max() < 6
