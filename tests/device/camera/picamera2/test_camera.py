import threading
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from platepost.common.errors import BackendError, CameraError, ConfigurationError
from platepost.device import backends
from platepost.device.camera.picamera2 import camera as module
from platepost.device.camera.picamera2.camera import Picamera2Camera
from platepost.device.frame import Frame
from tests.standins.picamera2 import BUFFERS_OVERWRITTEN, Sensor


@pytest.fixture
def camera(lens: Sensor) -> Iterator[Picamera2Camera]:
    made = Picamera2Camera(frames_per_second=60)
    yield made
    lens.resume()
    made.close()


def first(camera: Picamera2Camera, count: int) -> list[Frame]:
    return list(islice(camera.frames(), count))


def test_frames_have_full_size_luma_a_small_picture_and_color_on_demand(camera: Picamera2Camera) -> None:
    with camera:
        frame, *_ = first(camera, 1)
    assert frame.gray.shape == (1088, 1456)
    assert frame.small is not None
    assert frame.small.shape == (368, 492)
    color = frame.color()
    assert color.shape == (1088, 1456, 3)
    # Gray has no color, and full range stays full range.
    assert np.abs(color.astype(int) - frame.gray[:, :, None]).max() <= 1


def test_a_frame_stays_valid_when_its_buffer_went_back_to_the_camera(camera: Picamera2Camera, lens: Sensor) -> None:
    with camera:
        frames = first(camera, 8)
    assert all(not np.any(frame.gray == BUFFERS_OVERWRITTEN) for frame in frames)
    assert all(frame.small is not None and not np.any(frame.small == BUFFERS_OVERWRITTEN) for frame in frames)
    assert lens.outstanding == 0
    assert len({frame.gray.tobytes() for frame in frames}) == 8


def test_frames_know_when_they_were_taken(camera: Picamera2Camera) -> None:
    with camera:
        frames = first(camera, 5)
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert all(later.monotonic > earlier.monotonic for earlier, later in pairwise(frames))
    assert all(0 <= time.monotonic() - frame.monotonic < 30 for frame in frames)


def test_frames_that_the_sensor_took_and_nobody_got_are_gaps() -> None:
    clock = module._Clock()
    stamps = [{"SensorTimestamp": int(n * 50e6), "FrameDuration": 50_000} for n in (1, 2, 5, 6)]
    assert [clock.number(stamp) for stamp in stamps] == [0, 1, 4, 5]


def test_exposure_is_bounded_and_fixed_at_the_start(lens: Sensor) -> None:
    camera = Picamera2Camera(fastest_kmh=130, angle_degrees=20, plate_pixels=130, blur_pixels=2)
    with camera:
        controls = dict(lens.controls())
    assert controls["AeEnable"] is False
    assert 300 < controls["ExposureTime"] < 400
    assert controls["FrameDurationLimits"] == (66667, 66667)
    assert "LensPosition" not in controls


def test_an_autofocus_lens_is_held(lens: Sensor) -> None:
    lens.model = "imx708_wide_noir"
    with Picamera2Camera(lens_position=0.25) as camera:
        controls = dict(lens.controls())
        frame, *_ = first(camera, 1)
    assert (controls["AfMode"], controls["LensPosition"]) == (0, 0.25)
    assert frame.gray.shape == (1296, 2304)
    assert frame.small is not None
    assert frame.small.shape == (360, 640)


def test_infrared_light_has_its_own_exposure_and_no_color(camera: Picamera2Camera, lens: Sensor) -> None:
    with camera:
        camera.infrared(on=True)
        night = lens.history[-1][2]
        camera.infrared(on=True)
        assert lens.history[-1][2] is night
        camera.infrared(on=False)
        day = lens.history[-1][2]
    assert night["Saturation"] == 0
    assert day["Saturation"] == 1
    assert night["AnalogueGain"] > day["AnalogueGain"]


