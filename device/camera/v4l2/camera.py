"""A USB camera: MJPEG or YUYV from the kernel, with its exposure set by hand and held.

Luma is decoded alone; color is made only of a frame whose picture is kept.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from errno import EACCES, EBUSY, ENODEV, ENOENT, ENXIO
from functools import partial
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from platepost.common.errors import CameraError
from platepost.common.settings import checked
from platepost.device.camera.driver import PLAUSIBLE_SECONDS, DriverCamera
from platepost.device.camera.exposure import Exposure
from platepost.device.camera.luma import full_range, limited_range
from platepost.device.camera.v4l2.controls import ExposureControls
from platepost.device.camera.v4l2.kernel import Captured, PixelFormat, VideoDevice, connected
from platepost.device.camera.v4l2.settings import V4l2Settings
from platepost.device.frame import Frame

log = logging.getLogger(__name__)

FORMATS = {"mjpeg": "MJPG", "yuyv": "YUYV"}
BUFFERS = 4
WAIT_SECONDS = 0.25
"""How long one wait for a frame lasts before `close` is looked for."""


class V4l2Camera(DriverCamera[tuple[VideoDevice, PixelFormat]]):
    """A USB camera."""

    settings_model = V4l2Settings
    open_seconds = 10.0
    close_seconds = 3.0
    silent_seconds = 10.0
    """Without a whole frame for so long, the camera has failed."""
    hold_seconds = 1.0
    """How often its exposure is compared with what was set."""

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `V4l2Settings`; nothing is opened yet.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.

        """
        self._settings = checked(V4l2Settings, settings, table="camera.v4l2")
        super().__init__(self._settings, f"v4l2 {self._settings.device}")
        self._waiting = Lock()
        """Held while a frame is waited for: no other thread may close the device then."""
        self._controlling = Lock()
        """Held while controls are set, which need not wait for a frame."""
        self._device: VideoDevice | None = None
        self._format: PixelFormat | None = None
        self._controls: ExposureControls | None = None

    @property
    def noisy(self) -> bool:
        """Return whether the sensor's noise is in the picture: an encoder may take it out."""
        return self._settings.pixel_format == "yuyv"

    @property
    def encoded(self) -> bool:
        """Return whether it compresses its pictures."""
        return not self.noisy

    def frames(self) -> Iterator[Frame]:
        """Yield frames as they come.

        Raises:
            CameraError: the camera is not open, was unplugged, or its driver failed.

        """
        if self._device is None:
            raise CameraError(f"{self.name}: the camera is not open")
        first: int | None = None
        held = came = time.monotonic()
        while not self._closed.is_set():
            if time.monotonic() - held > self.hold_seconds:
                held = time.monotonic()
                with self._controlling:
                    if self._controls is not None:
                        self._controls.hold()
            captured = self._next()
            # A frame may be cut off on the way.
            picture = None if captured is None or captured.damaged else self._picture(captured.content)
            if captured is None or picture is None:
                if time.monotonic() - came > self.silent_seconds and not self._closed.is_set():
                    raise CameraError(f"{self.name}: it sends no whole frame")
                continue
            came = time.monotonic()
            first = captured.number if first is None else first
            age = self._age(captured)
            yield Frame(
                number=captured.number - first,
                captured=datetime.now(UTC) - timedelta(seconds=age),
                monotonic=time.monotonic() - age,
                gray=picture[0],
                color=picture[1],
            )

    def _next(self) -> Captured | None:
        with self._waiting:
            if self._device is None or self._closed.is_set():
                return None
            try:
                return self._device.wait(WAIT_SECONDS)
            except OSError as error:
                raise CameraError(f"{self.name}: {self._in_words(error)}") from error

    def _picture(self, content: bytes) -> tuple[NDArray[np.uint8], Callable[[], NDArray[np.uint8]]] | None:
        """Return luma, and what makes the color; None where it cannot be decoded."""
        form = self._format
        if form is None:
            return None
        if form.code != "YUYV":
            gray = _decoded(content, cv2.IMREAD_GRAYSCALE)
            if gray is None or gray.shape != (form.height, form.width):
                return None
            return gray, partial(_color, content)
        if len(content) < form.row_bytes * form.height:
            return None
        rows = np.frombuffer(content, np.uint8, form.row_bytes * form.height).reshape(form.height, form.row_bytes)
        yuyv = rows[:, : form.width * 2].reshape(form.height, form.width, 2)
        gray = np.ascontiguousarray(yuyv[:, :, 0])
        if form.full_range:
            return gray, lambda: _from_yuyv(np.dstack([limited_range(gray), yuyv[:, :, 1]]))
        return full_range(gray), lambda: _from_yuyv(yuyv)

    def _age(self, captured: Captured) -> float:
        """Return the seconds since the middle of the exposure."""
        exposed = 0.0 if self._meter is None else self._meter.exposure.microseconds / 2e6
        if captured.monotonic is None:
            return exposed
        age = time.monotonic() - captured.monotonic
        if not 0 <= age < PLAUSIBLE_SECONDS:
            return exposed
        return max(0.0, age - exposed) if captured.at_start else age + exposed

    @property
    def _is_open(self) -> bool:
        return self._device is not None

    def _expose(self, exposure: Exposure) -> None:
        with self._controlling:
            if self._controls is not None:
                self._controls.expose(exposure)

    def _begin(self, opened: tuple[VideoDevice, PixelFormat]) -> None:
        settings = self._settings
        with self._controlling:
            self._device, self._format = opened
            most_gain = max(settings.day_most_gain, settings.night_most_gain)
            self._controls = ExposureControls(self._device, most_gain=most_gain, focus=settings.focus)
            self._controls.expose(self._first_exposure())

    def _release(self, opened: tuple[VideoDevice, PixelFormat]) -> None:
        opened[0].close()

    def _end(self) -> None:
        with self._waiting, self._controlling:
            device, self._device, self._controls = self._device, None, None
            if device is not None:
                device.close()

    def _open_driver(self) -> tuple[VideoDevice, PixelFormat]:
        settings = self._settings
        device = VideoDevice(settings.device)
        try:
            card, form = device.card(), self._chosen(device)
            device.set_rate(settings.frames_per_second)
            device.start(BUFFERS)
        except BaseException:
            device.close()
            raise
        log.info("camera: %s, %s of %d x %d", card, form.code, form.width, form.height)
        return device, form

    def _chosen(self, device: VideoDevice) -> PixelFormat:
        """Choose the format; a driver answers with the nearest that it has."""
        if device.card() is None:
            raise CameraError(f"{self.name}: it captures no video; connected: {_found()}")
        settings = self._settings
        size = (settings.width or 1920, settings.height or 1080)
        codes = [FORMATS[settings.pixel_format]] if settings.pixel_format else [*FORMATS.values()]
        for code in codes:
            form = device.choose(code, *size)
            if form.code == code and (settings.width is None or (form.width, form.height) == size):
                return form
        raise CameraError(
            f"{self.name}: it has no {' or '.join(codes)} of {size[0]} x {size[1]}; the nearest is {form.code} of"
            f" {form.width} x {form.height}"
        )

    def _in_words(self, error: Exception) -> str:
        match getattr(error, "errno", None):
            case code if code == ENOENT:
                return f"there is no such device; connected: {_found()}; check the cable"
            case code if code in (ENODEV, ENXIO):
                return "it was unplugged, or has lost its power"
            case code if code == EBUSY:
                return "another program uses it"
            case code if code == EACCES:
                return "this user may not open it; it must be in the group `video`"
        return getattr(error, "strerror", None) or str(error)


def _found() -> str:
    return ", ".join(connected()) or "none"


def _decoded(content: bytes, how: int) -> NDArray[np.uint8] | None:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    return None if picture is None else np.asarray(picture, np.uint8)


def _color(content: bytes) -> NDArray[np.uint8]:
    picture = _decoded(content, cv2.IMREAD_COLOR)
    if picture is None:
        raise CameraError("the frame's color cannot be decoded")
    return picture


def _from_yuyv(yuyv: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV), np.uint8)
