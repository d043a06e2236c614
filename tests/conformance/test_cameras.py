"""What a post needs of a camera, whatever makes its frames."""

import threading
import time
from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from platepost.common.errors import CameraError, ConfigurationError
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.frame import Frame
from platepost.device.vision.geometry import rectify
from platepost.device.vision.reader import HEIGHT, MARGIN, WIDTH
from platepost.device.vision.recognizer import Recognizer
from tests.conformance.cameras import CameraStand

SECONDS = 30.0


@pytest.fixture(scope="session")
def recognizer() -> Recognizer:
    return Recognizer.load()


def take(camera: Camera, count: int) -> list[Frame]:
    return list(islice(camera.frames(), count))


def test_frames_come_in_order_with_their_times(lens: CameraStand) -> None:
    with lens.make() as camera:
        frames = take(camera, 6)
    assert frames[0].number == 0
    assert all(later.number > earlier.number for earlier, later in pairwise(frames))
    assert all(later.monotonic > earlier.monotonic for earlier, later in pairwise(frames))
    assert all(later.captured > earlier.captured for earlier, later in pairwise(frames))
    assert all(frame.captured.utcoffset() is not None for frame in frames)
    assert abs(time.monotonic() - frames[-1].monotonic) < SECONDS


def test_luma_is_full_size(lens: CameraStand) -> None:
    with lens.make() as camera:
        frame, *_ = take(camera, 1)
    assert frame.gray.dtype == np.uint8
    assert frame.gray.shape == lens.size[::-1]
    assert frame.gray.strides[1] == 1
    assert 20 < frame.gray.mean() < 235


def test_color_is_that_of_the_luma(lens: CameraStand) -> None:
    with lens.make() as camera:
        frame, *_ = take(camera, 1)
    color = frame.color()
    assert color.shape == (*frame.gray.shape, 3)
    # ITU-R BT.601; clipping of saturated colors moves a few pixels.
    luma = color.astype(float) @ np.array([0.114, 0.587, 0.299])
    assert np.median(np.abs(luma - frame.gray)) < 3


def test_the_small_picture_shows_the_same(lens: CameraStand) -> None:
    with lens.make() as camera:
        frame, *_ = take(camera, 1)
    if frame.small is None:
        pytest.skip("it shrinks no picture by itself; the detector does")
    height, width = frame.small.shape
    assert width <= 640
    assert height <= 368
    block = frame.gray[: height * 2, : width * 2].reshape(height, 2, width, 2).mean(axis=(1, 3))
    assert np.median(np.abs(block - frame.small)) < 4


def test_a_frame_stays_as_it_was(lens: CameraStand) -> None:
    with lens.make() as camera:
        frames = camera.frames()
        kept = next(frames)
        before, color = kept.gray.copy(), kept.color().copy()
        for _ in islice(frames, 12):
            pass
        frames.close()  # type: ignore[attr-defined]
    assert np.array_equal(kept.gray, before)
    assert np.array_equal(kept.color(), color)


def test_plates_are_found_and_read_in_its_frames(lens: CameraStand, recognizer: Recognizer) -> None:
    read: Counter[str] = Counter()
    with lens.make() as camera:
        for frame in islice(camera.frames(), 240):
            if frame.number % 4:
                continue
            for found in recognizer.detector.detect(frame.gray, frame.small):
                plate = rectify(frame.gray, found.corners, width=WIDTH, height=HEIGHT, margin=MARGIN)
                read[recognizer.reader.read_rectified(plate).text] += 1
            if read[lens.plate] >= 3:
                break
    assert read[lens.plate] >= 3, read


def test_closing_ends_a_capture_in_another_thread(lens: CameraStand) -> None:
    camera = lens.make()
    came = threading.Event()
    with camera:

        def capture() -> None:
            for _ in camera.frames():
                came.set()

        taker = threading.Thread(target=capture)
        taker.start()
        assert came.wait(SECONDS)
        camera.close()
        taker.join(SECONDS)
        assert not taker.is_alive()


def test_one_that_hangs_is_closed_and_delivers_when_opened_again(lens: CameraStand) -> None:
    if lens.hang is None:
        pytest.skip("it never hangs")
    camera = lens.make()
    with camera:
        capture = Capture(camera, queue_frames=2)
        capture.start()
        assert next(frame for frame in capture.frames(patience=1.0) if frame is not None)
        lens.hang(camera)
        end = time.monotonic() + SECONDS
        while capture.age < 1.5:
            assert time.monotonic() < end, "it does not hang"
            time.sleep(0.05)
        camera.close()
        capture.stop()
    assert capture.fault is None
    assert not camera.stuck
    lens.heal()
    with camera:
        assert take(camera, 3)


def test_it_opens_again_after_closing_and_counts_from_nought(lens: CameraStand) -> None:
    camera = lens.make()
    for _ in range(3):
        with camera:
            assert take(camera, 2)[0].number == 0
    camera.close()
    camera.close()
    assert not camera.stuck


def test_it_is_released_whatever_happens(lens: CameraStand) -> None:
    camera = lens.make()
    with pytest.raises(ZeroDivisionError), camera:
        raise ZeroDivisionError
    with lens.make() as another:
        assert take(another, 1)


def test_closed_it_gives_no_frames(lens: CameraStand) -> None:
    with pytest.raises(CameraError, match="not open"):
        next(iter(lens.make().frames()))


def test_capture_takes_its_frames_and_stops(lens: CameraStand) -> None:
    with lens.make() as camera:
        capture = Capture(camera, queue_frames=2)
        capture.start()
        got = list(islice((frame for frame in capture.frames(patience=1.0) if frame is not None), 4))
        assert len(got) == 4
        assert capture.age < SECONDS
        camera.close()
        capture.stop()
    assert capture.fault is None


def test_it_takes_what_a_post_tells_it(lens: CameraStand) -> None:
    camera = lens.make()
    camera.infrared(on=True)
    with camera:
        frame, *_ = take(camera, 1)
        camera.meter(frame, [(600.0, 300.0, 730.0, 360.0)])
        camera.meter(frame, [])
        camera.infrared(on=False)
        assert camera.lux is None or camera.lux >= 0
        assert len(take(camera, 2)) == 2


def test_a_missing_camera_is_an_error_of_the_camera(lens: CameraStand) -> None:
    with pytest.raises(CameraError):
        lens.missing().open()


def test_settings_it_does_not_know_are_refused(lens: CameraStand) -> None:
    with pytest.raises(ConfigurationError):
        lens.make(color_of_the_lens="blue")


def test_it_says_what_it_is(lens: CameraStand) -> None:
    camera = lens.make()
    assert "closed" in repr(camera)
    with camera:
        assert "open" in repr(camera)
    assert camera.name
    assert not camera.finite