def test_plates_that_are_burnt_out_are_exposed_less(camera: Picamera2Camera, lens: Sensor) -> None:
    with camera:
        frame, *_ = first(camera, 1)
        frame.gray[500:560, 600:730] = 255
        before = dict(lens.controls())["ExposureTime"]
        camera.meter(frame, [(600, 500, 730, 560)])
        after = dict(lens.controls())
    assert after["ExposureTime"] * after["AnalogueGain"] < before * 2
    assert after["ExposureTime"] <= before


def test_brightness_is_told(camera: Picamera2Camera, lens: Sensor) -> None:
    lens.lux = 12.5
    with camera:
        first(camera, 1)
    assert camera.lux == 12.5


def test_closing_ends_a_blocked_capture_and_it_opens_again(camera: Picamera2Camera, lens: Sensor) -> None:
    with camera:
        lens.hang()
        got: list[Frame] = []
        taker = threading.Thread(target=lambda: got.extend(camera.frames()))
        taker.start()
        driver: Any = camera._camera
        while not driver._jobs:
            time.sleep(0.01)
        camera.close()
        taker.join(60)
        assert not taker.is_alive()
        assert got == []
        camera.close()
    lens.resume()
    with camera:
        assert len(first(camera, 2)) == 2


def test_a_driver_that_hangs_leaves_the_camera_stuck_until_it_returns(camera: Picamera2Camera, lens: Sensor) -> None:
    camera.close_seconds = 0.05
    camera.open()
    lens.wedge()
    camera.close()
    assert camera.stuck
    with pytest.raises(CameraError, match="restart the software"):
        camera.open()
    hanging = camera._hanging
    assert hanging is not None
    lens.resume()
    hanging.wait(10)
    assert not camera.stuck
    with camera:
        assert first(camera, 1)


def test_an_opening_that_does_not_return_is_given_up_and_closed_when_it_does(
    camera: Picamera2Camera, lens: Sensor
) -> None:
    camera.open_seconds = 0.05
    lens.wedge()
    with pytest.raises(CameraError, match="was not open after"):
        camera.open()
    assert camera.stuck
    hanging = camera._hanging
    assert hanging is not None
    lens.resume()
    hanging.wait(10)
    assert lens.history[-1][1] == "close"
    camera.open_seconds = Picamera2Camera.open_seconds
    with camera:
        assert first(camera, 1)


@pytest.mark.parametrize("box", [(1400, 1000, 1600, 1200), (-80, -40, -10, -5), (2000, 2000, 2100, 2050), (5, 5, 5, 5)])
def test_plates_at_the_edge_and_beyond_are_metered_as_far_as_they_are_seen(
    camera: Picamera2Camera, box: tuple[float, float, float, float]
) -> None:
    with camera:
        frame, *_ = first(camera, 1)
        camera.meter(frame, [box])


def test_a_camera_that_is_not_there_is_named(camera: Picamera2Camera, lens: Sensor) -> None:
    lens.unplug()
    with pytest.raises(CameraError, match="there is no camera 0; found: none; check the ribbon cable"):
        camera.open()


def test_a_sensor_that_is_not_known_is_named_with_those_that_are(camera: Picamera2Camera, lens: Sensor) -> None:
    lens.model = "ov5647"
    with pytest.raises(CameraError, match="'ov5647' is not known; known: imx296, imx477, imx708"):
        camera.open()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fps": 10}, "camera.picamera2.fps: unknown key"),
        ({"frames_per_second": 900}, "camera.picamera2.frames_per_second = 900"),
        ({"day_shutter_microseconds": 5000}, "plates would blur; vehicles of 130 km/h"),
        ({"width": 1280}, "set both width and height"),
        ({"night_gain": 20}, "night_gain must not be more than night_most_gain"),
    ],
)
def test_settings_that_cannot_be_are_refused(lens: Sensor, settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        backends.camera("picamera2", settings)
    assert said in str(caught.value)


def test_without_picamera2_the_backend_says_what_is_missing() -> None:
    with pytest.raises(BackendError, match="camera 'picamera2' needs picamera2, which is not installed"):
        backends.camera("picamera2", {})
