"""What a post needs of a camera of the network whose line is cut, stalls, or is narrow, whatever server it has."""

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import pytest

from platepost.common.errors import CameraError
from platepost.device.camera.base import Camera
from platepost.device.camera.capture import Capture
from platepost.device.frame import Frame
from platepost.simulator.ground.event_loop_thread import EventLoopThread
from platepost.simulator.ground.proxy import Proxy
from tests.conformance.cameras import CameraStand
from tests.thorough import THOROUGH

SECONDS = 30.0
READ_SECONDS = 2.0


@pytest.fixture
def line(lens: CameraStand) -> Iterator[Proxy]:
    """Return the line to a camera of the network."""
    if lens.backend != "rtsp":
        pytest.skip("it is no camera of the network")
    loop = EventLoopThread()
    proxy = Proxy(loop, urlsplit(lens.settings["url"]).port or 554)
    yield proxy
    proxy.close()
    loop.close()


@pytest.fixture
def camera(lens: CameraStand, line: Proxy) -> Camera:
    parts = urlsplit(lens.settings["url"])
    url = urlunsplit(parts._replace(netloc=f"{parts.hostname}:{line.port}"))
    return lens.make(url=url, read_seconds=READ_SECONDS, open_seconds=10)


def frames_of(camera: Camera, count: int) -> list[Frame]:
    return list(itertools.islice(camera.frames(), count))


def opened_again(camera: Camera) -> None:
    """Open a camera whose line was mended; a server may take a moment to end the session of before."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            with camera:
                assert len(frames_of(camera, 3)) == 3
        except CameraError:
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            return


@pytest.mark.parametrize("fault", ["reset", "end", "blackhole", "down", "stall"])
def test_a_line_that_fails_is_an_error_in_time_and_the_camera_comes_back(
    line: Proxy, camera: Camera, fault: str
) -> None:
    with camera:
        frames = camera.frames()
        assert next(frames)
        getattr(line, fault)()
        begin = time.monotonic()
        with pytest.raises(CameraError) as failed:
            list(frames)
        assert time.monotonic() - begin < SECONDS
    assert "@" not in str(failed.value)
    line.flow()
    line.up()
    opened_again(camera)


def test_a_line_that_is_cut_again_and_again_is_opened_each_time(line: Proxy, camera: Camera) -> None:
    for _ in range(20 if THOROUGH else 3):
        opened_again(camera)
        with camera, suppress(CameraError):
            frames = camera.frames()
            next(frames)
            line.reset()
            list(frames)


def test_a_line_that_stalls_for_a_moment_costs_nothing_but_time(line: Proxy, camera: Camera) -> None:
    with camera:
        frames = camera.frames()
        before = next(frames)
        line.stall()
        time.sleep(READ_SECONDS / 3)
        line.flow()
        later = list(itertools.islice(frames, 20))
    assert all(one.monotonic < other.monotonic for one, other in itertools.pairwise([before, *later]))


def test_closing_ends_a_camera_whose_line_is_silent(line: Proxy, camera: Camera) -> None:
    with camera:
        capture = Capture(camera, queue_frames=2)
        capture.start()
        assert next(frame for frame in capture.frames(patience=1.0) if frame is not None)
        line.blackhole()
        begin = time.monotonic()
        camera.close()
        capture.stop()
        assert time.monotonic() - begin < SECONDS
    assert not camera.stuck
