"""The camera of a unit: Picamera2 on libcamera.

Two streams come from the sensor: `main`, which plates are read in, and `lores`, which the detector looks at and which
the image processor shrinks for nothing. Both are YUV: the luma is taken as it is, color is made only of a frame whose
picture is kept. Each frame is copied once, out of a buffer that the camera must have back.
"""

import atexit
import importlib
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from platepost.common.errors import CameraError
from platepost.common.settings import checked
from platepost.device.camera.driver import PLAUSIBLE_SECONDS, DriverCamera
from platepost.device.camera.exposure import Exposure
from platepost.device.camera.picamera2.planes import luma, picture
from platepost.device.camera.picamera2.sensors import ImageSensor, sensor
from platepost.device.camera.picamera2.settings import Picamera2Settings
from platepost.device.frame import Frame
from platepost.device.vision.detector import HEIGHT, WIDTH

AF_MANUAL = 0
"""`AfMode` of libcamera: the lens stays where it is put."""
NOISE_REDUCTION_FAST = 1
"""`draft.NoiseReductionMode` of libcamera: what costs no time."""


log = logging.getLogger(__name__)
WAIT_SECONDS = 0.5
"""How long one wait for a frame lasts before `close` is looked for."""
BUFFERS = 4
"""Frames that the camera may be ahead; 1456x1088 takes 2.4 MB of contiguous memory each."""
PACE = 0.8
"""Share of a frame's time that passes before the next is asked for, also where the sensor heeds no frame rate."""


def controls(settings: Picamera2Settings, sensor: ImageSensor) -> dict[str, Any]:
    """Return the controls by their libcamera names; a camera may not offer all of them."""
    duration = round(1e6 / settings.frames_per_second)
    requested: dict[str, Any] = {
        "FrameDurationLimits": (duration, duration),
        "NoiseReductionMode": NOISE_REDUCTION_FAST,
    }
    if sensor.autofocus:
        # A lens that hunts is out of focus while a vehicle passes.
        requested |= {"AfMode": AF_MANUAL, "LensPosition": settings.lens_position}
    return requested


if TYPE_CHECKING:
    from picamera2 import CompletedRequest, Job, Picamera2


