"""Cameras to try, each with what a test needs to know of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.device import backends
from platepost.device.camera.base import Camera
from platepost.device.camera.footage.recordings import open_recording
from tests.conformance.brought import brought, load
from tests.picamera2 import virtual
from tests.standins import gstreamer, standing_in
from tests.standins.picamera2 import sensor
from tests.standins.rtsp_server import RtspServer
from tests.standins.v4l2 import PATH, VideoSensor, plugged_in

OURS = (
    "footage",
    "stand-in",
    "rtsp",
    "gstreamer",
    "gstreamer-h265",
    "gstreamer-tls",
    "v4l2",
    "v4l2-yuyv",
    "picamera2",
    "examples.backends.stand:slides",
)
CAMERAS = brought("CAMERA", OURS)
CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
PLATE = "6WDN917"
"""What stands on the vehicle that every camera here sees."""
FRAMES = slice(79, 111, 2)
"""Where in the clip it does."""
SIZE = (1280, 720)


@dataclass
class CameraStand:
    """One kind of camera."""

    backend: str
    """What a post's configuration calls it."""
    settings: dict[str, Any]
    missing: Callable[[], Camera]
    """Makes one that is not there."""
    hang: Callable[[Camera], None] | None = None
    """Makes an open one deliver nothing any more, where that is possible."""
    heal: Callable[[], None] = lambda: None
    plate: str = PLATE
    """What stands on the vehicle that it sees."""
    size: tuple[int, int] = SIZE
    """Width and height of its frames."""

    def make(self, **more: Any) -> Camera:
        """Make one, not yet open."""
        return backends.camera(self.backend, self.settings | more)


@cache
def vehicle() -> list[NDArray[np.uint8]]:
    """Return the frames with the vehicle, 720 x 1280 gray."""
    return [still.gray for still in islice(open_recording(CLIP).stills(), FRAMES.start, FRAMES.stop, FRAMES.step)]


@cache
def shrunk(number: int, width: int, height: int) -> bytes:
    """Return one of these frames in another size."""
    frame = vehicle()[number]
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA).tobytes()


@contextmanager
def make_camera(kind: str) -> Iterator[CameraStand]:
    """Prepare one kind of camera; skips where it cannot run."""
    picamera2 = {"width": SIZE[0], "height": SIZE[1], "frames_per_second": 30}
    with ExitStack() as stack:
        if kind.startswith(("rtsp://", "rtsps://", "/dev/")):
            yield _at_address(kind)
        elif kind.startswith("gstreamer"):
            settings = stack.enter_context(gstreamer.serving(vehicle(), kind.partition("-")[2]))
            yield CameraStand("rtsp", settings, missing=_missing_in_network)
        elif ":" in kind:
            yield stack.enter_context(load(kind)())
        elif kind == "footage":
            yield CameraStand(
                "footage",
                {"path": str(CLIP), "pace": "realtime", "loop": True},
                missing=lambda: backends.camera("footage", {"path": "/nowhere.mp4"}),
            )
        elif kind == "stand-in":
            stack.enter_context(standing_in())
            sensor.picture = lambda number, width, height: shrunk(number // 2 % len(vehicle()), width, height)
            yield CameraStand("picamera2", picamera2, _missing, hang=lambda _camera: sensor.hang(), heal=sensor.resume)
        elif kind == "rtsp":
            server = RtspServer(vehicle())
            stack.callback(server.stop)
            server.start()
            yield CameraStand(
                "rtsp",
                {"url": server.url, "read_seconds": 4},
                missing=_missing_in_network,
                hang=lambda _camera: server.stalled.set(),
                heal=server.stalled.clear,
            )
        elif kind.startswith("v4l2"):
            usb = stack.enter_context(plugged_in(VideoSensor(vehicle())))
            yield CameraStand(
                "v4l2",
                {
                    "device": PATH,
                    "width": SIZE[0],
                    "height": SIZE[1],
                    "pixel_format": kind.partition("-")[2] or "mjpeg",
                },
                missing=lambda: backends.camera("v4l2", {"device": "/dev/video63"}),
                hang=lambda _camera: usb.hung.set(),
                heal=usb.hung.clear,
            )
        else:
            virtual.require()
            yield CameraStand("picamera2", picamera2, _missing, hang=virtual.hang)


def _at_address(url: str) -> CameraStand:
    """Return a camera of the network, or one with a device; the environment has what is particular to it."""
    plate = os.environ.get("PLATEPOST_CAMERA_PLATE", PLATE)
    if url.startswith("/dev/"):
        settings = {"device": url, "pixel_format": os.environ.get("PLATEPOST_CAMERA_FORMAT", "mjpeg")}
        size = os.environ.get("PLATEPOST_CAMERA_SIZE", "1920x1080").split("x")
        width, height = map(int, size)
        missing = partial(backends.camera, "v4l2", {"device": "/dev/video63"})
        return CameraStand(
            "v4l2", settings | {"width": width, "height": height}, missing, plate=plate, size=(width, height)
        )
    named = {
        "user": os.environ.get("PLATEPOST_CAMERA_USER"),
        "password_file": os.environ.get("PLATEPOST_CAMERA_PASSWORD_FILE"),
        "ca_file": os.environ.get("PLATEPOST_CAMERA_CA_FILE"),
    }
    settings: dict[str, Any] = {"url": url} | {name: value for name, value in named.items() if value is not None}
    with backends.camera("rtsp", settings) as camera:
        frame = next(camera.frames())
    return CameraStand(
        "rtsp",
        settings,
        missing=_missing_in_network,
        plate=plate,
        size=(frame.gray.shape[1], frame.gray.shape[0]),
    )


def _missing_in_network() -> Camera:
    return backends.camera("rtsp", {"url": "rtsp://127.0.0.1:1/stream"})


def _missing() -> Camera:
    return backends.camera("picamera2", {"number": 5})
