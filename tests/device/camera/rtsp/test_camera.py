"""An IP camera, its network and its faults; what every camera must do is in `tests/conformance`."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from platepost.common.errors import CameraError, ConfigurationError
from platepost.device import backends
from platepost.device.camera.base import Camera
from platepost.device.camera.rtsp.camera import RtspCamera
from tests.standins import gstreamer
from tests.standins.rtsp_server import RtspServer, encoded

SIZE = (320, 192)
PASSWORD = "pässwört/@:% 1"


def painted(number: int) -> np.ndarray:
    """Return a picture that shows its number by sixteen bars, black or white."""
    picture = np.full(SIZE[::-1], 128, np.uint8)
    for bit in range(16):
        picture[:, bit * 20 : bit * 20 + 20] = 235 if number >> bit & 1 else 16
    return picture


@pytest.fixture(scope="module")
def clip() -> list[np.ndarray]:
    return [painted(number) for number in range(40)]


@pytest.fixture
def server(clip: list[np.ndarray]) -> Iterator[RtspServer]:
    running = RtspServer(clip).start()
    yield running
    running.stop()


def camera_of(server: RtspServer, **more: object) -> Camera:
    return backends.camera("rtsp", {"url": server.url, "open_seconds": 5, "read_seconds": 1, **more})


def number_in(gray: np.ndarray) -> int:
    return sum(1 << bit for bit in range(16) if gray[SIZE[1] // 2, bit * 20 + 10] > 128)


def test_frames_are_whole_and_dated_by_the_camera(server: RtspServer) -> None:
    with camera_of(server) as camera:
        frames = list(islice(camera.frames(), 30))
    numbers = [number_in(frame.gray) for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 30))
    assert isinstance(camera, RtspCamera)
    assert camera.by_camera_clock
    assert {frame.captured_by for frame in frames[2:]} == {"camera_clock"}
    dated = frames[2:]  # the first report counts for none: FFmpeg may put it to a wrong frame
    apart = [(later.captured - dated[0].captured).total_seconds() for later in dated]
    assert np.allclose(apart, np.arange(28) / 20, atol=0.001), "as the camera took them, not as they arrived"


def test_frames_are_dated_as_a_clock_in_the_picture_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    off: dict[bool, list[float]] = {True: [], False: []}
    with gstreamer.serving([], "clock") as settings, backends.camera("rtsp", settings) as camera:
        assert isinstance(camera, RtspCamera)
        for frame in camera.frames():
            shown = gstreamer.painted_clock(frame.gray)
            off[bool(camera.by_camera_clock)].append(frame.captured.timestamp() - shown)
            if len(off[True]) == 40:  # its reports begin after some seconds
                break
    assert max(map(abs, np.percentile(off[True], [10, 50, 90]))) < 0.020, off
    # By arrival, whatever delays the least delayed frame stays: this machine's load, here.
    assert abs(min(off[False][2:], key=abs)) < 0.020, off
    assert "dated by the camera's clock" in caplog.text


def test_without_sender_reports_frames_are_dated_by_their_arrival(server: RtspServer) -> None:
    server.reports = False
    before = datetime.now(UTC)
    with camera_of(server) as camera:
        frames = list(islice(camera.frames(), 10))
    assert isinstance(camera, RtspCamera)
    assert camera.by_camera_clock is False
    assert {frame.captured_by for frame in frames} == {"arrival"}
    assert before < frames[0].captured < frames[-1].captured < datetime.now(UTC)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0, 40.0, -800_000_000.0])
def test_a_camera_whose_clock_is_wrong_dates_no_frame(server: RtspServer, ahead: float) -> None:
    server.clock_ahead = ahead
    with camera_of(server) as camera:
        frame = list(islice(camera.frames(), 5))[-1]
        assert abs((datetime.now(UTC) - frame.captured).total_seconds()) < 30
    assert isinstance(camera, RtspCamera)
    assert camera.by_camera_clock is False


def test_a_password_is_given_and_neither_logged_nor_in_an_error(
    clip: list[np.ndarray], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    server = RtspServer(clip, password=PASSWORD).start()
    try:
        given = {"user": "viewer", "password_file": str(tmp_path / "password")}
        with camera_of(server, **given) as camera:
            assert list(islice(camera.frames(), 2))
        (tmp_path / "password").write_text("another", encoding="utf-8")
        with pytest.raises(CameraError, match="refuses the user name or the password") as refused:
            camera_of(server, **given).open()
    finally:
        server.stop()
    assert "another" not in f"{refused.value} {refused.value.__cause__} {caplog.text}"
    assert PASSWORD not in caplog.text


def test_a_password_is_taken_where_systemd_delivers_it(
    clip: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "platepost_camera").write_text(PASSWORD, encoding="utf-8")
    server = RtspServer(clip, password=PASSWORD).start()
    try:
        with camera_of(server, user="viewer", password_file="/etc/platepost/camera") as camera:
            assert list(islice(camera.frames(), 1))
    finally:
        server.stop()


def test_a_camera_that_hangs_up_is_opened_again(server: RtspServer) -> None:
    camera = camera_of(server)
    for _ in range(5):
        with camera:
            frames = camera.frames()
            assert list(islice(frames, 3))
            server.cut()
            with pytest.raises(CameraError):  # what it is called depends on where the stream was cut
                list(frames)


def test_a_camera_that_sends_nothing_is_given_up_in_time(server: RtspServer) -> None:
    with camera_of(server) as camera:
        frames = camera.frames()
        assert list(islice(frames, 3))
        server.stalled.set()
        begin = time.monotonic()
        with pytest.raises(CameraError, match=r"sends nothing|does not answer"):
            list(frames)
        assert time.monotonic() - begin < 30


def test_a_server_that_is_away_is_an_error_until_it_is_back(server: RtspServer) -> None:
    camera = camera_of(server)
    server.stop()
    with pytest.raises(CameraError, match="no RTSP server listens there"):
        camera.open()
    server.start()
    with camera:
        assert list(islice(camera.frames(), 2))


def test_pictures_of_another_size_are_an_error_and_then_taken(server: RtspServer) -> None:
    before = server.units
    camera = camera_of(server)
    with camera:
        frames = camera.frames()
        assert next(frames).gray.shape == SIZE[::-1]
        server.units = encoded([np.full((384, 640), 90, np.uint8)] * 4, 20)  # as after someone set up the camera
        with pytest.raises(CameraError, match="the picture size changed"):
            list(frames)
    with camera:
        assert next(camera.frames()).gray.shape == (384, 640)
    server.units = before


def test_packets_in_another_order_and_a_flood_of_foreign_ones_end_no_post(server: RtspServer) -> None:
    for trouble in ("reordered", "flooded", "truncated"):
        server.trouble = trouble
        camera = camera_of(server)
        with camera, suppress(CameraError):
            for frame in islice(camera.frames(), 20):
                assert frame.gray.shape == SIZE[::-1]
        server.trouble = None
        with camera:
            assert [number_in(frame.gray) for frame in islice(camera.frames(), 2)]


@pytest.mark.parametrize("decoder", ["cuda", "drm", "qsv", "amf"])
def test_without_the_hardware_the_processor_decodes(server: RtspServer, decoder: str) -> None:
    with camera_of(server, hardware_decoder=decoder) as camera:
        numbers = [number_in(frame.gray) for frame in islice(camera.frames(), 3)]
    assert numbers[1] == numbers[0] + 1


def test_a_picture_of_4k_is_taken(server: RtspServer) -> None:
    server.units = encoded([np.tile(np.arange(240, dtype=np.uint8), (2160, 16))] * 2, 5)
    server.description = server.described()
    with camera_of(server, read_seconds=10) as camera:
        assert next(camera.frames()).gray.shape == (2160, 3840)


@pytest.mark.parametrize(
    "description",
    ["", "v=0\r\n", "nonsense", "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:track1\r\n"],
)
def test_a_wrong_description_is_an_error_of_the_camera(server: RtspServer, description: str) -> None:
    server.description = description
    with pytest.raises(CameraError):
        camera_of(server).open()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"url": "http://camera/stream"}, "expected rtsp://HOST/PATH"),
        ({"url": "rtsp:///stream"}, "expected rtsp://HOST/PATH"),
        ({"url": "rtsp://viewer:secret@camera/stream"}, "must not be in the address"),
        ({"url": "rtsps://camera/stream"}, "needs `ca_file`"),
        ({"url": "rtsp://camera/stream", "user": "viewer"}, "set both"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        backends.check_camera("rtsp", settings)
    assert "secret" not in str(refused.value)