class Picamera2Camera(DriverCamera["Picamera2"]):
    """A camera of Raspberry Pi: Global Shutter (IMX296), High Quality (IMX477) or Module 3 (IMX708)."""

    settings_model = Picamera2Settings
    open_seconds = 20.0
    """How long opening may take: a Pi 4 that has just booted needs four."""
    close_seconds = 5.0
    """How long closing may take; it is done within half a second or never."""

    def __init__(self, **settings: Any) -> None:
        """Check the settings, those of `Picamera2Settings`; nothing is opened yet.

        Raises:
            ConfigurationError: a setting is not known, or has a value that cannot be.
            ImportError: picamera2 is not installed.

        """
        self._settings = checked(Picamera2Settings, settings, table="camera.picamera2")
        self._library = importlib.import_module("picamera2")
        super().__init__(self._settings, f"picamera2 {self._settings.number}")
        self._camera: Picamera2 | None = None
        self._lux: float | None = None

    @property
    def lux(self) -> float | None:
        """How bright libcamera estimates the scene to be, lux."""
        return self._lux

    def close(self) -> None:
        """Stop and release the camera; a second call does nothing."""
        camera = self._camera
        super().close()
        if camera is not None and self.stuck:
            atexit.unregister(camera.close)  # Picamera2 would have the interpreter's end wait for it, too

    def frames(self) -> Iterator[Frame]:
        """Yield frames at the configured rate.

        Raises:
            CameraError: the camera is not open, or Picamera2 failed.

        """
        camera = self._camera
        if camera is None:
            raise CameraError("the camera is not open")
        clock = _Clock()
        job: Job | None = None
        due = 0.0
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            try:
                job = job or camera.capture_request(wait=False)
                request = camera.wait(job, timeout=WAIT_SECONDS)
            except TimeoutError:
                continue
            except Exception as error:
                if self._closed.is_set():
                    return
                raise CameraError(f"the camera failed: {error}") from error
            job = None
            due = time.monotonic() + PACE / self._settings.frames_per_second
            yield self._frame(request, clock)

    def _frame(self, request: "CompletedRequest", clock: "_Clock") -> Frame:
        try:
            metadata = request.get_metadata()
            streams = request.config
            with self._library.MappedArray(request, "main", reshape=False, write=False) as mapped:
                gray, color = picture(mapped.array, streams["main"])
            with self._library.MappedArray(request, "lores", reshape=False, write=False) as mapped:
                small = luma(mapped.array, streams["lores"])
        finally:
            request.release()
        self._lux = metadata.get("Lux", self._lux)
        age = clock.age(metadata)
        return Frame(
            number=clock.number(metadata),
            captured=datetime.now(UTC) - timedelta(seconds=age),
            monotonic=time.monotonic() - age,
            gray=gray,
            color=color,
            small=small,
        )

    @property
    def _is_open(self) -> bool:
        return self._camera is not None

    def _open_driver(self) -> "Picamera2":
        settings = self._settings
        cameras = self._library.Picamera2.global_camera_info()
        if settings.number >= len(cameras):
            models = ", ".join(str(info.get("Model")) for info in cameras) or "none"
            raise CameraError(f"there is no camera {settings.number}; found: {models}; check the ribbon cable")
        known = sensor(str(cameras[settings.number]["Model"]))
        camera: Picamera2 = self._library.Picamera2(settings.number)
        try:
            width, height = settings.width or known.width, settings.height or known.height
            scale = min(WIDTH / width, HEIGHT / height, 1.0)
            camera.configure(
                camera.create_preview_configuration(
                    main={"format": "YUV420", "size": (width, height)},
                    lores={"format": "YUV420", "size": (_even(width * scale), _even(height * scale))},
                    raw=None,
                    sensor={"output_size": (known.width, known.height), "bit_depth": known.bits},
                    buffer_count=BUFFERS,
                    controls=self._all_controls(camera.camera_controls, known),
                    display=None,
                    encode=None,
                )
            )
            camera.start()
        except Exception:
            self._release(camera)
            raise
        log.info("camera: %s (%s), %d x %d", known.title, cameras[settings.number]["Model"], width, height)
        return camera

    def _begin(self, opened: "Picamera2") -> None:
        self._camera = opened

    def _release(self, opened: "Picamera2") -> None:
        opened.cancel_all_and_flush()
        opened.stop()
        opened.close()

    def _end(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            self._release(camera)

    def _all_controls(self, offered: Mapping[str, Any], known: ImageSensor) -> dict[str, Any]:
        requested = (
            controls(self._settings, known) | {"AeEnable": False} | self._exposure_controls(self._first_exposure())
        )
        return {name: value for name, value in requested.items() if name in offered}

    def _exposure_controls(self, exposure: Exposure) -> dict[str, Any]:
        return {
            "ExposureTime": exposure.microseconds,
            "AnalogueGain": exposure.gain,
            # Infrared light has no color, but noise has.
            "Saturation": 0.0 if self._infrared else 1.0,
        }

    def _expose(self, exposure: Exposure) -> None:
        camera = self._camera
        if camera is None:
            return
        requested = self._exposure_controls(exposure)
        offered = {name: value for name, value in requested.items() if name in camera.camera_controls}
        try:
            camera.set_controls(offered)
        except RuntimeError as error:
            log.warning("the camera does not take %s: %s", offered, error)


class _Clock:
    """When frames were taken, and which of them are missing."""

    def __init__(self) -> None:
        self._number = -1
        self._stamp: int | None = None

    def age(self, metadata: Mapping[str, Any]) -> float:
        """Return the seconds since the middle of the exposure.

        A time stamp is that of the end of the first row's exposure, on the clock of the boot or, with some drivers, on
        the monotonic one; they differ only on machines that sleep.
        """
        exposed = metadata.get("ExposureTime", 0) / 2e6
        stamp = metadata.get("SensorTimestamp")
        if stamp is None:
            return float(exposed)
        for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
            age = (time.clock_gettime_ns(clock) - stamp) / 1e9
            if 0 <= age < PLAUSIBLE_SECONDS:
                return float(age + exposed)
        return float(exposed)

    def number(self, metadata: Mapping[str, Any]) -> int:
        """Count the frame, and those that the sensor took since the last but no one got."""
        stamp, before = metadata.get("SensorTimestamp"), self._stamp
        duration = metadata.get("FrameDuration")
        steps = 1
        if stamp and before and duration:
            steps = max(1, round((stamp - before) / 1000 / duration))
        self._number += steps
        self._stamp = stamp
        return self._number


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2
